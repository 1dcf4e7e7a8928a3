// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Kernels of AMX's bfloat16 products. Weights lie as they are, in rows, and are the
// first operand, 16 outputs by 32 inputs; activations are the second, 32 inputs of
// up to 16 rows in pairs. Every input has two parts, hi and lo, so that a block of 32
// is two products. The tile registers:
//
//	0..3  sums: outputs 0 or 1 by rows 0 or 1
//	4, 5  weights of outputs 0 and 1
//	6, 7  activations of rows 0 and 1, or hi and lo

// sib emits a tile instruction with the operand disp(base)(index*1).
func sib(pp, opcode, t uint8, base, index GPPhysical, disp int) {
	b, i := uint8(base.PhysicalIndex()), uint8(index.PhysicalIndex())
	rex := uint8(0x82) // inverted R, X and B, and the map 0F38
	if i < 8 {
		rex |= 0x40
	}
	if b < 8 {
		rex |= 0x20
	}
	raw(0xC4, rex, 0x78|pp, opcode, 0x84|t<<3, i&7<<3|b&7,
		byte(disp), byte(disp>>8), byte(disp>>16), byte(disp>>24))
}

func tileload(t uint8, base, index GPPhysical, disp int) { sib(3, 0x4B, t, base, index, disp) }

func tilestore(t uint8, base, index GPPhysical, disp int) { sib(2, 0x4B, t, base, index, disp) }

// tdpbf16ps adds the products of bfloat16 tiles a and b to the float32 tile d.
func tdpbf16ps(d, a, b uint8) { raw(0xC4, 0xE2, ^b&15<<3|2, 0x5C, 0xC0|d<<3|a) }

func bf16Tiles() {
	tilesFew()
	tilesMany()
	splitRows()
	transpose()
	packTiles()
}

