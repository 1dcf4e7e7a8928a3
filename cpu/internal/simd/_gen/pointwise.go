// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pointwise emits loops that compute each element of dst from those of the operands.
func pointwise() {
	for i := range vectorSets {
		s := &vectorSets[i]
		s.add()
		s.scale()
		s.scaleMul()
		s.swiGLU()
	}
}

func (s *vectorSet) add() {
	s.text("add", "func(dst, x, y *float32, n int)", "addGeneric")
	dst, x, y, n := pointer("dst"), pointer("x"), pointer("y"), pointer("n")
	s.loop(n, func() {
		for i := range s.vectors() {
			VMOVUPS(s.at(x, i), s.v(i))
			VADDPS(s.at(y, i), s.v(i), s.v(i))
			VMOVUPS(s.v(i), s.at(dst, i))
		}
	}, move{dst, 4}, move{x, 4}, move{y, 4})
	end()
}

func (s *vectorSet) scale() {
	s.text("scale", "func(dst, x *float32, scale float32, n int)", "scaleGeneric")
	dst, x, n := pointer("dst"), pointer("x"), pointer("n")
	VBROADCASTSS(param("scale"), s.v(2))
	s.loop(n, func() {
		for i := range s.vectors() {
			VMULPS(s.at(x, i), s.v(2), s.v(i))
			VMOVUPS(s.v(i), s.at(dst, i))
		}
	}, move{dst, 4}, move{x, 4})
	end()
}

func (s *vectorSet) scaleMul() {
	s.text("scaleMul", "func(dst, x *float32, scale float32, w *float32, n int)", "scaleMulGeneric")
	dst, x, w, n := pointer("dst"), pointer("x"), pointer("w"), pointer("n")
	VBROADCASTSS(param("scale"), s.v(2))
	s.loop(n, func() {
		for i := range s.vectors() {
			VMULPS(s.at(x, i), s.v(2), s.v(i))
			VMULPS(s.at(w, i), s.v(i), s.v(i))
			VMOVUPS(s.v(i), s.at(dst, i))
		}
	}, move{dst, 4}, move{x, 4}, move{w, 4})
	end()
}

// swiGLU emits gate / (1 + exp(-gate)) · up.
func (s *vectorSet) swiGLU() {
	s.text("swiGLU", "func(dst, gate, up *float32, n int)", "swiGLUGeneric")
	dst, gate, up, n := pointer("dst"), pointer("gate"), pointer("up"), pointer("n")
	e := s.exponential()
	sign := e.bits(1 << 31)
	s.loop(n, func() {
		for i := range s.vectors() {
			g, p := s.v(0), s.v(1)
			VMOVUPS(s.at(gate, i), g)
			s.xor(sign, g, p)
			e.exp(p, 2)
			VADDPS(e.one, p, p)
			VDIVPS(p, g, g)
			VMULPS(s.at(up, i), g, g)
			VMOVUPS(g, s.at(dst, i))
		}
	}, move{dst, 4}, move{gate, 4}, move{up, 4})
	end()
}

// squares emits the sum of squares in float64, where the products are exact.
func squares() {
	for i := range vectorSets {
		s := &vectorSets[i]
		s.text("squares", "func(x *float32, n int) float64", "squaresGeneric")
		p, n := pointer("x"), pointer("n")
		parts := 2 * s.vectors()
		for j := range parts {
			zero(s.v(j))
		}
		s.loop(n, func() {
			for j := range parts {
				wide := s.v(parts + j)
				VCVTPS2PD(Mem{Base: p, Disp: s.bytes() / 2 * j}, wide)
				VFMADD231PD(wide, wide, s.v(j))
			}
		}, move{p, 4})
		for half := parts / 2; half > 0; half /= 2 {
			for j := range half {
				VADDPD(s.v(half+j), s.v(j), s.v(j))
			}
		}
		if s.lanes == 16 {
			VEXTRACTF64X4(Imm(1), z(0), y(1))
			VADDPD(y(1), y(0), y(0))
		}
		VEXTRACTF128(Imm(1), y(0), x(1))
		VADDPD(x(1), x(0), x(0))
		VPERMILPD(Imm(1), x(0), x(1))
		VADDSD(x(1), x(0), x(0))
		Store(x(0), ReturnIndex(0))
		end()
	}
}

// rotations emits the turn of heads, eight pairs at a time.
func rotations() {
	s := &vectorSets[1]
	TEXT("rotateAVX2", NOSPLIT, "func(x, angles *float32, half, heads int)")
	Doc("rotateAVX2 is rotateGeneric's twin for AVX2. half is a multiple of 8 and not 0.")
	Pragma("noescape")
	x0, heads, half := pointer("x"), pointer("heads"), pointer("half")
	x1, cos, sin, n := GP64(), GP64(), GP64(), GP64()
	Label("head")
	LEAQ(Mem{Base: x0, Index: half, Scale: 4}, x1)
	MOVQ(param("angles"), cos)
	LEAQ(Mem{Base: cos, Index: half, Scale: 4}, sin)
	MOVQ(half, n)
	Label("pairs")
	c, d, u, v, t := s.v(0), s.v(1), s.v(2), s.v(3), s.v(4)
	VMOVUPS(Mem{Base: cos}, c)
	VMOVUPS(Mem{Base: sin}, d)
	VMOVUPS(Mem{Base: x0}, u)
	VMOVUPS(Mem{Base: x1}, v)
	VMULPS(v, d, t)
	VMULPS(v, c, v)
	VMULPS(u, d, d)
	VMULPS(u, c, u)
	VSUBPS(t, u, u)
	VADDPS(d, v, v)
	VMOVUPS(u, Mem{Base: x0})
	VMOVUPS(v, Mem{Base: x1})
	for _, p := range []Register{x0, x1, cos, sin} {
		ADDQ(I8(32), p)
	}
	SUBQ(I8(8), n)
	JNZ(LabelRef("pairs"))
	MOVQ(x1, x0)
	DECQ(heads)
	JNZ(LabelRef("head"))
	end()
}
