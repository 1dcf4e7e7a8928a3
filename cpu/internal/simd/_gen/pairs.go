// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// pairs emits the products of bfloat16, a block of inputs into sixteen sums at a time.
func pairs() {
	pairsFew()
	pairsTile()
	pairsRound()
	pairsPack()
}

// Go's assembler has no AVX512_BF16: z32 emits one of its instructions on Z registers.
func z32(pp, opcode, b, a, d uint8) {
	raw(0x62, 0x02|^d&8<<4|^b&16<<2|^b&8<<2|^d&16, 0x04|^a&15<<3|pp, 0x40|^a&16>>1, opcode, 0xC0|d&7<<3|b&7)
}

// vdpbf16ps adds the products of the pairs in a and b to the sums in d.
func vdpbf16ps(b, a, d uint8) { z32(2, 0x52, b, a, d) }

// vcvtne2ps2bf16 sets the lower half of d to b, the upper to a, rounded to bfloat16.
func vcvtne2ps2bf16(b, a, d uint8) { z32(3, 0x72, b, a, d) }

// pairsFew emits the products of rows of activations with four rows of weights, as dots does.
//
//	sums  0 .. 3   [4]
//	x     4, w 5
func pairsFew() {
	TEXT("pairsFewAVX512", NOSPLIT, "func(dst *float32, dstStride uintptr, x *uint16, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)")
	Doc("pairsFewAVX512 is pairsGeneric's twin for four outputs, for AVX-512 and AVX512_BF16. A block has 32 inputs.")
	Pragma("noescape")
	dst, dstStride := Load(Param("dst"), GP64()), Load(Param("dstStride"), GP64())
	x0, xStride := Load(Param("x"), GP64()), Load(Param("xStride"), GP64())
	w0, wStride := Load(Param("w"), GP64()), Load(Param("wStride"), GP64())
	rowsLeft := Load(Param("rows"), GP64())
	w := rows{base: GP64(), stride: wStride, stride3: times3(wStride)}

	src, blocks := GP64(), GP64()
	for _, row := range []string{"First", "Other"} {
		Label("row" + row)
		MOVQ(x0, src)
		MOVQ(w0, w.base)
		Load(Param("blocks"), blocks)
		for i := range 4 {
			zero(z(i))
		}
		Label("block" + row)
		VMOVDQU32(Mem{Base: src}, z(4))
		for o := range 4 {
			if row == "First" {
				PREFETCHT1(w.at(o, aheadRow))
			}
			VMOVDQU32(w.at(o, 0), z(5))
			vdpbf16ps(5, 4, uint8(o))
		}
		ADDQ(Imm(64), src)
		w.step(64)
		DECQ(blocks)
		JNZ(LabelRef("block" + row))
		sumLanes(0)
		VMOVUPS(x(0), Mem{Base: dst})
		ADDQ(dstStride, dst)
		ADDQ(xStride, x0)
		DECQ(rowsLeft)
		if row == "First" {
			JZ(LabelRef("done"))
		} else {
			JNZ(LabelRef("row" + row))
		}
	}
	Label("done")
	VZEROUPPER()
	RET()
}

// pairsTile emits the products of six rows with groups of four of weights: ten loads for 24
// multiplications. The activations stay in a near cache for all groups, the weights for all tiles.
//
//	sums  0 .. 23   [6, 4]
//	x     24 .. 29  [6]
//	w     30, 31
func pairsTile() {
	const tall = 6
	TEXT("pairsTileAVX512", NOSPLIT, "func(dst *float32, dstStride uintptr, x, w *uint16, blocks, groups int, ahead *uint16, aheadStep uintptr)")
	Doc("pairsTileAVX512 computes groups of four outputs of six rows, for AVX-512 and AVX512_BF16.",
		"Every block fetches the line at ahead, which then moves by aheadStep.",
		"", "  x  [blocks, 6, 32]", "  w  [groups, blocks, 4, 32]")
	Pragma("noescape")
	dst, dstStride := Load(Param("dst"), GP64()), Load(Param("dstStride"), GP64())
	x0, w, groups := Load(Param("x"), GP64()), Load(Param("w"), GP64()), Load(Param("groups"), GP64())
	ahead, step := Load(Param("ahead"), GP64()), Load(Param("aheadStep"), GP64())

	Label("group")
	src, blocks := GP64(), GP64()
	MOVQ(x0, src)
	Load(Param("blocks"), blocks)
	for i := range 4 * tall {
		zero(z(i))
	}
	Label("block")
	for r := range tall {
		VMOVDQU32(Mem{Base: src, Disp: 64 * r}, z(24+r))
	}
	for o := range 4 {
		VMOVDQU32(Mem{Base: w, Disp: 64 * o}, z(30+o%2))
		for r := range tall {
			vdpbf16ps(uint8(30+o%2), uint8(24+r), uint8(4*r+o))
		}
	}
	PREFETCHT1(Mem{Base: ahead})
	ADDQ(step, ahead)
	ADDQ(I32(64*tall), src)
	ADDQ(I32(64*4), w)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	MOVQ(dst, src)
	for r := range tall {
		sumLanes(4 * r)
		VMOVUPS(x(0), Mem{Base: src})
		ADDQ(dstStride, src)
	}
	ADDQ(Imm(16), dst)
	DECQ(groups)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// pairsRound emits the rounding of a row, to where a tile reads it. Numbers below 2⁻¹²⁶ become 0, as which the products
// take them anyway.
func pairsRound() {
	TEXT("pairsRoundAVX512", NOSPLIT, "func(dst *uint16, dstStep uintptr, src *float32, blocks int)")
	Doc("pairsRoundAVX512 rounds blocks of 32 numbers to bfloat16, dstStep bytes apart, for AVX512_BF16.")
	Pragma("noescape")
	dst, step := Load(Param("dst"), GP64()), Load(Param("dstStep"), GP64())
	src, blocks := Load(Param("src"), GP64()), Load(Param("blocks"), GP64())
	Label("block")
	VMOVUPS(Mem{Base: src}, z(0))
	VMOVUPS(Mem{Base: src, Disp: 64}, z(1))
	vcvtne2ps2bf16(0, 1, 2)
	VMOVDQU32(z(2), Mem{Base: dst})
	ADDQ(U32(128), src)
	ADDQ(step, dst)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// pairsPack emits the copying of four rows of weights to where a tile reads them.
func pairsPack() {
	TEXT("pairsPackAVX512", NOSPLIT, "func(dst, src *uint16, srcStride uintptr, blocks int)")
	Doc("pairsPackAVX512 copies four rows of blocks of 32 weights to [blocks, 4, 32].")
	Pragma("noescape")
	dst, src, stride := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("srcStride"), GP64())
	blocks := Load(Param("blocks"), GP64())
	from := rowsFrom(src, stride, times3(stride), 4)
	Label("block")
	for o := range 4 {
		VMOVDQU32(from.at(o, 0), z(o))
		VMOVDQU32(z(o), Mem{Base: dst, Disp: 64 * o})
	}
	from.step(64)
	ADDQ(U32(64*4), dst)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
