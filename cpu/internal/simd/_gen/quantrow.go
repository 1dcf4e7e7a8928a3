// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// quantizeRows emits quantizeGeneric: 64 floats into 64 int8, their scale and sums.
//
// |x| is compared as an integer, so that an infinity or a NaN, larger than any
// number, shows in the maximum.
func quantizeRows() {
	factors := sumFactors()
	quantizeAVX512(factors)
	quantizeAVX2(factors)
}

const infinity = 0x7f800000

func quantizeText(name, with string) (dst, src, blocks Register) {
	TEXT(name, NOSPLIT, "func(dst *byte, x *float32, blocks int)")
	Doc(name + " is quantizeGeneric's twin for " + with + ".")
	Pragma("noescape")
	return Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("blocks"), GP64())
}

func quantizeAVX512(factors Mem) {
	dst, src, blocks := quantizeText("quantizeAVX512", "AVX-512")
	word(0x7fffffff, z(31))
	quantizeConstants(factors)

	Label("block")
	for i := range 4 {
		VMOVUPS(Mem{Base: src, Disp: 64 * i}, z(i))
		VPANDD(z(i), z(31), z(4+i))
	}
	VPMAXUD(z(4), z(5), z(4))
	VPMAXUD(z(6), z(7), z(6))
	VPMAXUD(z(4), z(6), z(4))
	VEXTRACTI64X4(Imm(1), z(4), y(5))
	VPMAXUD(y(4), y(5), y(4))
	largestOfY()
	scaleAndInverse()
	VBROADCASTSS(x(5), z(5))
	for i := range 4 {
		VMULPS(z(i), z(5), z(i))
		VCVTPS2DQ(z(i), z(i))
		VPMOVDB(z(i), Mem{Base: dst, Disp: 16 * i}) // the lowest byte, which is 0 of NaN's integer
	}
	// A float beyond the integers is one of a block with a NaN: its sums are 0.
	for i := range 4 {
		VPSLLD(Imm(24), z(i), z(i))
		VPSRAD(Imm(24), z(i), z(i))
	}
	for h := range 2 {
		VPADDD(z(2*h), z(2*h+1), z(h))
		VEXTRACTI64X4(Imm(1), z(h), y(6+h))
		VPADDD(y(h), y(6+h), y(h))
	}
	finishBlock(dst, src, blocks)
}

func quantizeAVX2(factors Mem) {
	dst, src, blocks := quantizeText("quantizeAVX2", "AVX2")
	quantizeConstants(factors)
	VMOVDQU(packOrder(), y(15))
	word(0x7fffffff, y(14))

	Label("block")
	for i := range 8 {
		VANDPS(Mem{Base: src, Disp: 32 * i}, y(14), y(i%4+4))
		if i < 4 {
			VMOVAPS(y(i%4+4), y(i))
		} else {
			VPMAXUD(y(i%4+4), y(i%4), y(i%4))
		}
	}
	VPMAXUD(y(0), y(1), y(0))
	VPMAXUD(y(2), y(3), y(2))
	VPMAXUD(y(0), y(2), y(4))
	largestOfY()
	scaleAndInverse()
	VBROADCASTSS(x(5), y(5))
	// The integers of a block with a NaN, of which not all are 0, become 0.
	VPBROADCASTD(x(8), y(8))
	for h := range 2 {
		for i := range 4 {
			VMULPS(Mem{Base: src, Disp: 128*h + 32*i}, y(5), y(i))
			VCVTPS2DQ(y(i), y(i))
			VPANDN(y(i), y(8), y(i))
		}
		sum := y(6 + h)
		VPADDD(y(0), y(1), sum)
		VPADDD(y(2), sum, sum)
		VPADDD(y(3), sum, sum)
		VPACKSSDW(y(1), y(0), y(0))
		VPACKSSDW(y(3), y(2), y(2))
		VPACKSSWB(y(2), y(0), y(0))
		VPERMD(y(0), y(15), y(0))
		VMOVDQU(y(0), Mem{Base: dst, Disp: 32 * h})
	}
	VMOVDQA(y(6), y(0))
	VMOVDQA(y(7), y(1))
	finishBlock(dst, src, blocks)
}

// quantizeConstants sets X9 to 127, X10 to the least maximum that has an inverse,
// X11 to the integer below infinity, X12 to NaN and X13 to the factors of the sums.
func quantizeConstants(factors Mem) {
	word(math.Float32bits(127), x(9))
	word(math.Float32bits(127*0x1p-126), x(10))
	word(infinity-1, x(11))
	word(0x7fc00000, x(12))
	VMOVDQU(factors, x(13))
}

// largestOfY emits the maximum of the integers in Y4, left in all lanes of X4.
func largestOfY() {
	VEXTRACTI128(Imm(1), y(4), x(5))
	VPMAXUD(x(4), x(5), x(4))
	VPSHUFD(Imm(0x4e), x(4), x(5))
	VPMAXUD(x(4), x(5), x(4))
	VPSHUFD(Imm(0xb1), x(4), x(5))
	VPMAXUD(x(4), x(5), x(4))
}

// scaleAndInverse emits, for the maximum in X4, the scale in X4, the inverse, or 0,
// in X5, and in X8 all ones where the maximum is not a number.
func scaleAndInverse() {
	VPCMPGTD(x(11), x(4), x(8))
	VBLENDVPS(x(8), x(12), x(4), x(4))
	VDIVPS(x(4), x(9), x(5))
	VCMPPS(Imm(13), x(10), x(4), x(6)) // largest >= least, false for NaN
	VPAND(x(6), x(5), x(5))
	VDIVPS(x(9), x(4), x(4))
}

// finishBlock emits the end of a block whose int32 sums by half are in Y0 and Y1 and
// whose scale is in X4, and the end of the loop.
func finishBlock(dst, src, blocks Register) {
	VPHADDD(y(1), y(0), y(0))
	VEXTRACTI128(Imm(1), y(0), x(1))
	VPADDD(x(1), x(0), x(0))
	VPHADDD(x(0), x(0), x(0)) // lo, hi, lo, hi
	VPHADDD(x(0), x(0), x(1)) // lo+hi in all lanes
	VPSHUFD(Imm(0b01_00_00), x(0), x(0))
	VPBLENDD(Imm(0b1000), x(1), x(0), x(0))
	VPMULLD(x(13), x(0), x(0))
	VPBLENDD(Imm(0b0001), x(4), x(0), x(0))
	VMOVDQU(x(0), Mem{Base: dst, Disp: xScale})
	ADDQ(U32(xBlock), dst)
	ADDQ(U32(256), src)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// sumFactors is what the scale's place and the three sums are multiplied with.
func sumFactors() Mem {
	m := GLOBL("sumFactors", RODATA|NOPTR)
	for i, v := range []int32{0, -8, -8, -128} {
		DATA(4*i, U32(uint32(v)))
	}
	return m
}

// packOrder puts the doublewords that packing shuffles back in order.
func packOrder() Mem {
	m := GLOBL("packOrder", RODATA|NOPTR)
	for i, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(4*i, U32(v))
	}
	return m
}
