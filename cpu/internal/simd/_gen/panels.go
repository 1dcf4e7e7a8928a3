// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The activation block that every panel kernel reads; see simd.QuantizeRow.
const (
	xBlock = 80 // bytes
	xScale = 64 // offset of the scale
	xSum0  = 68 // offset of -8 times the sum of the first 32
	xSum1  = 72 // offset of -8 times the sum of the last 32
	xSum   = 76 // offset of -128 times the sum of all
)

// A dot is the way of an instruction set to add products of four unsigned and four
// signed bytes to a 32-bit sum.
type dot int

const (
	dotEVEX dot = iota // VPDPBUSD of AVX-512
	dotVEX             // VPDPBUSD of AVX-VNNI, which Go's assembler does not have
	dotMadd            // VPMADDUBSW and, after a block, VPMADDWD
)

// panelSet is an instruction set for which there are panel kernels.
type panelSet struct {
	name, needs string
	bits        int // of a register
	dot         dot
	q4, q8      panelBlock
}

// panelBlock is the code of one block of a format.
type panelBlock struct {
	groups []int // rows multiplied at a time, largest first
	emit   func(*panelTile)
}

func panels() {
	wideConstants()
	for _, p := range []panelSet{
		{"VNNI", "AVX-512 with VNNI", 512, dotEVEX,
			panelBlock{[]int{8, 4, 2, 1}, (*panelTile).q4Block}, panelBlock{[]int{8, 4, 2, 1}, (*panelTile).q8Block}},
		{"AVX512", "AVX-512", 512, dotMadd,
			panelBlock{[]int{4, 2, 1}, (*panelTile).q4Block}, panelBlock{[]int{4, 2, 1}, (*panelTile).q8BlockMadd}},
		{"AVXVNNI", "AVX2 with AVX-VNNI", 256, dotVEX,
			panelBlock{[]int{6, 4, 2, 1}, (*panelTile).q4Block256}, panelBlock{[]int{6, 4, 2, 1}, (*panelTile).q8Block256}},
		{"AVX2", "AVX2 with FMA and F16C", 256, dotMadd,
			panelBlock{[]int{6, 4, 2, 1}, (*panelTile).q4Block256}, panelBlock{[]int{4, 2, 1}, (*panelTile).q8Sign}},
	} {
		p.kernel("panelsQ4"+p.name, "4-bit", p.q4)
		p.kernel("panelsQ8"+p.name, "8-bit", p.q8)
	}
}

// panelTile is the state of a kernel while it is emitted for n rows.
type panelTile struct {
	*panelSet
	n                            int
	w, s, x, x4, stride, stride3 Register

	spill Mem  // of 256 bits
	sq    rows // scales of each row's own, of 256 bits, where x is the same in all
}

// kernel emits
//
//	for p := range panels {
//		for r := range rows {
//			for b := range blocks {
//				dst[r][16p:16p+16] += block(w[p][b], s[p][b], x[r][b])
//			}
//		}
//	}
//
// a group of rows at a time, with the same operations for each row.
func (p *panelSet) kernel(name, bits string, block panelBlock) {
	attributes := NOSPLIT
	if p.bits == 256 {
		attributes = 0 // its frame is too large for the stack of such
	}
	TEXT(name, attributes, "func(dst *float32, dstStride uintptr, w *byte, s *uint16, x *byte, xStride uintptr, blocks, rows, panels int)")
	Doc(name + " is panelsGeneric's twin for " + bits + " weights, for " + p.needs + ".")
	Pragma("noescape")
	dst, dstStride := GP64(), Load(Param("dstStride"), GP64())
	w0, s0 := Load(Param("w"), GP64()), Load(Param("s"), GP64())
	x0, stride := GP64(), Load(Param("xStride"), GP64())
	left, stride3 := GP64(), times3(stride)
	if p.bits == 512 {
		p.constants()
	}

	Label("panel")
	MOVQ(param("dst"), dst)
	MOVQ(param("x"), x0)
	MOVQ(param("rows"), left)
	t := &panelTile{panelSet: p, w: GP64(), s: GP64(), x: GP64(), x4: GP64(), stride: stride, stride3: stride3}
	if p.bits == 256 {
		t.spill = AllocLocal(2 * rows256 * 64)
	}
	for _, n := range block.groups {
		t.n = n
		loop, done := fmt.Sprintf("rows%d", n), fmt.Sprintf("rows%dDone", n)
		Label(loop)
		CMPQ(left, I8(n))
		JLT(LabelRef(done))
		MOVQ(w0, t.w)
		MOVQ(s0, t.s)
		t.sum(x0, block.emit)
		t.store(dst, dstStride)
		advance(x0, stride, n)
		SUBQ(I8(n), left)
		JMP(LabelRef(loop))
		Label(done)
	}
	MOVQ(t.w, w0) // the end of this panel is the start of the next
	MOVQ(t.s, s0)
	ADDQ(I8(64), param("dst"))
	DECQ(param("panels"))
	JNZ(LabelRef("panel"))
	VZEROUPPER()
	RET()
}

// sum emits the sums of a group of rows over all blocks.
func (t *panelTile) sum(x0 Register, block func(*panelTile)) {
	MOVQ(x0, t.x)
	if t.n > 4 {
		LEAQ(Mem{Base: x0, Index: t.stride, Scale: 4}, t.x4)
	}
	t.start()
	blocks := Load(Param("blocks"), GP64())
	label := fmt.Sprintf("blocks%d", t.n)
	Label(label)
	block(t)
	ADDQ(I8(xBlock), t.x)
	if t.n > 4 {
		ADDQ(I8(xBlock), t.x4)
	}
	DECQ(blocks)
	JNZ(LabelRef(label))
}

