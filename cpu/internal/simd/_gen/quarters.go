// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// quarters is the state of a kernel for one row while it is emitted: four quarters of the
// panels are multiplied side by side, because a processor whose own prefetching ends with
// a page of 4 KiB reads four streams faster than one.
type quarters struct {
	panelTile // of four "rows", the quarters, all with the one row of x
	wq        rows
}

// How far ahead, in bytes, each quarter's weights are fetched: by the kernel of AVX2 those of 4 bits,
// into the first-level cache, by those of AVX-512 all and their scales, into the second: into the first
// INT4 on Zen 4 was slower than without (row-fetch-zen4-2026-11-27.txt).
const (
	aheadQuarter       = 1024
	aheadQuarterScales = 128
)

func rowPanels() {
	avx2 := &panelSet{name: "AVX2", needs: "AVX2 with FMA and F16C", bits: 256, dot: dotMadd}
	avx2.rowKernel("rowQ4", "4-bit", (*quarters).q4Block256)
	avx2.rowKernel("rowQ8", "8-bit", (*quarters).q8Block256)
	vnni := &panelSet{name: "VNNI", needs: "AVX-512 with VNNI", bits: 512, dot: dotEVEX}
	vnni.rowKernel("rowQ4", "4-bit", (*quarters).q4Block)
	vnni.rowKernel("rowQ8", "8-bit", (*quarters).q8Block)
}

// rowKernel emits
//
//	for p := range panels {
//		for q := range 4 {
//			for b := range blocks {
//				acc[q] += block(w[q·panels+p][b], s[q·panels+p][b], x[b])
//			}
//			dst[q·panels+p] = acc[q]
//		}
//	}
func (p *panelSet) rowKernel(name, bits string, block func(*quarters)) {
	name += p.name
	TEXT(name, 0, "func(dst *float32, w *byte, wQuarter uintptr, s *uint16, sQuarter uintptr, x *byte, blocks, panels int)")
	Doc(name+" is panelsGeneric's twin for one row and four times that many panels of",
		bits+" weights, for "+p.needs+".")
	Pragma("noescape")
	stride := func(p string) rows {
		r := rows{base: GP64(), stride: Load(Param(p+"Quarter"), GP64())}
		Load(Param(p), r.base)
		r.stride3 = times3(r.stride)
		return r
	}
	t := &quarters{wq: stride("w")}
	t.panelTile = panelTile{panelSet: p, n: 4, x: GP64(), sq: stride("s")}
	if p.bits == 256 {
		t.spill = AllocLocal(2 * rows256 * 64)
	} else {
		p.constants()
	}
	t.w, t.s = t.wq.base, t.sq.base
	dst := rows{base: GP64(), stride: GP64()}
	Load(Param("dst"), dst.base)
	Load(Param("panels"), dst.stride)
	SHLQ(Imm(6), dst.stride)
	dst.stride3 = times3(dst.stride)
	panels := Load(Param("panels"), GP64())

	Label("panel")
	Load(Param("x"), t.x)
	t.start()
	blocks := Load(Param("blocks"), GP64())
	Label("block")
	block(t)
	ADDQ(I8(xBlock), t.x)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	for q := range 4 {
		if p.bits == 512 {
			VMOVUPS(t.acc(q), dst.at(q, 0))
			continue
		}
		for part := range parts256 {
			VMOVUPS(t.acc256(part, q), x256)
			VMOVUPS(x256, dst.at(q, 32*part))
		}
	}
	ADDQ(I8(64), dst.base)
	DECQ(panels)
	JNZ(LabelRef("panel"))
	VZEROUPPER()
	RET()
}

// q4Block is panelTile's with weights of their own for each sum.
func (t *quarters) q4Block() {
	lo, hi, wlo, whi := t.first, t.second, t.scratch(0), t.scratch(1)
	for q := range 4 {
		t.begin(q, xSum0, lo(q))
		t.begin(q, xSum1, hi(q))
	}
	for j := range 8 {
		for q := range 4 {
			PREFETCHT1(t.wq.at(q, 64*j+aheadQuarter))
			t.nibbles(t.wq.at(q, 64*j), wlo, whi)
			t.add(q, 4*j, wlo, lo(q), j == 0)
			t.add(q, 32+4*j, whi, hi(q), j == 0)
		}
	}
	for q := range 4 {
		PREFETCHT1(t.sq.at(q, aheadQuarterScales))
		VCVTPH2PS(t.sq.at(q, 0), wlo)
		VCVTPH2PS(t.sq.at(q, 32), whi)
		t.q4Scale(q, wlo, whi)
	}
	ADDQ(I32(512), t.w)
	ADDQ(I8(64), t.s)
}

// q8Block is panelTile's with weights of their own for each sum.
func (t *quarters) q8Block() {
	sum, w := t.first, t.scratch(0)
	for q := range 4 {
		t.begin(q, xSum, sum(q))
	}
	for j := range 16 {
		for q := range 4 {
			PREFETCHT1(t.wq.at(q, 64*j+aheadQuarter))
			t.flipped(t.wq.at(q, 64*j), w)
			t.add(q, 4*j, w, sum(q), false)
		}
	}
	for q := range 4 {
		PREFETCHT1(t.sq.at(q, aheadQuarterScales))
		VCVTPH2PS(t.sq.at(q, 0), w)
		t.q8Scale(q, sum(q), w)
	}
	ADDQ(I32(1024), t.w)
	ADDQ(I8(32), t.s)
}

// q4Block256 is panelTile's with weights of their own for each sum.
func (t *quarters) q4Block256() {
	for half := range 2 {
		for j := range 8 {
			VPBROADCASTD(t.row(0, 32*half+4*j), x256)
			t.eachSum(func(part, q int) {
				w, sum := product256, sum256(part, q)
				if half == 0 && part == 0 {
					PREFETCHT0(t.wq.at(q, 64*j+aheadQuarter))
				}
				VMOVDQU(t.wq.at(q, 64*j+32*part), w)
				if half == 1 {
					VPSRLD(Imm(4), w, w)
				}
				VPAND(wide.nibble, w, w)
				if j == 0 {
					VPMADDUBSW(x256, w, sum)
					return
				}
				VPMADDUBSW(x256, w, w)
				VPADDW(w, sum, sum)
			})
		}
		t.end256(xSum0 + 4*half)
		t.half256(half)
	}
	t.accumulate256()
	ADDQ(I32(512), t.w)
	ADDQ(I8(64), t.s)
}

// q8Block256 is q8Sign with weights of their own for each sum.
func (t *quarters) q8Block256() {
	t.eachSum(func(part, q int) { zero(sum256(part, q)) })
	VMOVDQU(wide.ones, ones256)
	for j := range 16 {
		VPBROADCASTD(t.row(0, 4*j), x256)
		t.eachSum(func(part, q int) {
			w := w256(part)
			VMOVDQU(t.wq.at(q, 64*j+32*part), w)
			VPABSB(w, size256(part))
			VPSIGNB(w, x256, product256)
			VPMADDUBSW(product256, size256(part), product256)
			VPMADDWD(ones256, product256, product256)
			VPADDD(product256, sum256(part, q), sum256(part, q))
		})
	}
	t.q8Scale256()
}