// packTiles emits the copying of 16 rows of weights into one tile after the other.
func packTiles() {
	TEXT("packTilesAVX512", NOSPLIT, "func(dst, src *byte, srcStride uintptr, blocks int)")
	Doc("packTilesAVX512 copies 16 rows of blocks of 64 bytes to [blocks, 16].")
	Pragma("noescape")
	dst, src0 := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	stride, blocks := Load(Param("srcStride"), GP64()), Load(Param("blocks"), GP64())
	stride3 := times3(stride)
	src := GP64()
	Label("block")
	MOVQ(src0, src)
	for i := range 16 {
		VMOVDQU32(rows{base: src, stride: stride, stride3: stride3}.at(i%4, 0), z(i))
		VMOVDQU32(z(i), Mem{Base: dst, Disp: 64 * i})
		if i%4 == 3 {
			LEAQ(Mem{Base: src, Index: stride, Scale: 4}, src)
		}
	}
	ADDQ(Imm(64), src0)
	ADDQ(U32(1024), dst)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

func tilesConfigure(c, stride GPPhysical) {
	Load(Param("config"), RAX)
	ldtilecfg()
	Load(Param("c"), c)
	MOVQ(U64(64), stride)
}

// tilesBegin emits the loading of the sums: zeros, or with resume what c holds.
func tilesBegin(c, stride GPPhysical, sums int) {
	CMPQ(param("resume"), Imm(0))
	JNE(LabelRef("resume"))
	for t := range sums {
		tilezero(uint8(t))
	}
	JMP(LabelRef("block"))
	Label("resume")
	for t := range sums {
		tileload(uint8(t), c, stride, 1024*t)
	}
}

func tilesEnd(c, stride GPPhysical, sums int) {
	for t := range sums {
		tilestore(uint8(t), c, stride, 1024*t)
	}
}

// tilesFew is for up to 16 rows, as fast as memory gives the weights. They are multiplied
// in pieces of a few inputs by 32 outputs, so small that a piece is still near when its
// lines, which seldom begin with an input of a block, are loaded a second time. Meanwhile the next
// piece is fetched, row by row: each of the next inputs, or the first of the next stripe.
//
//	R8, R10  weights at the block   R9   their stride
//	R11      x at the block         R12  its stride, SI 16 times that
//	R13      row to be fetched      R14  rows left to be fetched, AX of them now, R15 each time
//	DI       blocks of the piece    CX   blocks after it
func tilesFew() {
	TEXT("tilesFewAMX", NOSPLIT, "func(c *float32, w0, w1 *byte, wStride uintptr, x *byte, xStride uintptr, blocks, piece, resume int, ahead uintptr, config *byte)")
	Doc("tilesFewAMX multiplies 2 times 16 rows of weights with up to 16 rows of activations,",
		"piece blocks at a time.")
	Pragma("noescape")
	Load(Param("w0"), R8)
	Load(Param("wStride"), R9)
	Load(Param("w1"), R10)
	Load(Param("x"), R11)
	Load(Param("xStride"), R12)
	Load(Param("blocks"), RCX)
	MOVQ(R12, RSI)
	SHLQ(Imm(4), RSI)
	MOVQ(U64(4), R15)
	tilesConfigure(RDX, RBX)
	tilesBegin(RDX, RBX, 2)
	Label("block")
	Load(Param("piece"), RDI)
	CMPQ(RCX, RDI)
	CMOVQLT(RCX, RDI)
	MOVQ(RDI, RAX)
	SHLQ(Imm(6), RAX)
	ADDQ(R8, RAX)
	Load(Param("ahead"), R13)
	SUBQ(RDI, RCX)
	CMOVQNE(RAX, R13)
	MOVQ(U64(32), R14)
	Label("fetch")
	MOVQ(R15, RAX)
	CMPQ(RDI, Imm(1))
	CMOVQEQ(R14, RAX)
	SUBQ(RAX, R14)
	Label("row")
	for i := range 8 {
		PREFETCHT1(Mem{Base: R13, Disp: 64*i + 62})
	}
	ADDQ(R9, R13)
	DECQ(RAX)
	JNZ(LabelRef("row"))
	tileload(6, R11, R12, 0)
	ADDQ(RSI, R11)
	tileload(7, R11, R12, 0)
	ADDQ(RSI, R11)
	tileload(4, R8, R9, 0)
	tileload(5, R10, R9, 0)
	tdpbf16ps(0, 4, 6)
	tdpbf16ps(1, 5, 6)
	tdpbf16ps(0, 4, 7)
	tdpbf16ps(1, 5, 7)
	ADDQ(Imm(64), R8)
	ADDQ(Imm(64), R10)
	DECQ(RDI)
	JNZ(LabelRef("fetch"))
	TESTQ(RCX, RCX)
	JNZ(LabelRef("block"))
	Load(Param("c"), RDX)
	tilesEnd(RDX, RBX, 2)
	tilerelease()
	RET()
}

func tilesMany() {
	TEXT("tilesManyAMX", NOSPLIT, "func(c *float32, w0, w1 *byte, wStride, wStep, wNext uintptr, x0, x1 *byte, xStride0, xStride1 uintptr, blocks, stripes, resume int, config *byte)")
	Doc("tilesManyAMX multiplies stripes of 2 times 16 rows of weights with 2 times up to 16 rows",
		"of activations. wStep is the distance of the next 32 inputs, wNext that of the next stripe.")
	Pragma("noescape")
	Load(Param("wStride"), R9)
	Load(Param("xStride0"), R12)
	Load(Param("xStride1"), R14)
	MOVQ(R12, RSI)
	SHLQ(Imm(4), RSI)
	MOVQ(R14, RDI)
	SHLQ(Imm(4), RDI)
	tilesConfigure(RDX, RBX)
	Label("stripe")
	Load(Param("w0"), R8)
	Load(Param("w1"), R10)
	Load(Param("x0"), R11)
	Load(Param("x1"), R13)
	Load(Param("blocks"), RCX)
	tilesBegin(RDX, RBX, 4)
	Label("block")
	tileload(4, R8, R9, 0)
	for part := range 2 {
		tileload(6, R11, R12, 0)
		ADDQ(RSI, R11)
		tdpbf16ps(0, 4, 6)
		tileload(7, R13, R14, 0)
		ADDQ(RDI, R13)
		tdpbf16ps(1, 4, 7)
		if part == 0 {
			tileload(5, R10, R9, 0)
		}
		tdpbf16ps(2, 5, 6)
		tdpbf16ps(3, 5, 7)
	}
	ADDQ(param("wStep"), R8)
	ADDQ(param("wStep"), R10)
	DECQ(RCX)
	JNZ(LabelRef("block"))
	tilesEnd(RDX, RBX, 4)
	ADDQ(U32(4096), RDX)
	Load(Param("wNext"), RAX)
	ADDQ(RAX, param("w0"))
	ADDQ(RAX, param("w1"))
	DECQ(param("stripes"))
	JNZ(LabelRef("stripe"))
	tilerelease()
	RET()
}

// splitRows emits the cut of float32 into two bfloat16. hi is x without its lower
// bits and never overflows; lo is what they are worth, which is 0 where x is not
// finite.
func splitRows() {
	TEXT("splitBF16AVX512", NOSPLIT, "func(dst *uint16, x *float32, blocks int)")
	Doc("splitBF16AVX512 is splitBF16Generic's twin for AVX-512.")
	Pragma("noescape")
	order := GLOBL("highWords", RODATA|NOPTR)
	for i := range 32 {
		DATA(2*i, U16(2*i+1))
	}
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	blocks := Load(Param("blocks"), GP64())
	VMOVDQU32(order, z(31))
	word(0xffff0000, z(30))
	word(0x8000, z(29))
	word(0x00400000, z(28))
	Label("block")
	for i := range 2 {
		v, hi, lo := z(3*i), z(3*i+1), z(3*i+2)
		VMOVUPS(Mem{Base: x, Disp: 64 * i}, v)
		VCMPPS(Imm(3), v, v, K1) // not a number
		VPORD(v, z(28), K1, v)
		VPANDD(v, z(30), hi)
		VSUBPS(hi, v, lo)
		VCMPPS(Imm(7), lo, lo, K2) // a number
		VPADDD_Z(lo, z(29), K2, lo)
	}
	VPERMT2W(z(3), z(31), z(0))
	VPERMT2W(z(5), z(31), z(2))
	VMOVDQU32(z(0), Mem{Base: dst})
	VMOVDQU32(z(2), Mem{Base: dst, Disp: 64})
	ADDQ(U32(128), x)
	ADDQ(U32(128), dst)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// transpose emits the exchange of rows and columns of 16 x 16 words of 32 bits.
func transpose() {
	TEXT("transposeAVX512", NOSPLIT, "func(dst *uint32, dstStride, dstStep uintptr, src *uint32, srcStride, srcStep uintptr, n int)")
	Doc("transposeAVX512 transposes n blocks [16, 16]; strides and steps from block to block are",
		"in bytes.")
	Pragma("noescape")
	dst0, dstStride := Load(Param("dst"), GP64()), Load(Param("dstStride"), GP64())
	src0, srcStride := Load(Param("src"), GP64()), Load(Param("srcStride"), GP64())
	n := Load(Param("n"), GP64())
	src3, dst3 := times3(srcStride), times3(dstStride)
	Label("block")
	src, dst := GP64(), GP64()
	MOVQ(src0, src)
	MOVQ(dst0, dst)
	for i := range 16 {
		VMOVDQU32(rows{base: src, stride: srcStride, stride3: src3}.at(i%4, 0), z(i))
		if i%4 == 3 {
			LEAQ(Mem{Base: src, Index: srcStride, Scale: 4}, src)
		}
	}
	for i := 0; i < 16; i += 2 {
		VPUNPCKLDQ(z(i+1), z(i), z(16+i))
		VPUNPCKHDQ(z(i+1), z(i), z(17+i))
	}
	for g := 0; g < 16; g += 4 { // columns 4·lane + 0..3 of rows g..g+3
		VPUNPCKLQDQ(z(18+g), z(16+g), z(g))
		VPUNPCKHQDQ(z(18+g), z(16+g), z(g+1))
		VPUNPCKLQDQ(z(19+g), z(17+g), z(g+2))
		VPUNPCKHQDQ(z(19+g), z(17+g), z(g+3))
	}
	for j := range 4 {
		even0, even1, odd0, odd1 := z(16+4*j), z(17+4*j), z(18+4*j), z(19+4*j)
		VSHUFI32X4(Imm(0x88), z(4+j), z(j), even0)
		VSHUFI32X4(Imm(0x88), z(12+j), z(8+j), even1)
		VSHUFI32X4(Imm(0xdd), z(4+j), z(j), odd0)
		VSHUFI32X4(Imm(0xdd), z(12+j), z(8+j), odd1)
	}
	for lane := range 4 {
		for j := range 4 {
			a, b := z(16+4*j+lane%2*2), z(17+4*j+lane%2*2)
			out := z(j)
			VSHUFI32X4(Imm([]uint64{0x88, 0xdd}[lane/2]), b, a, out)
			VMOVDQU32(out, rows{base: dst, stride: dstStride, stride3: dst3}.at(j, 0))
		}
		LEAQ(Mem{Base: dst, Index: dstStride, Scale: 4}, dst)
	}
	ADDQ(param("srcStep"), src0)
	ADDQ(param("dstStep"), dst0)
	DECQ(n)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
