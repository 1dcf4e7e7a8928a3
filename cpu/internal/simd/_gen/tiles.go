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

// aheadLines are the most lines of a group that fetches what comes next: with more,
// memory is no bound.
const aheadLines = 8

// tiles emits what attention does with tiles of keys and values.
func tiles() {
	for i := range vectorSets {
		for j := range elements {
			vectorSets[i].multiplyTile(&elements[j])
		}
		vectorSets[i].transposeTile()
		vectorSets[i].transposeWords()
	}
}

// tileProduct is the registers of a tile product while it is emitted. The vector
// registers are sums 2r and 2r+1 of line r, then two of b and two of a.
type tileProduct struct {
	*vectorSet
	element                   *element // of b
	c, a, b0, b               Register
	work                      [4]Register // lines 0, 4, 8 and 12 of a group
	aStride, aStride3, stride Register
	count, ahead              Register
}

// multiplyTile emits
//
//	for i := range lines {
//		for j := range columns {
//			for k := range inner {
//				c[i][2v·j:][:2v] += a[i][k] · b[k][2v·j:][:2v]   of v lanes
//			}
//		}
//	}
//
// where every sum is one chain of fused operations in the order of k. Lines go in
// groups: a group's rows of a stay in the first-level cache for all columns, and b
// stays there for all groups.
func (s *vectorSet) multiplyTile(e *element) {
	name := "multiplyTile" + e.name + s.name
	TEXT(name, NOSPLIT, "func(c, a *float32, b *"+e.goType+", cStride, aStride, bStride uintptr, lines, inner, columns int, add bool, ahead *uint16, aheadStep uintptr)")
	Doc(fmt.Sprintf("%s is multiplyTileGeneric's twin for b of %s and for %s and FMA. columns counts pairs of vectors, strides are bytes. Every step of inner fetches the line at ahead, which then moves by aheadStep.", name, e.name, s.needs))
	Pragma("noescape")
	t := &tileProduct{vectorSet: s, element: e, c: GP64(), a: pointer("a"), b0: GP64(), b: GP64(),
		aStride: pointer("aStride"), stride: pointer("bStride"), count: GP64(), ahead: pointer("ahead")}
	t.aStride3 = times3(t.aStride)
	for i := range t.work {
		if s.lanes == 16 || i < 2 {
			t.work[i] = GP64()
		}
	}
	columns := AllocLocal(8)
	for _, n := range s.groups() {
		loop, done, next := fmt.Sprintf("lines%d", n), fmt.Sprintf("lines%dDone", n), fmt.Sprintf("columns%d", n)
		Label(loop)
		CMPQ(param("lines"), I8(n))
		JLT(LabelRef(done))
		MOVQ(param("c"), t.c)
		MOVQ(param("b"), t.b0)
		MOVQ(param("columns"), t.count)
		MOVQ(t.count, columns)
		Label(next)
		t.group(n)
		ADDQ(I32(2*s.bytes()), t.c)
		ADDQ(I32(2*s.lanes*e.size), t.b0)
		DECQ(columns)
		JNZ(LabelRef(next))
		advance(t.a, t.aStride, n)
		MOVQ(param("cStride"), t.count)
		IMUL3Q(I8(n), t.count, t.count)
		ADDQ(t.count, param("c"))
		SUBQ(I8(n), param("lines"))
		JMP(LabelRef(loop))
		Label(done)
	}
	end()
}

// group emits n lines of two vectors of columns.
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
		t.widen(Mem{Base: t.b, Disp: v * t.lanes * t.element.size}, t.v(b+v))
	}
	for r := range n {
		VBROADCASTSS(t.line(r), t.v(a+r%2))
		for v := range 2 {
			VFMADD231PS(t.v(b+v), t.v(a+r%2), t.v(2*r+v))
		}
	}
	if n <= aheadLines {
		PREFETCHT0(Mem{Base: t.ahead})
		ADDQ(param("aheadStep"), t.ahead)
	}
	ADDQ(t.stride, t.b)
	for i := 0; 4*i < n; i++ {
		ADDQ(I8(4), t.work[i])
	}
	DECQ(t.count)
	JNZ(LabelRef(label))
	t.store(n)
}

// widen emits the loading of a vector of b.
func (t *tileProduct) widen(src Mem, dst VecPhysical) {
	if t.lanes == 16 {
		t.element.widen512(src, dst)
		return
	}
	t.element.widen256(src, dst)
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

// store emits c = sums.
func (t *tileProduct) store(n int) {
	MOVQ(t.c, t.b)
	MOVQ(param("cStride"), t.count)
	for r := range n {
		for v := range 2 {
			VMOVUPS(t.v(2*r+v), t.at(t.b, v))
		}
		ADDQ(t.count, t.b)
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

// transposeWords emits
//
//	for j := range 2 · lanes {
//		for i := range blocks · 8 {
//			dst[i][j] = src[j][i]
//		}
//	}
//
// of 16-bit elements. Register r of a block of eight columns holds row 8l+r in its
// 128-bit lane l.
func (s *vectorSet) transposeWords() {
	TEXT("transposeWords"+s.name, NOSPLIT, "func(dst, src *uint16, dstStride, srcStride uintptr, blocks int)")
	Doc(fmt.Sprintf("transposeWords%s is transposeWordsGeneric's twin for %d rows of blocks of 8 columns, for %s.", s.name, 2*s.lanes, s.needs))
	Pragma("noescape")
	stride, dst0, blocks := pointer("srcStride"), pointer("dst"), pointer("blocks")
	stride3, dst := times3(stride), GP64()
	halves := []Register{pointer("src")} // rows 0, 4, 8 and so on
	for i := 1; i < 2*s.lanes/4; i++ {
		p := GP64()
		LEAQ(Mem{Base: halves[i-1], Index: stride, Scale: 4}, p)
		halves = append(halves, p)
	}
	Label("block")
	for r := range 8 {
		for l := range s.lanes / 4 {
			row := rows{base: halves[2*l+r/4], stride: stride, stride3: stride3}.at(r%4, 0)
			switch {
			case l == 0:
				VMOVDQU(row, x(r))
			case s.lanes == 16:
				VINSERTI32X4(Imm(uint64(l)), row, z(r), z(r))
			default:
				VINSERTI128(Imm(1), row, y(r), y(r))
			}
		}
	}
	v, t := s.v, func(i int) VecPhysical { return s.v(8 + i) }
	for i := range 4 { // pairs of rows
		VPUNPCKLWD(v(2*i+1), v(2*i), t(2*i))
		VPUNPCKHWD(v(2*i+1), v(2*i), t(2*i+1))
	}
	for i := range 2 { // fours of rows
		for j := range 2 {
			VPUNPCKLDQ(t(4*i+j+2), t(4*i+j), v(4*i+2*j))
			VPUNPCKHDQ(t(4*i+j+2), t(4*i+j), v(4*i+2*j+1))
		}
	}
	MOVQ(dst0, dst)
	for i := range 4 {
		VPUNPCKLQDQ(v(4+i), v(i), t(0))
		VPUNPCKHQDQ(v(4+i), v(i), t(1))
		for j := range 2 {
			if s.lanes == 16 {
				VMOVDQU32(t(j), Mem{Base: dst})
			} else {
				VMOVDQU(t(j), Mem{Base: dst})
			}
			ADDQ(param("dstStride"), dst)
		}
	}
	MOVQ(dst, dst0)
	for _, p := range halves {
		ADDQ(I8(16), p)
	}
	DECQ(blocks)
	JNZ(LabelRef("block"))
	end()
}
