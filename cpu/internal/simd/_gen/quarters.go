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

// aheadQuarter is the distance in bytes at which 4-bit weights are fetched. Those of 8 bits
// arrive in time without.
const aheadQuarter = 1024

func rowPanels() {
	rowKernel("rowQ4AVX2", "4-bit", (*quarters).q4Block)
	rowKernel("rowQ8AVX2", "8-bit", (*quarters).q8Block)
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
func rowKernel(name, bits string, block func(*quarters)) {
	TEXT(name, 0, "func(dst *float32, w *byte, wQuarter uintptr, s *uint16, sQuarter uintptr, x *byte, blocks, panels int)")
	Doc(name+" is panelsGeneric's twin for one row and four times that many panels of",
		bits+" weights, for AVX2 with FMA and F16C.")
	Pragma("noescape")
	stride := func(p string) rows {
		r := rows{base: GP64(), stride: Load(Param(p+"Quarter"), GP64())}
		Load(Param(p), r.base)
		r.stride3 = times3(r.stride)
		return r
	}
	t := &quarters{wq: stride("w")}
	t.panelTile = panelTile{panelSet: &panelSet{bits: 256, dot: dotMadd}, n: 4, x: GP64(), sq: stride("s"), spill: AllocLocal(2 * rows256 * 64)}
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
	t.eachSum(func(part, q int) {
		VMOVUPS(t.acc256(part, q), x256)
		VMOVUPS(x256, dst.at(q, 32*part))
	})
	ADDQ(I8(64), dst.base)
	DECQ(panels)
	JNZ(LabelRef("panel"))
	VZEROUPPER()
	RET()
}

// q4Block is q4Block256 with weights of their own for each sum.
func (t *quarters) q4Block() {
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

// q8Block is q8Sign with weights of their own for each sum.
func (t *quarters) q8Block() {
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
