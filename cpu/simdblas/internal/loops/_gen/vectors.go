// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vectorSet is an instruction set for loops over vectors. A step is 64 elements,
// each added to a sum of its own: the bits are the same whatever the width of the
// registers.
type vectorSet struct {
	name, needs string
	lanes       int
}

const step = 64

func vectors() {
	for _, s := range []vectorSet{{"AVX512", "AVX-512", 16}, {"AVX2", "AVX2 with FMA", 8}} {
		s.dot()
		s.dotDouble()
		s.squares()
		s.asum()
		s.maxAbs()
		s.axpy()
		s.axpy8()
		s.scal()
	}
}

func (s vectorSet) reg(i int) VecPhysical {
	if s.lanes == 16 {
		return z(i)
	}
	return y(i)
}

func (s vectorSet) parts() int { return step / s.lanes }

func (s vectorSet) text(name, signature, doc string) {
	TEXT(name+s.name, NOSPLIT, signature)
	Doc(name + s.name + " is " + doc + ", for " + s.needs + ". n is a positive multiple of 64.")
	Pragma("noescape")
}

// loop emits body for the steps of n elements of the pointers.
func loop(n Register, body func(), pointers ...Register) {
	Label("steps")
	body()
	for _, p := range pointers {
		ADDQ(U32(4*step), p)
	}
	SUBQ(I8(step), n)
	JNZ(LabelRef("steps"))
}

func (s vectorSet) at(p Register, part int) Mem { return Mem{Base: p, Disp: 4 * s.lanes * part} }

// zeroSums emits the start of n sums.
func (s vectorSet) zeroSums(n int) {
	for i := range n {
		zero(s.reg(i))
	}
}

// fold emits the sum of registers 0 to n-1 of 32-bit floats into the lowest lane of
// X0: halves are added to halves, down to one.
func (s vectorSet) fold(n int, add func(a, b, dst VecPhysical)) {
	for n > 1 {
		n /= 2
		for i := range n {
			add(s.reg(n+i), s.reg(i), s.reg(i))
		}
	}
	if s.lanes == 16 {
		VEXTRACTF64X4(Imm(1), z(0), y(1))
		add(y(1), y(0), y(0))
	}
	VEXTRACTF128(Imm(1), y(0), x(1))
	add(x(1), x(0), x(0))
	VMOVHLPS(x(0), x(0), x(1))
	add(x(1), x(0), x(0))
	VMOVSHDUP(x(0), x(1))
	add(x(1), x(0), x(0))
}

func addPS(a, b, dst VecPhysical) { VADDPS(a, b, dst) }