// start emits the zeroing of a group's sums.
func (t *panelTile) start() {
	if t.bits == 512 {
		for r := range t.n {
			zero(t.acc(r))
		}
		return
	}
	zero(x256)
	t.eachSum(func(part, r int) { VMOVUPS(x256, t.acc256(part, r)) })
}

// store emits dst[r][0:16] = acc[r] for a group of rows and moves dst past them.
func (t *panelTile) store(dst, stride Register) {
	for r := range t.n {
		if t.bits == 512 {
			VMOVUPS(t.acc(r), Mem{Base: dst})
		} else {
			for part := range parts256 {
				VMOVUPS(t.acc256(part, r), x256)
				VMOVUPS(x256, Mem{Base: dst, Disp: 32 * part})
			}
		}
		ADDQ(stride, dst)
	}
}

// q4Block emits one block of 64 inputs: two half blocks of 32 with a scale each.
//
//	w  [8][16 outputs][4]byte   low nibble: input 4j+i, high: 32+4j+i
//	s  [2][16]uint16
//
// lo and hi become the exact sums of (q+8)·x - 8·x.
func (t *panelTile) q4Block() {
	lo, hi, wlo, whi := t.first, t.second, t.scratch(0), t.scratch(1)
	for r := range t.n {
		t.begin(r, xSum0, lo(r))
		t.begin(r, xSum1, hi(r))
	}
	for j := range 8 {
		t.prefetch(64 * j)
		t.nibbles(Mem{Base: t.w, Disp: 64 * j}, wlo, whi)
		for r := range t.n {
			t.add(r, 4*j, wlo, lo(r), j == 0)
			t.add(r, 32+4*j, whi, hi(r), j == 0)
		}
	}
	s0, s1 := wlo, whi
	for r := range t.n {
		t.end(r, xSum0, lo(r))
		t.end(r, xSum1, hi(r))
	}
	VCVTPH2PS(Mem{Base: t.s}, s0)
	VCVTPH2PS(Mem{Base: t.s, Disp: 32}, s1)
	for r := range t.n {
		t.q4Scale(r, s0, s1)
	}
	ADDQ(I32(512), t.w)
	ADDQ(I8(64), t.s)
}

// q4Scale emits acc += (first·s0 + second·s1)·xscale.
func (t *panelTile) q4Scale(r int, s0, s1 VecPhysical) {
	lo, hi := t.first(r), t.second(r)
	VCVTDQ2PS(lo, lo)
	VCVTDQ2PS(hi, hi)
	VMULPS(s0, lo, lo)
	VFMADD231PS(s1, hi, lo)
	t.accumulate(r, lo)
}

// q8Block emits one block of 64 inputs with one scale.
//
//	w  [16][16 outputs][4]int8   input 4j+i
//	s  [16]uint16
//
// The sums are the exact ones of (q+128)·x - 128·x.
func (t *panelTile) q8Block() {
	sum, w := t.first, t.scratch(0)
	for r := range t.n {
		t.begin(r, xSum, sum(r))
	}
	for j := range 16 {
		t.prefetch(64 * j)
		t.flipped(Mem{Base: t.w, Disp: 64 * j}, w)
		for r := range t.n {
			t.add(r, 4*j, w, sum(r), false)
		}
	}
	t.q8Scales(sum)
	ADDQ(I32(1024), t.w)
	ADDQ(I8(32), t.s)
}

// q8BlockMadd is q8Block where the products of bytes are added in 16 bits: q+128 is
// cut into nibbles, of which eight steps fit, and both sums are put together.
func (t *panelTile) q8BlockMadd() {
	lo, hi, total, wlo, whi := t.first, t.second, t.total, t.scratch(0), t.scratch(1)
	for step := range 2 {
		for j := 8 * step; j < 8*step+8; j++ {
			t.prefetch(64 * j)
			t.flipped(Mem{Base: t.w, Disp: 64 * j}, whi)
			t.split(wlo, whi)
			for r := range t.n {
				VPBROADCASTD(t.row(r, 4*j), t.scratch(2))
				t.addMadd(wlo, lo(r), j%8 == 0)
				t.addMadd(whi, hi(r), j%8 == 0)
			}
		}
		for r := range t.n {
			VPMADDWD(t.ones(), lo(r), lo(r))
			VPMADDWD(t.ones(), hi(r), hi(r))
			VPSLLD(Imm(4), hi(r), hi(r))
			VPADDD(hi(r), lo(r), lo(r))
			if step == 0 {
				VPBROADCASTD(t.row(r, xSum), total(r))
			}
			VPADDD(lo(r), total(r), total(r))
		}
	}
	t.q8Scales(total)
	ADDQ(I32(1024), t.w)
	ADDQ(I8(32), t.s)
}

// q8Scales emits q8Scale for all rows, which share the weights' scales.
func (t *panelTile) q8Scales(sum func(int) VecPhysical) {
	s := t.scratch(0)
	VCVTPH2PS(Mem{Base: t.s}, s)
	for r := range t.n {
		t.q8Scale(r, sum(r), s)
	}
}

// q8Scale emits acc += (sum·s)·xscale.
func (t *panelTile) q8Scale(r int, sum, s VecPhysical) {
	VCVTDQ2PS(sum, sum)
	VMULPS(s, sum, sum)
	t.accumulate(r, sum)
}
