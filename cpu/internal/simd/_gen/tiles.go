// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// groups are the lines that a tile product computes at a time. Two vectors of each
// are sums, in registers, and one line more would leave none for the operands.
func (s *vectorSet) groups() []int {
	if s.lanes == 16 {
		return []int{14, 8, 7, 4, 2, 1}
	}
	return []int{6, 4, 2, 1}
}

// tiles emits what attention does with tiles of keys and values.
func tiles() {
	for i := range vectorSets {
		vectorSets[i].multiplyTile()
		vectorSets[i].transposeTile()
	}
}

// tileProduct is the registers of a tile product while it is emitted. The vector
// registers are sums 2r and 2r+1 of line r, then two of b and two of a.
type tileProduct struct {
	*vectorSet
	c, a, b0, b               Register
	work                      [4]Register // lines 0, 4, 8 and 12 of a group
	aStride, aStride3, stride Register
	lines, count              Register
}

// multiplyTile emits
//
//	for j := range columns {
//		for i := range lines {
//			for k := range inner {
//				c[i][2v·j:][:2v] += a[i][k] · b[k][2v·j:][:2v]   of v lanes
//			}
//		}
//	}
//
// where every sum is one chain of fused operations in the order of k.
func (s *vectorSet) multiplyTile() {
	TEXT("multiplyTile"+s.name, NOSPLIT, "func(c, a, b *float32, cStride, aStride, bStride uintptr, lines, inner, columns int, add bool)")
	Doc(fmt.Sprintf("multiplyTile%s is multiplyTileGeneric's twin for %s and FMA. columns counts pairs of vectors, strides are bytes.", s.name, s.needs))
	Pragma("noescape")
	t := &tileProduct{vectorSet: s, c: GP64(), a: GP64(), b0: pointer("b"), b: GP64(),
		aStride: pointer("aStride"), stride: pointer("bStride"), lines: GP64(), count: GP64()}
	t.aStride3 = times3(t.aStride)
	for i := range t.work {
		if s.lanes == 16 || i < 2 {
			t.work[i] = GP64()
		}
	}
	Label("columns")
	MOVQ(param("c"), t.c)
	MOVQ(param("a"), t.a)
	MOVQ(param("lines"), t.lines)
	for _, n := range s.groups() {
		loop, done := fmt.Sprintf("lines%d", n), fmt.Sprintf("lines%dDone", n)
		Label(loop)
		CMPQ(t.lines, I8(n))
		JLT(LabelRef(done))
		t.group(n)
		SUBQ(I8(n), t.lines)
		JMP(LabelRef(loop))
		Label(done)
	}
	ADDQ(I32(2*s.bytes()), t.b0)
	ADDQ(I32(2*s.bytes()), param("c"))
	DECQ(param("columns"))
	JNZ(LabelRef("columns"))
	end()
}

// group emits n lines of two vectors of columns and moves a and c past them.
func (t *tileProduct) group(n int) {
	t.load(n)
	MOVQ(t.a, t.work[0])
	for i := 1; 4*i < n; i++ {
		LEAQ(Mem{Base: t.work[i-1], Index: t.aStride, Scale: 4}, t.work[i])
	}
	MOVQ(t.b0, t.b)
	MOVQ(param("inner"), t.count)
	label := fmt.Sprintf("inner%d", n)
	Label(label)
	b, a := 2*t.groups()[0], 2*t.groups()[0]+2
	for v := range 2 {
		VMOVUPS(t.at(t.b, v), t.v(b+v))
	}
	for r := range n {
		VBROADCASTSS(t.line(r), t.v(a+r%2))
		for v := range 2 {
			VFMADD231PS(t.v(b+v), t.v(a+r%2), t.v(2*r+v))
		}
	}
	ADDQ(t.stride, t.b)
	for i := 0; 4*i < n; i++ {
		ADDQ(I8(4), t.work[i])
	}
	DECQ(t.count)
	JNZ(LabelRef(label))
	t.store(n)
	advance(t.a, t.aStride, n)
}

