// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// conversions emits the loops between float32 and the smaller types.
func conversions() {
	for i := range vectorSets {
		s := &vectorSets[i]
		s.widen("F16")
		s.widen("BF16")
		s.narrowF16()
		s.narrowBF16()
		s.widenI8()
		s.widenBlocks()
	}
}

func (s *vectorSet) widen(name string) {
	s.text("widen"+name, "func(dst *float32, src *uint16, n int)", "widen"+name+"Generic")
	dst, src, n := pointer("dst"), pointer("src"), pointer("n")
	for _, e := range elements {
		if !strings.EqualFold(e.name, name) {
			continue
		}
		f := e.widen512
		if s.lanes == 8 {
			f = e.widen256
		}
		s.loop(n, func() {
			for i := range s.vectors() {
				f(Mem{Base: src, Disp: s.bytes() / 2 * i}, s.v(i))
				VMOVUPS(s.v(i), s.at(dst, i))
			}
		}, move{dst, 4}, move{src, 2})
	}
	end()
}

func (s *vectorSet) narrowF16() {
	s.text("narrowF16", "func(dst *uint16, src *float32, n int)", "narrowF16Generic")
	dst, src, n := pointer("dst"), pointer("src"), pointer("n")
	s.loop(n, func() {
		for i := range s.vectors() {
			VMOVUPS(s.at(src, i), s.v(i))
			VCVTPS2PH(Imm(0), s.v(i), Mem{Base: dst, Disp: s.bytes() / 2 * i})
		}
	}, move{dst, 2}, move{src, 4})
	end()
}

// narrowBF16 emits the rounding of bits to nearest, ties to even; a NaN is made
// quiet instead, since a carry would make it another number.
func (s *vectorSet) narrowBF16() {
	s.text("narrowBF16", "func(dst *uint16, src *float32, n int)", "narrowBF16Generic")
	dst, src, n := pointer("dst"), pointer("src"), pointer("n")
	one, half, quiet := s.v(13), s.v(14), s.v(15)
	word(1, one)
	word(0x7fff, half)
	word(0x00400000, quiet)
	s.loop(n, func() {
		for i := range s.vectors() {
			v, r, t := s.v(i), s.v(2+i), s.v(4)
			VMOVUPS(s.at(src, i), v)
			VPSRLD(Imm(16), v, r)
			s.and(one, r, r)
			VPADDD(half, r, r)
			VPADDD(v, r, r)
			if s.lanes == 16 {
				VCMPPS(Imm(3), v, v, K1)
				VPORD(quiet, v, K1, r)
				VPSRLD(Imm(16), r, r)
				VPMOVDW(r, Mem{Base: dst})
				continue
			}
			VCMPPS(Imm(3), v, v, t)
			VPOR(quiet, v, v)
			VBLENDVPS(t, v, r, r)
			VPSRLD(Imm(16), r, r)
		}
		if s.lanes == 8 {
			VPACKUSDW(s.v(3), s.v(2), s.v(2))
			VPERMQ(Imm(0b11_01_10_00), s.v(2), s.v(2))
			VMOVDQU(s.v(2), Mem{Base: dst})
		}
	}, move{dst, 2}, move{src, 4})
	end()
}

// widenI8 emits integers times one scale.
func (s *vectorSet) widenI8() {
	s.text("widenI8", "func(dst *float32, src *int8, scale float32, n int)", "widenI8Generic")
	dst, src, n := pointer("dst"), pointer("src"), pointer("n")
	VBROADCASTSS(param("scale"), s.v(2))
	s.loop(n, func() {
		for i := range s.vectors() {
			VPMOVSXBD(Mem{Base: src, Disp: s.lanes * i}, s.v(i))
			VCVTDQ2PS(s.v(i), s.v(i))
			VMULPS(s.v(2), s.v(i), s.v(i))
			VMOVUPS(s.v(i), s.at(dst, i))
		}
	}, move{dst, 4}, move{src, 1})
	end()
}

// widenBlocks emits integers in blocks of two steps times a binary16 each.
func (s *vectorSet) widenBlocks() {
	TEXT("widenBlocks"+s.name, NOSPLIT, "func(dst *float32, src *int8, scales *uint16, blocks int)")
	Doc("widenBlocks" + s.name + " is widenBlocksGeneric's twin for " + s.needs + ".")
	Pragma("noescape")
	dst, src, scales, blocks := pointer("dst"), pointer("src"), pointer("scales"), pointer("blocks")
	Label("block")
	VPBROADCASTW(Mem{Base: scales}, s.half(0))
	VCVTPH2PS(s.half(0), s.v(0))
	for i := range 2 * s.vectors() {
		v := s.v(1 + i)
		VPMOVSXBD(Mem{Base: src, Disp: s.lanes * i}, v)
		VCVTDQ2PS(v, v)
		VMULPS(s.v(0), v, v)
		VMOVUPS(v, s.at(dst, i))
	}
	ADDQ(I32(2*4*step), dst)
	ADDQ(I8(2*step), src)
	ADDQ(I8(2), scales)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	end()
}
