// SPDX-License-Identifier: Apache-2.0

// Command gen writes the assembly of package quant. It is run by go generate in
// the folder above.
package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	fitQ4()
	roundBlocks()
	Generate()
}

// shift is where a float32 has no fraction bits left: adding it rounds.
const shift = 3 << 22

// fitQ4 emits fitGeneric with the eight candidates in the lanes of a register.
func fitQ4() {
	TEXT("fitAVX2", NOSPLIT, "func(w *[32]float32, scale, err *[8]float32)")
	Doc("fitAVX2 is fitGeneric for AVX2 with FMA and F16C.")
	Pragma("noescape")
	w, scale, err := Load(Param("w"), GP64()), Load(Param("scale"), GP64()), Load(Param("err"), GP64())
	low, high, magic := broadcast(-8), broadcast(7), broadcast(shift)

	s, inv := YMM(), YMM()
	VMOVUPS(Mem{Base: scale}, s)
	toF16(s)
	reciprocal(s, inv)

	// Σw·q and Σq² of the first integers.
	wq, qq, x, q, t := YMM(), YMM(), YMM(), YMM(), YMM()
	VXORPS(wq, wq, wq)
	VXORPS(qq, qq, qq)
	for i := range 32 {
		VBROADCASTSS(Mem{Base: w, Disp: 4 * i}, x)
		round(x, inv, q, magic, low, high)
		VMULPS(x, q, t)
		VADDPS(t, wq, wq)
		VMULPS(q, q, t)
		VADDPS(t, qq, qq)
	}

	// The scale of least squares, where Σq² is not zero.
	zero := YMM()
	VXORPS(zero, zero, zero)
	VDIVPS(qq, wq, wq)
	VCMPPS(Imm(0), zero, qq, qq)
	VBLENDVPS(qq, s, wq, s)
	toF16(s)
	reciprocal(s, inv)
	VMOVUPS(s, Mem{Base: scale})

	e := YMM()
	VXORPS(e, e, e)
	for i := range 32 {
		VBROADCASTSS(Mem{Base: w, Disp: 4 * i}, x)
		round(x, inv, q, magic, low, high)
		VMULPS(q, s, q)
		VSUBPS(q, x, x)
		VMULPS(x, x, x)
		VADDPS(x, e, e)
	}
	VMOVUPS(e, Mem{Base: err})
	VZEROUPPER()
	RET()
}

// roundBlocks emits roundGeneric, 32 weights at a time.
func roundBlocks() {
	TEXT("roundAVX2", NOSPLIT, "func(q *int8, w *float32, n int, inv, low, high float32)")
	Doc("roundAVX2 is roundGeneric for AVX2. n is a multiple of 32.")
	Pragma("noescape")
	dst, w, n := Load(Param("q"), GP64()), Load(Param("w"), GP64()), Load(Param("n"), GP64())
	inv, low, high := YMM(), YMM(), YMM()
	VBROADCASTSS(NewParamAddr("inv", 24), inv)
	VBROADCASTSS(NewParamAddr("low", 28), low)
	VBROADCASTSS(NewParamAddr("high", 32), high)
	magic := broadcast(shift)
	order := YMM() // puts the doublewords that packing shuffles back in order
	VMOVDQU(orderData(), order)

	Label("loop")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	var v [4]VecVirtual
	for i := range v {
		x := YMM()
		v[i] = YMM()
		VMOVUPS(Mem{Base: w, Disp: 32 * i}, x)
		round(x, inv, v[i], magic, low, high)
		VCVTTPS2DQ(v[i], v[i])
	}
	VPACKSSDW(v[1], v[0], v[0])
	VPACKSSDW(v[3], v[2], v[2])
	VPACKSSWB(v[2], v[0], v[0])
	VPERMD(v[0], order, v[0])
	VMOVDQU(v[0], Mem{Base: dst})
	ADDQ(Imm(32), dst)
	ADDQ(Imm(128), w)
	SUBQ(Imm(32), n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

func orderData() Mem {
	m := GLOBL("packOrder", RODATA|NOPTR)
	for i, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(4*i, U32(v))
	}
	return m
}

// round emits q = min(max(nearest(x·inv), low), high), ties to even.
func round(x, inv, q, magic, low, high VecVirtual) {
	VMULPS(inv, x, q)
	VADDPS(magic, q, q)
	VSUBPS(magic, q, q)
	VMAXPS(low, q, q)
	VMINPS(high, q, q)
}

func reciprocal(s, inv VecVirtual) {
	one := broadcast(1)
	VDIVPS(s, one, inv)
}

// toF16 emits the rounding of s to F16's precision.
func toF16(s VecVirtual) {
	h := XMM()
	VCVTPS2PH(Imm(0), s, h)
	VCVTPH2PS(h, s)
}

func broadcast(v float32) VecVirtual {
	r, x, y := GP32(), XMM(), YMM()
	MOVL(U32(math.Float32bits(v)), r)
	VMOVD(r, x)
	VBROADCASTSS(x, y)
	return y
}
