// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The activation block that every quantised kernel reads; see simd.QuantizeRow.
const (
	xBlock = 80 // bytes
	xScale = 64 // offset of the scale
	xSum0  = 68 // offset of -8 times the sum of the first 32
	xSum1  = 72 // offset of -8 times the sum of the last 32
	xSum   = 76 // offset of -128 times the sum of all
)

// quant is the state of a panel kernel while it is emitted.
type quant struct {
	w, s, x, x4, stride, stride3 Register
	scale                        [2]VecPhysical // of the weights, by half block
	acc                          []VecPhysical  // float32 sums, by row
}

func quantAVX512() {
	panel("panelQ4VNNI", "4-bit", q4Block)
	panel("panelQ8VNNI", "8-bit", q8Block)
}

// panel emits
//
//	for r := range rows {
//		for b := range blocks {
//			dst[r][:] += block(w[b], s[b], x[r][b])
//		}
//	}
//
// eight rows at a time, then one at a time, with the same operations for each row.
func panel(name, bits string, block func(*quant, int)) {
	TEXT(name, NOSPLIT, "func(dst *float32, dstStride uintptr, w *byte, s *uint16, x *byte, xStride uintptr, blocks, rows int)")
	Doc(name + " is panelGeneric's twin for " + bits + " weights, for AVX-512 with VNNI.")
	Pragma("noescape")
	dst, dstStride := Load(Param("dst"), GP64()), Load(Param("dstStride"), GP64())
	w0, s0 := Load(Param("w"), GP64()), Load(Param("s"), GP64())
	x0, stride := Load(Param("x"), GP64()), Load(Param("xStride"), GP64())
	rows := Load(Param("rows"), GP64())
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	constants()

	for _, n := range []int{8, 1} {
		loop, done := fmt.Sprintf("rows%d", n), fmt.Sprintf("rows%dDone", n)
		Label(loop)
		CMPQ(rows, I32(n))
		JLT(LabelRef(done))
		rowGroup(name, n, block, w0, s0, x0, stride, stride3)
		store(n, dst, dstStride)
		advance(x0, stride, n)
		SUBQ(I32(n), rows)
		JMP(LabelRef(loop))
		Label(done)
	}
	VZEROUPPER()
	RET()
}

const (
	zNibble = 31 // 0x0f in each byte
	zSign   = 30 // 0x80 in each byte
)

func constants() {
	t := GP32()
	MOVL(U32(0x0f0f0f0f), t)
	VPBROADCASTD(t, z(zNibble))
	MOVL(U32(0x80808080), t)
	VPBROADCASTD(t, z(zSign))
}

// rowGroup emits the sums of n rows over all blocks, left in registers acc.
func rowGroup(name string, n int, block func(*quant, int), w0, s0, x0, stride, stride3 Register) {
	q := &quant{w: GP64(), s: GP64(), x: GP64(), x4: GP64(), stride: stride, stride3: stride3}
	q.scale = [2]VecPhysical{z(28), z(29)}
	MOVQ(w0, q.w)
	MOVQ(s0, q.s)
	MOVQ(x0, q.x)
	LEAQ(Mem{Base: q.x, Index: stride, Scale: 4}, q.x4)
	for r := range n {
		q.acc = append(q.acc, z(16+r))
		VPXORD(q.acc[r], q.acc[r], q.acc[r])
	}
	blocks := Load(Param("blocks"), GP64())
	label := fmt.Sprintf("blocks%d", n)
	Label(label)
	block(q, n)
	ADDQ(I8(xBlock), q.x)
	ADDQ(I8(xBlock), q.x4)
	DECQ(blocks)
	JNZ(LabelRef(label))
}

// q4Block emits one block of 64 inputs for n rows: two half blocks of 32 with a
// scale each.
//
//	w  [8][16 outputs][4]byte   low nibble: input 4j+i, high: 32+4j+i
//	s  [2][16]uint16
//
// lo and hi are the exact sums of (q+8)·x - 8·x.
func q4Block(q *quant, n int) {
	lo, hi := func(r int) VecPhysical { return z(2 * r) }, func(r int) VecPhysical { return z(2*r + 1) }
	wlo, whi := z(24), z(25)
	if n == 1 {
		q4BlockOne(q)
		return
	}
	for r := range n {
		VPBROADCASTD(q.row(r, xSum0), lo(r))
		VPBROADCASTD(q.row(r, xSum1), hi(r))
	}
	for j := range 8 {
		VMOVDQU32(Mem{Base: q.w, Disp: 64 * j}, whi)
		VPANDD(whi, z(zNibble), wlo)
		VPSRLD(Imm(4), whi, whi)
		VPANDD(whi, z(zNibble), whi)
		for r := range n {
			VPDPBUSD_BCST(q.row(r, 4*j), wlo, lo(r))
			VPDPBUSD_BCST(q.row(r, 32+4*j), whi, hi(r))
		}
	}
	VCVTPH2PS(Mem{Base: q.s}, q.scale[0])
	VCVTPH2PS(Mem{Base: q.s, Disp: 32}, q.scale[1])
	for r := range n {
		q4Scale(q, r, lo(r), hi(r))
	}
	ADDQ(I32(512), q.w)
	ADDQ(I8(64), q.s)
}