// line returns a's element of line r of the group.
func (t *tileProduct) line(r int) Mem {
	return rows{base: t.work[r/4], stride: t.aStride, stride3: t.aStride3}.at(r%4, 0)
}

// load emits the sums' start: c, or 0 where nothing is to be added to.
func (t *tileProduct) load(n int) {
	zeros, begun := fmt.Sprintf("zeros%d", n), fmt.Sprintf("begun%d", n)
	CMPB(param("add"), I8(0))
	JEQ(LabelRef(zeros))
	MOVQ(t.c, t.b)
	MOVQ(param("cStride"), t.count)
	for r := range n {
		for v := range 2 {
			VMOVUPS(t.at(t.b, v), t.v(2*r+v))
		}
		ADDQ(t.count, t.b)
	}
	JMP(LabelRef(begun))
	Label(zeros)
	for i := range 2 * n {
		zero(t.v(i))
	}
	Label(begun)
}

// store emits c = sums and moves c past the group.
func (t *tileProduct) store(n int) {
	MOVQ(param("cStride"), t.count)
	for r := range n {
		for v := range 2 {
			VMOVUPS(t.v(2*r+v), t.at(t.c, v))
		}
		ADDQ(t.count, t.c)
	}
}

// transposeTile emits
//
//	for j := range groups · lanes {
//		for i := range blocks · 4 {
//			dst[i][j] = src[j][i]
//		}
//	}
//
// Register r of a block of four columns holds row 4l+r in its 128-bit lane l.
func (s *vectorSet) transposeTile() {
	TEXT("transposeTile"+s.name, NOSPLIT, "func(dst, src *float32, dstStride, srcStride uintptr, blocks, groups int)")
	Doc(fmt.Sprintf("transposeTile%s is transposeTileGeneric's twin for %s. A block is 4 columns of src, a group %d rows.", s.name, s.needs, s.lanes))
	Pragma("noescape")
	src, dst0, stride, dstStride := pointer("src"), pointer("dst"), pointer("srcStride"), pointer("dstStride")
	stride3, dst, count := times3(stride), GP64(), GP64()
	lanes := []Register{GP64(), GP64(), GP64(), GP64()}[:s.lanes/4]
	Label("group")
	MOVQ(src, lanes[0])
	for i := 1; i < len(lanes); i++ {
		LEAQ(Mem{Base: lanes[i-1], Index: stride, Scale: 4}, lanes[i])
	}
	LEAQ(Mem{Base: lanes[len(lanes)-1], Index: stride, Scale: 4}, src)
	MOVQ(dst0, dst)
	MOVQ(param("blocks"), count)
	Label("block")
	for r := range 4 {
		for l, p := range lanes {
			row := rows{base: p, stride: stride, stride3: stride3}.at(r, 0)
			switch {
			case l == 0:
				VMOVUPS(row, x(r))
			case s.lanes == 16:
				VINSERTF32X4(Imm(uint64(l)), row, z(r), z(r))
			default:
				VINSERTF128(Imm(1), row, y(r), y(r))
			}
		}
	}
	v := s.v
	VUNPCKLPS(v(1), v(0), v(4))
	VUNPCKHPS(v(1), v(0), v(5))
	VUNPCKLPS(v(3), v(2), v(6))
	VUNPCKHPS(v(3), v(2), v(7))
	VUNPCKLPD(v(6), v(4), v(0))
	VUNPCKHPD(v(6), v(4), v(1))
	VUNPCKLPD(v(7), v(5), v(2))
	VUNPCKHPD(v(7), v(5), v(3))
	for r := range 4 {
		VMOVUPS(v(r), Mem{Base: dst})
		ADDQ(dstStride, dst)
	}
	for _, p := range lanes {
		ADDQ(I8(16), p)
	}
	DECQ(count)
	JNZ(LabelRef("block"))
	ADDQ(I32(s.bytes()), dst0)
	DECQ(param("groups"))
	JNZ(LabelRef("group"))
	end()
}