func (s vectorSet) ret(value VecPhysical) {
	Store(value, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func (s vectorSet) dot() {
	s.text("dot", "func(x, y *float32, n int) float32", "dotGeneric's twin")
	a, b, n := Load(Param("x"), GP64()), Load(Param("y"), GP64()), Load(Param("n"), GP64())
	s.zeroSums(s.parts())
	loop(n, func() {
		for i := range s.parts() {
			v := s.reg(8 + i%4)
			VMOVUPS(s.at(a, i), v)
			VFMADD231PS(s.at(b, i), v, s.reg(i))
		}
	}, a, b)
	s.fold(s.parts(), addPS)
	s.ret(x(0))
}

// dotDouble's sums are 32 in float64: of the elements of a step, the second half is
// added to the sums of the first.
func (s vectorSet) dotDouble() {
	s.text("dotDouble", "func(x, y *float32, n int) float64", "dotDoubleGeneric's twin")
	a, b, n := Load(Param("x"), GP64()), Load(Param("y"), GP64()), Load(Param("n"), GP64())
	wide := s.lanes / 2
	sums := 32 / wide
	s.zeroSums(sums)
	loop(n, func() {
		for i := range step / wide {
			v, w := s.reg(8+2*(i%4)), s.reg(9+2*(i%4))
			VCVTPS2PD(Mem{Base: a, Disp: 4 * wide * i}, v)
			VCVTPS2PD(Mem{Base: b, Disp: 4 * wide * i}, w)
			VFMADD231PD(v, w, s.reg(i%sums))
		}
	}, a, b)
	s.foldDouble(sums)
	s.ret(x(0))
}

// foldDouble is fold for 64-bit floats.
func (s vectorSet) foldDouble(n int) {
	for n > 1 {
		n /= 2
		for i := range n {
			VADDPD(s.reg(n+i), s.reg(i), s.reg(i))
		}
	}
	if s.lanes == 16 {
		VEXTRACTF64X4(Imm(1), z(0), y(1))
		VADDPD(y(1), y(0), y(0))
	}
	VEXTRACTF128(Imm(1), y(0), x(1))
	VADDPD(x(1), x(0), x(0))
	VUNPCKHPD(x(0), x(0), x(1))
	VADDPD(x(1), x(0), x(0))
}

// squares is dotDouble of a vector with itself.
func (s vectorSet) squares() {
	s.text("squares", "func(x *float32, n int) float64", "dotDoubleGeneric's twin where y is x")
	a, n := Load(Param("x"), GP64()), Load(Param("n"), GP64())
	wide := s.lanes / 2
	sums := 32 / wide
	s.zeroSums(sums)
	loop(n, func() {
		for i := range step / wide {
			v := s.reg(8 + i%8)
			VCVTPS2PD(Mem{Base: a, Disp: 4 * wide * i}, v)
			VFMADD231PD(v, v, s.reg(i%sums))
		}
	}, a)
	s.foldDouble(sums)
	s.ret(x(0))
}

func (s vectorSet) asum() {
	s.text("asum", "func(x *float32, n int) float32", "asumGeneric's twin")
	a, n := Load(Param("x"), GP64()), Load(Param("n"), GP64())
	s.zeroSums(s.parts())
	magnitude := s.reg(12)
	word(0x7fffffff, magnitude)
	loop(n, func() {
		for i := range s.parts() {
			v := s.reg(8 + i%4)
			s.and(s.at(a, i), magnitude, v)
			VADDPS(v, s.reg(i), s.reg(i))
		}
	}, a)
	s.fold(s.parts(), addPS)
	s.ret(x(0))
}

func (s vectorSet) and(src Mem, mask, dst VecPhysical) {
	if s.lanes == 16 {
		VPANDD(src, mask, dst)
		return
	}
	VPAND(src, mask, dst)
}

// maxAbs passes NaN over: MAXPS returns its last source where one is NaN.
func (s vectorSet) maxAbs() {
	s.text("maxAbs", "func(x *float32, n int) float32", "maxAbsGeneric's twin")
	a, n := Load(Param("x"), GP64()), Load(Param("n"), GP64())
	magnitude := s.reg(12)
	word(0x7fffffff, magnitude)
	for i := range s.parts() {
		word(0xbf800000, s.reg(i)) // -1, below every magnitude
	}
	loop(n, func() {
		for i := range s.parts() {
			v := s.reg(8 + i%4)
			s.and(s.at(a, i), magnitude, v)
			VMAXPS(s.reg(i), v, s.reg(i))
		}
	}, a)
	s.fold(s.parts(), func(a, b, dst VecPhysical) { VMAXPS(a, b, dst) })
	s.ret(x(0))
}

func (s vectorSet) axpy() {
	s.text("axpy", "func(y, x *float32, n int, alpha float32)", "axpyGeneric's twin")
	dst, src, n := Load(Param("y"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
	alpha := s.reg(0)
	VBROADCASTSS(param("alpha"), alpha)
	loop(n, func() {
		for i := range s.parts() {
			v := s.reg(1 + i%4)
			VMOVUPS(s.at(src, i), v)
			VFMADD213PS(s.at(dst, i), alpha, v)
			VMOVUPS(v, s.at(dst, i))
		}
	}, src, dst)
	VZEROUPPER()
	RET()
}

func (s vectorSet) scal() {
	s.text("scal", "func(x *float32, n int, alpha float32)", "scalGeneric's twin")
	v, n := Load(Param("x"), GP64()), Load(Param("n"), GP64())
	alpha := s.reg(0)
	VBROADCASTSS(param("alpha"), alpha)
	loop(n, func() {
		for i := range s.parts() {
			VMULPS(s.at(v, i), alpha, s.reg(1+i%4))
			VMOVUPS(s.reg(1+i%4), s.at(v, i))
		}
	}, v)
	VZEROUPPER()
	RET()
}

// axpy8 emits
//
//	for j := range n {
//		for r := range 8 {
//			y[j] = fma(alpha[r], x[r][j], y[j])
//		}
//	}
//
// for n a multiple of 16.
func (s vectorSet) axpy8() {
	TEXT("axpy8"+s.name, NOSPLIT, "func(y *float32, alpha *float32, x *float32, stride uintptr, n int)")
	Doc("axpy8" + s.name + " is eight times axpyGeneric, for " + s.needs + ". n is a positive multiple of 16.")
	Pragma("noescape")
	dst, alpha := Load(Param("y"), GP64()), Load(Param("alpha"), GP64())
	src, stride := Load(Param("x"), GP64()), Load(Param("stride"), GP64())
	n := Load(Param("n"), GP64())
	for r := range 8 {
		VBROADCASTSS(Mem{Base: alpha, Disp: 4 * r}, s.reg(8+r))
	}
	from := rows{base: src, base4: GP64(), stride: stride, stride3: times3(stride)}
	LEAQ(Mem{Base: src, Index: stride, Scale: 4}, from.base4)
	Label("columns")
	for i := range 16 / s.lanes {
		v := s.reg(i)
		VMOVUPS(s.at(dst, i), v)
		for r := range 8 {
			VFMADD231PS(from.at(r, 4*s.lanes*i), s.reg(8+r), v)
		}
		VMOVUPS(v, s.at(dst, i))
	}
	for _, p := range []Register{from.base, from.base4, dst} {
		ADDQ(I8(64), p)
	}
	SUBQ(I8(16), n)
	JNZ(LabelRef("columns"))
	VZEROUPPER()
	RET()
}
