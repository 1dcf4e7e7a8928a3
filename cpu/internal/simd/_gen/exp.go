// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// exponential is the constants of simd.Exp, of whose operations it emits the same
// in the same order.
type exponential struct {
	constants
	least, most                VecPhysical
	log2e, shift, ln2Hi, ln2Lo Op
	c0, c1, c2, c3, c4, one    Op
	shiftBits, bias            Op // of AVX2
}

// exponential emits the loading of the constants. It leaves registers 0 to 11 of
// AVX-512 and 0 to 13 of AVX2 free.
func (s *vectorSet) exponential() *exponential {
	e := &exponential{constants: constants{vectorSet: s, next: 14}, least: s.v(14), most: s.v(15)}
	f := func(v float64) Op { return e.bits(math.Float32bits(float32(v))) }
	if s.lanes == 16 {
		e.next = 16
	}
	word(math.Float32bits(-104), e.least)
	word(math.Float32bits(89), e.most)
	e.log2e, e.shift = f(1/math.Ln2), f(3<<22)
	e.ln2Hi, e.ln2Lo = f(0.693359375), f(math.Ln2-0.693359375)
	e.c0, e.c1, e.c2, e.c3, e.c4 = f(0.49999993), f(0.1666652), f(0.04166839), f(0.008368745), f(0.001381454)
	e.one = f(1)
	if s.lanes == 8 {
		e.shiftBits, e.bias = e.bits(0x4b400000), e.bits(127)
	}
	return e
}

// exp emits p = exp(p). It takes five registers from t on.
func (e *exponential) exp(p VecPhysical, t int) {
	n, a, r, sq, q := e.v(t), e.v(t+1), e.v(t+2), e.v(t+3), e.v(t+4)
	VMAXPS(p, e.least, p) // a NaN stays: it is the operand that max returns then
	VMINPS(p, e.most, p)
	VMULPS(e.log2e, p, n)
	VADDPS(e.shift, n, n)
	whole := sq
	VSUBPS(e.shift, n, whole)
	VMULPS(e.ln2Hi, whole, a)
	VSUBPS(a, p, r)
	VMULPS(e.ln2Lo, whole, a)
	VSUBPS(a, r, r)
	if e.lanes == 16 {
		VMOVAPS(whole, n)
	} else {
		VPSUBD(e.shiftBits, n, n)
	}
	VMULPS(e.c1, r, q)
	VADDPS(e.c0, q, q)
	VMULPS(r, r, sq)
	VMULPS(e.c3, r, a)
	VADDPS(e.c2, a, a)
	VMULPS(e.c4, sq, p)
	VADDPS(p, a, a)
	VMULPS(a, sq, a)
	VADDPS(a, q, q)
	VMULPS(q, sq, q)
	VADDPS(q, r, r)
	VADDPS(e.one, r, p)
	if e.lanes == 16 {
		VSCALEFPS(n, p, p)
		return
	}
	VPSRAD(Imm(1), n, a)
	VPSUBD(a, n, n)
	for _, half := range []VecPhysical{a, n} {
		VPADDD(e.bias, half, half)
		VPSLLD(Imm(23), half, half)
		VMULPS(half, p, p)
	}
}

// exponentials emits what a softmax does with tiles of scores, 64 of a line.
func exponentials() {
	for i := range vectorSets {
		vectorSets[i].lineMax()
		vectorSets[i].lineExp()
	}
}

const tileScores = 64

// lineMax emits the largest score of each line.
func (s *vectorSet) lineMax() {
	TEXT("lineMax"+s.name, NOSPLIT, "func(dst, scores *float32, lines int)")
	Doc("lineMax" + s.name + " is lineMaxGeneric's twin for " + s.needs + ".")
	Pragma("noescape")
	dst, scores, lines := pointer("dst"), pointer("scores"), pointer("lines")
	least := s.v(2)
	word(math.Float32bits(float32(math.Inf(-1))), least)
	Label("line")
	for i := range tileScores / s.lanes {
		from := s.v(i % 2)
		if i < 2 {
			from = least
		}
		VMOVUPS(s.at(scores, i), s.v(3+i))
		VMAXPS(from, s.v(3+i), s.v(i%2)) // without a NaN
	}
	VMAXPS(s.v(1), s.v(0), s.v(0))
	s.fold(VMAXPS)
	VMOVSS(x(0), Mem{Base: dst})
	ADDQ(I8(4), dst)
	ADDQ(U32(4*tileScores), scores)
	DECQ(lines)
	JNZ(LabelRef("line"))
	end()
}

// fold emits the reduction of register 0's lanes, halves first, into the lowest.
func (s *vectorSet) fold(op func(...Op)) {
	if s.lanes == 16 {
		VEXTRACTF64X4(Imm(1), z(0), y(1))
		op(y(1), y(0), y(0))
	}
	VEXTRACTF128(Imm(1), y(0), x(1))
	op(x(1), x(0), x(0))
	VPERMILPS(Imm(0b11_10), x(0), x(1))
	op(x(1), x(0), x(0))
	VPERMILPS(Imm(1), x(0), x(1))
	op(x(1), x(0), x(0))
}

// lineExp emits the exponentials of each line's scores less its base, and their sum.
func (s *vectorSet) lineExp() {
	TEXT("lineExp"+s.name, NOSPLIT, "func(sums, bases, scores *float32, lines int)")
	Doc("lineExp" + s.name + " is lineExpGeneric's twin for " + s.needs + ".")
	Pragma("noescape")
	sums, bases, scores, lines := pointer("sums"), pointer("bases"), pointer("scores"), pointer("lines")
	e := s.exponential()
	// Two vectors of AVX2 are the sixteen sums of one of AVX-512.
	parts := s.vectors()
	total, base, p := []VecPhysical{s.v(0), s.v(1)}, s.v(2), s.v(3)
	Label("line")
	VBROADCASTSS(Mem{Base: bases}, base)
	for i := range tileScores / s.lanes {
		VMOVUPS(s.at(scores, i), p)
		VSUBPS(base, p, p)
		e.exp(p, 4)
		VMOVUPS(p, s.at(scores, i))
		if i < parts {
			VMOVAPS(p, total[i])
		} else {
			VADDPS(p, total[i%parts], total[i%parts])
		}
	}
	if parts == 2 {
		VADDPS(total[1], total[0], total[0])
	}
	s.fold(VADDPS)
	VMOVSS(x(0), Mem{Base: sums})
	ADDQ(I8(4), sums)
	ADDQ(I8(4), bases)
	ADDQ(U32(4*tileScores), scores)
	DECQ(lines)
	JNZ(LabelRef("line"))
	end()
}
