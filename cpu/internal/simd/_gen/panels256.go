// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Registers of 256 bits hold half a panel, and there are 16 of them: the integer sums of
// up to six rows, while the float32 sums stay on the stack.
//
//	sums     0 .. 2n-1  [n, 2 halves of a panel]
//	w        12, 13     [2]
//	x        14         four bytes of a row, broadcast
//	product  15
//
// and of q8Sign, for which n is at most 4,
//
//	size     8, 9       [2] |w|
//	ones     10         1 in each 16 bits
const (
	parts256 = 2
	rows256  = 6 // at most
)

func sum256(part, r int) VecPhysical { return y(2*r + part) }

func w256(part int) VecPhysical { return y(12 + part) }

func size256(part int) VecPhysical { return y(8 + part) }

// acc256 and first256 are sums in memory, as 16 registers are too few for them.
func (t *panelTile) acc256(part, r int) Mem { return t.spill.Offset(64*r + 32*part) } // float32 sums [n, 2]

func (t *panelTile) first256(part, r int) Mem { return t.spill.Offset(64*(rows256+r) + 32*part) } // of a block's first half [n, 2]

var x256, product256, ones256 = y(14), y(15), y(10)

// wide are the constants of 32 bytes that are read from memory.
var wide struct{ ones, nibble, sign Mem }

func wideConstants() {
	wide.ones = wideConstant("ones", 0x00010001)
	wide.nibble = wideConstant("nibble", 0x0f0f0f0f)
	wide.sign = wideConstant("sign", 0x80808080)
}

func wideConstant(name string, v uint32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(v))
	}
	return m
}

// q4Block256 is q4Block for 256 bits, where the halves of a block follow each other.
func (t *panelTile) q4Block256() {
	for half := range 2 {
		offset := xSum0 + 4*half
		t.begin256(offset)
		for j := range 8 {
			if half == 0 {
				t.prefetch(64 * j)
			}
			for part := range parts256 {
				w := w256(part)
				VMOVDQU(Mem{Base: t.w, Disp: 64*j + 32*part}, w)
				if half == 1 {
					VPSRLD(Imm(4), w, w)
				}
				VPAND(wide.nibble, w, w)
			}
			t.add256(32*half+4*j, j == 0)
		}
		t.end256(offset)
		t.half256(half)
	}
	t.accumulate256()
	ADDQ(I32(512), t.w)
	ADDQ(I8(64), t.s)
}

// half256 emits the scaling of a half's sums: the first's are kept, the second's added.
func (t *panelTile) half256(half int) {
	t.scales256(32 * half)
	t.eachSum(func(part, r int) {
		sum, s := sum256(part, r), t.scale256(32*half, part, r)
		VCVTDQ2PS(sum, sum)
		if half == 0 {
			VMULPS(s, sum, sum)
			VMOVUPS(sum, t.first256(part, r))
		} else {
			VFMADD213PS(t.first256(part, r), s, sum)
		}
	})
}

// q8Block256 is q8Block for 256 bits.
func (t *panelTile) q8Block256() {
	t.begin256(xSum)
	for j := range 16 {
		t.prefetch(64 * j)
		for part := range parts256 {
			VMOVDQU(Mem{Base: t.w, Disp: 64*j + 32*part}, w256(part))
			VPXOR(wide.sign, w256(part), w256(part))
		}
		t.add256(4*j, false)
	}
	t.q8Scale256()
}

// q8Sign is q8Block256 where the products of bytes are added in 16 bits: they are those
// of |w| with x under the sign of w, two of which fit.
func (t *panelTile) q8Sign() {
	VMOVDQU(wide.ones, ones256)
	t.eachSum(func(part, r int) { zero(sum256(part, r)) })
	for j := range 16 {
		t.prefetch(64 * j)
		for part := range parts256 {
			VMOVDQU(Mem{Base: t.w, Disp: 64*j + 32*part}, w256(part))
			VPABSB(w256(part), size256(part))
		}
		for r := range t.n {
			VPBROADCASTD(t.row(r, 4*j), x256)
			for part := range parts256 {
				VPSIGNB(w256(part), x256, product256)
				VPMADDUBSW(product256, size256(part), product256)
				VPMADDWD(ones256, product256, product256)
				VPADDD(product256, sum256(part, r), sum256(part, r))
			}
		}
	}
	t.q8Scale256()
}

// q8Scale256 emits acc += (sum·s)·xscale.
func (t *panelTile) q8Scale256() {
	t.scales256(0)
	t.eachSum(func(part, r int) {
		VCVTDQ2PS(sum256(part, r), sum256(part, r))
		VMULPS(t.scale256(0, part, r), sum256(part, r), sum256(part, r))
	})
	t.accumulate256()
	ADDQ(I32(1024), t.w)
	ADDQ(I8(32), t.s)
}

// scales256 emits the loading of 16 scales that all rows share.
func (t *panelTile) scales256(disp int) {
	if t.sq.base != nil {
		return
	}
	for part := range parts256 {
		VCVTPH2PS(Mem{Base: t.s, Disp: disp + 16*part}, w256(part))
	}
}

// scale256 returns the scales of a sum, which it loads where rows have their own.
func (t *panelTile) scale256(disp, part, r int) VecPhysical {
	if t.sq.base != nil {
		VCVTPH2PS(t.sq.at(r, disp+16*part), w256(part))
	}
	return w256(part)
}

// eachSum calls emit for every sum, row by row.
func (t *panelTile) eachSum(emit func(part, r int)) {
	for r := range t.n {
		for part := range parts256 {
			emit(part, r)
		}
	}
}

// begin256 emits the start of sums that are to have offset added, the value at disp of a
// row's block.
func (t *panelTile) begin256(disp int) {
	if t.dot == dotMadd {
		return
	}
	for r := range t.n {
		VPBROADCASTD(t.row(r, disp), sum256(0, r))
		VMOVDQA(sum256(0, r), sum256(1, r))
	}
}

// add256 emits the products of unsigned bytes w with the four bytes at disp of each row's
// block. first is the sums' first.
func (t *panelTile) add256(disp int, first bool) {
	for r := range t.n {
		VPBROADCASTD(t.row(r, disp), x256)
		for part := range parts256 {
			switch w, sum := w256(part), sum256(part, r); {
			case t.dot == dotVEX:
				vpdpbusd(x256, w, sum)
			case first:
				VPMADDUBSW(x256, w, sum)
			default:
				VPMADDUBSW(x256, w, product256)
				VPADDW(product256, sum, sum)
			}
		}
	}
}

// end256 emits what makes sums ones of 32 bits, with their offset.
func (t *panelTile) end256(disp int) {
	if t.dot != dotMadd {
		return
	}
	for r := range t.n {
		VPBROADCASTD(t.row(r, disp), x256)
		for part := range parts256 {
			VPMADDWD(wide.ones, sum256(part, r), sum256(part, r))
			VPADDD(x256, sum256(part, r), sum256(part, r))
		}
	}
}

// accumulate256 emits acc += sum·xscale.
func (t *panelTile) accumulate256() {
	for r := range t.n {
		VBROADCASTSS(t.row(r, xScale), x256)
		for part := range parts256 {
			VFMADD213PS(t.acc256(part, r), x256, sum256(part, r))
			VMOVUPS(sum256(part, r), t.acc256(part, r))
		}
	}
}