// q4BlockOne is q4Block for one row, with the integer sums in four chains to hide
// their latency.
func q4BlockOne(q *quant) {
	VPBROADCASTD(q.row(0, xSum0), z(0))
	VPBROADCASTD(q.row(0, xSum1), z(1))
	VPXORD(z(2), z(2), z(2))
	VPXORD(z(3), z(3), z(3))
	for j := range 8 {
		w := z(8 + 2*j%8)
		lo := z(9 + 2*j%8)
		VMOVDQU32(Mem{Base: q.w, Disp: 64 * j}, w)
		VPANDD(w, z(zNibble), lo)
		VPSRLD(Imm(4), w, w)
		VPANDD(w, z(zNibble), w)
		VPDPBUSD_BCST(q.row(0, 4*j), lo, z(2*(j%2)))
		VPDPBUSD_BCST(q.row(0, 32+4*j), w, z(2*(j%2)+1))
		PREFETCHT0(Mem{Base: q.w, Disp: 64*j + 4096})
	}
	VPADDD(z(2), z(0), z(0))
	VPADDD(z(3), z(1), z(1))
	VCVTPH2PS(Mem{Base: q.s}, q.scale[0])
	VCVTPH2PS(Mem{Base: q.s, Disp: 32}, q.scale[1])
	q4Scale(q, 0, z(0), z(1))
	ADDQ(I32(512), q.w)
	ADDQ(I8(64), q.s)
}

// q4Scale emits acc += (lo·s₀ + hi·s₁)·xscale.
func q4Scale(q *quant, r int, lo, hi VecPhysical) {
	VCVTDQ2PS(lo, lo)
	VCVTDQ2PS(hi, hi)
	VMULPS(q.scale[0], lo, lo)
	VFMADD231PS(q.scale[1], hi, lo)
	VFMADD231PS_BCST(q.row(r, xScale), lo, q.acc[r])
}

// q8Block emits one block of 64 inputs with one scale for n rows.
//
//	w  [16][16 outputs][4]int8   input 4j+i
//	s  [16]uint16
//
// The sums are the exact ones of (q+128)·x - 128·x.
func q8Block(q *quant, n int) {
	sum, w := func(r int) VecPhysical { return z(r) }, z(24)
	for r := range n {
		VPBROADCASTD(q.row(r, xSum), sum(r))
	}
	if n == 1 {
		for c := 1; c < 4; c++ {
			VPXORD(z(c), z(c), z(c))
		}
	}
	for j := range 16 {
		if n == 1 {
			w = z(8 + j%8)
			PREFETCHT0(Mem{Base: q.w, Disp: 64*j + 4096})
		}
		VPXORD(Mem{Base: q.w, Disp: 64 * j}, z(zSign), w)
		for r := range n {
			chain := sum(r)
			if n == 1 {
				chain = z(j % 4)
			}
			VPDPBUSD_BCST(q.row(r, 4*j), w, chain)
		}
	}
	if n == 1 {
		VPADDD(z(1), z(0), z(0))
		VPADDD(z(3), z(2), z(2))
		VPADDD(z(2), z(0), z(0))
	}
	VCVTPH2PS(Mem{Base: q.s}, q.scale[0])
	for r := range n {
		VCVTDQ2PS(sum(r), sum(r))
		VMULPS(q.scale[0], sum(r), sum(r))
		VFMADD231PS_BCST(q.row(r, xScale), sum(r), q.acc[r])
	}
	ADDQ(I32(1024), q.w)
	ADDQ(I8(32), q.s)
}

// store emits dst[r][0:16] = acc[r] for n rows and moves dst past them.
func store(n int, dst, stride Register) {
	for r := range n {
		VMOVUPS(z(16+r), Mem{Base: dst})
		ADDQ(stride, dst)
	}
}

// row returns the operand at offset disp of row r's block.
func (q *quant) row(r, disp int) Mem {
	base := q.x
	if r >= 4 {
		base = q.x4
	}
	switch r % 4 {
	case 1:
		return Mem{Base: base, Index: q.stride, Scale: 1, Disp: disp}
	case 2:
		return Mem{Base: base, Index: q.stride, Scale: 2, Disp: disp}
	case 3:
		return Mem{Base: base, Index: q.stride3, Scale: 1, Disp: disp}
	}
	return Mem{Base: base, Disp: disp}
}
