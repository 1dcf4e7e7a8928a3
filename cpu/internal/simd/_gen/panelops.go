// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The 512-bit registers of a tile of n rows:
//
//	first      0 .. n-1      sums
//	second     8 .. 8+n-1    sums
//	total      20 .. 20+n-1  sums, of dotMadd, for which n is at most 4
//	acc        16 .. 16+n-1  float32 sums [n]
//	scratch    24 ..
//	product    28            of dotMadd
//	constants  29 ..

func (t *panelTile) first(r int) VecPhysical { return z(r) }

func (t *panelTile) second(r int) VecPhysical { return z(8 + r) }

func (t *panelTile) total(r int) VecPhysical { return z(20 + r) }

func (t *panelTile) acc(r int) VecPhysical { return z(16 + r) }

func (t *panelTile) scratch(i int) VecPhysical { return z(24 + i) }

func (p *panelSet) nibble() VecPhysical { return z(29) } // 0x0f in each byte

func (p *panelSet) sign() VecPhysical { return z(30) } // 0x80 in each byte

func (p *panelSet) ones() VecPhysical { return z(31) } // 1 in each 16 bits

func (p *panelSet) constants() {
	word(0x0f0f0f0f, p.nibble())
	word(0x80808080, p.sign())
	if p.dot == dotMadd {
		word(0x00010001, p.ones())
	}
}

// word emits the broadcast of a 32-bit constant.
func word(v uint32, dst VecPhysical) {
	t := GP32()
	MOVL(U32(v), t)
	if dst.Size() == 64 {
		VPBROADCASTD(t, dst)
		return
	}
	VMOVD(t, dst.AsX())
	VPBROADCASTD(dst.AsX(), dst)
}

func zero(v VecPhysical) {
	if v.Size() == 64 {
		VPXORD(v, v, v)
		return
	}
	VPXOR(v, v, v)
}

// nibbles emits the loading of bytes and their cut into nibbles.
func (t *panelTile) nibbles(src Mem, lo, hi VecPhysical) {
	VMOVDQU32(src, hi)
	t.split(lo, hi)
}

// split emits the cut of hi's bytes into nibbles.
func (t *panelTile) split(lo, hi VecPhysical) {
	VPANDD(hi, t.nibble(), lo)
	VPSRLD(Imm(4), hi, hi)
	VPANDD(hi, t.nibble(), hi)
}

// flipped emits the loading of signed bytes with 128 added.
func (t *panelTile) flipped(src Mem, dst VecPhysical) { VPXORD(src, t.sign(), dst) }

// begin emits the start of a sum that is to have offset added, the value at disp of
// row r's block.
func (t *panelTile) begin(r, disp int, sum VecPhysical) {
	if t.dot != dotMadd {
		VPBROADCASTD(t.row(r, disp), sum)
	}
}

// add emits the products of unsigned bytes w with four bytes of row r's block.
// first is the sum's first.
func (t *panelTile) add(r, disp int, w, sum VecPhysical, first bool) {
	if t.dot != dotMadd {
		VPDPBUSD_BCST(t.row(r, disp), w, sum)
		return
	}
	VPBROADCASTD(t.row(r, disp), t.scratch(2))
	t.addMadd(w, sum, first)
}

// addMadd emits the sums in 16 bits of the products of bytes w with scratch 2.
func (t *panelTile) addMadd(w, sum VecPhysical, first bool) {
	x, product := t.scratch(2), z(28)
	if first {
		VPMADDUBSW(x, w, sum)
		return
	}
	VPMADDUBSW(x, w, product)
	VPADDW(product, sum, sum)
}

// end emits what makes a sum one of 32 bits, with its offset.
func (t *panelTile) end(r, disp int, sum VecPhysical) {
	if t.dot != dotMadd {
		return
	}
	offset := t.scratch(2)
	VPMADDWD(t.ones(), sum, sum)
	VPBROADCASTD(t.row(r, disp), offset)
	VPADDD(offset, sum, sum)
}

// accumulate emits acc += v·xscale.
func (t *panelTile) accumulate(r int, v VecPhysical) {
	VFMADD231PS_BCST(t.row(r, xScale), v, t.acc(r))
}

// row returns the operand at offset disp of row r's block.
func (t *panelTile) row(r, disp int) Mem {
	if t.sq.base != nil {
		r = 0
	}
	return rows{base: t.x, base4: t.x4, stride: t.stride, stride3: t.stride3}.at(r, disp)
}

// The distances in bytes at which weights are fetched for one row, which is as fast
// as memory: into the second-level cache, whose queue holds more lines that are on their way, and
// from there into the first. They do not stop at a panel's end, where the next one starts.
const (
	ahead       = 8192
	aheadNear   = 2048
	aheadScales = 512 // into the first-level cache at once: there are few
)

// prefetch emits the fetching of the line at disp, and of scales with a block's first
// line, ahead of one row.
func (t *panelTile) prefetch(disp int) {
	if t.n > 1 {
		return
	}
	PREFETCHT1(Mem{Base: t.w, Disp: disp + ahead})
	PREFETCHT0(Mem{Base: t.w, Disp: disp + aheadNear})
	if disp == 0 {
		PREFETCHT0(Mem{Base: t.s, Disp: aheadScales})
	}
}

// vpdpbusd emits the VEX form of VPDPBUSD: sum += Σ w·x over four bytes, w unsigned.
func vpdpbusd(x, w, sum VecPhysical) {
	n := func(v VecPhysical) uint8 { return uint8(v.PhysicalIndex()) }
	rex := uint8(0x42) // inverted R, X and B, and the map 0F38
	if n(sum) < 8 {
		rex |= 0x80
	}
	if n(x) < 8 {
		rex |= 0x20
	}
	raw(0xC4, rex, ^n(w)&15<<3|0x05, 0x50, 0xC0|n(sum)&7<<3|n(x)&7)
}
