// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pairs emits the products of bfloat16, a block of inputs into sixteen sums at a time.
func pairs() {
	dotPairs()
	roundRow()
}

// Go's assembler has no AVX512_BF16: z32 emits one of its instructions on Z registers.
func z32(pp, opcode, b, a, d uint8) {
	raw(0x62, 0x02|^d&8<<4|^b&16<<2|^b&8<<2|^d&16, 0x04|^a&15<<3|pp, 0x40|^a&16>>1, opcode, 0xC0|d&7<<3|b&7)
}

// vdpbf16ps adds the products of the pairs in a and b to the sums in d.
func vdpbf16ps(b, a, d uint8) { z32(2, 0x52, b, a, d) }

// vcvtne2ps2bf16 sets the lower half of d to b, the upper to a, rounded to bfloat16.
func vcvtne2ps2bf16(b, a, d uint8) { z32(3, 0x72, b, a, d) }

// dotPairs emits the products of rows of activations with four rows of weights, as dots does.
func dotPairs() {
	TEXT("dotPairsAVX512", NOSPLIT, "func(dst *float32, dstStride uintptr, x *uint16, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)")
	Doc("dotPairsAVX512 is pairsGeneric's twin for four outputs, for AVX-512 and AVX512_BF16. A block has 32 inputs.")
	Pragma("noescape")
	fewRows().emit512(true, 64, func(src Mem, dst VecPhysical) { VMOVUPS(src, dst) },
		func(w, x, sum int) { vdpbf16ps(uint8(w), uint8(x), uint8(sum)) })
}

// roundRow emits the rounding to bfloat16. Numbers below 2⁻¹²⁶ become 0, as which the products take
// them anyway.
func roundRow() {
	TEXT("roundRowAVX512", NOSPLIT, "func(dst *uint16, src *float32, blocks int)")
	Doc("roundRowAVX512 rounds blocks of 32 numbers to bfloat16, for AVX512_BF16.")
	Pragma("noescape")
	dst, src, blocks := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("blocks"), GP64())
	Label("block")
	VMOVUPS(Mem{Base: src}, z(0))
	VMOVUPS(Mem{Base: src, Disp: 64}, z(1))
	vcvtne2ps2bf16(0, 1, 2)
	VMOVDQU32(z(2), Mem{Base: dst})
	ADDQ(U32(128), src)
	ADDQ(Imm(64), dst)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
