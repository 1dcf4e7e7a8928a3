// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// dots emits the products of rows of activations with four rows of weights at a time,
// which are widened as they are loaded: one load of x serves four outputs, and with AVX-512 a
// widened weight four rows, so that many rows are multiplied as few are.
func dots() {
	for _, e := range elements {
		e.dots("AVX512", "AVX-512", 16)
		e.dots("AVX2", "AVX2 with FMA and F16C", 8)
	}
	dotTile()
}

// aheadRow is the distance in bytes at which the kernels of AVX-512 fetch four rows of 16-bit weights
// into the second-level cache, for the first row of activations. The next four rows lie behind them.
const aheadRow = 2048

// dots emits a routine for registers of lanes floats; 16 inputs have parts = 16/lanes. Those of 16
// lanes share what is widened among four rows.
//
//	sums  0 .. 4·n·parts-1  [n, 4, parts] of n rows
//	w     16, x 17 .. of 16 lanes (emit512); w 12, x 13 of 8
func (e *element) dots(name, with string, lanes int) {
	TEXT("dots"+e.name+name, NOSPLIT, "func(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *"+e.goType+", wStride uintptr, blocks, rows int)")
	Doc("dots" + e.name + name + " is dotsGeneric's twin for four outputs, for " + with + ".")
	Pragma("noescape")
	d, parts := fewRows(), 16/lanes
	if lanes == 16 {
		d.emit512(e.size == 2, 16*e.size, e.widen512, func(w, x, sum int) { VFMADD231PS(z(x), z(w), z(sum)) })
		return
	}
	d.emit(1, func(_ int, _ bool) {
		for part := range parts {
			VMOVUPS(d.in.at(0, 4*lanes*part), y(13))
			for o := range 4 {
				e.widen256(d.w.at(o, e.size*lanes*part), y(12))
				VFMADD231PS(y(13), y(12), y(o*parts+part))
			}
		}
		d.in.step(64)
		d.w.step(16 * e.size)
	}, func(int) {
		for i := range 8 {
			zero(y(i))
		}
	}, func(int) {
		for o := range 4 {
			VADDPS(y(2*o+1), y(2*o), y(o))
		}
		addLanes(y)
	})
}

// few is the state of a kernel of a few rows of activations and four rows of weights while it is
// emitted.
type few struct {
	dst, dstStride, x0, xStride, w0, rowsLeft, blocks Register
	in, w                                             rows // at the block
}

func fewRows() *few {
	load := func(name string) Register { return Load(Param(name), GP64()) }
	d := &few{dst: load("dst"), dstStride: load("dstStride"), x0: load("x"), xStride: load("xStride"),
		w0: load("w"), rowsLeft: load("rows"), blocks: GP64()}
	d.w = rows{base: GP64(), stride: load("wStride")}
	d.w.stride3 = times3(d.w.stride)
	d.in = rows{base: GP64(), stride: d.xStride, stride3: times3(d.xStride)}
	return d
}

// emit512 emits blocks of 64 bytes of x and size bytes of w, sixteen sums each, for four rows at a
// time. load brings weights to a register, multiply adds a product of registers to a sum.
func (d *few) emit512(fetches bool, size int, load func(Mem, VecPhysical), multiply func(w, x, sum int)) {
	d.emit(4, func(n int, fetch bool) {
		for r := range n {
			VMOVUPS(d.in.at(r, 0), z(17+r))
		}
		for o := range 4 {
			if fetch && fetches {
				PREFETCHT1(d.w.at(o, aheadRow))
			}
			load(d.w.at(o, 0), z(16))
			for r := range n {
				multiply(16, 17+r, 4*r+o)
			}
		}
		d.in.step(64)
		d.w.step(size)
	}, func(n int) {
		for i := range 4 * n {
			zero(z(i))
		}
	}, sumLanes)
}

// emit emits block for most rows at a time, then for one after the other, begin for n rows and sum
// for the four sums of a row. With more than one at a time the first fetch the next weights.
func (d *few) emit(most int, block func(n int, fetch bool), begin, sum func(int)) {
	body := func(n int, fetch bool) {
		label := fmt.Sprintf("block%d", n)
		if fetch {
			label += "Fetch"
		}
		MOVQ(d.x0, d.in.base)
		MOVQ(d.w0, d.w.base)
		Load(Param("blocks"), d.blocks)
		begin(n)
		Label(label)
		block(n, fetch)
		DECQ(d.blocks)
		JNZ(LabelRef(label))
		for r := range n {
			sum(4 * r)
			VMOVUPS(x(0), Mem{Base: d.dst})
			ADDQ(d.dstStride, d.dst)
			ADDQ(d.xStride, d.x0)
		}
		SUBQ(Imm(uint64(n)), d.rowsLeft)
	}
	if most > 1 {
		CMPQ(d.rowsLeft, I8(most))
		JLT(LabelRef("one"))
		body(most, true)
		Label("more")
		CMPQ(d.rowsLeft, I8(most))
		JLT(LabelRef("rest"))
		body(most, false)
		JMP(LabelRef("more"))
		Label("one")
		body(1, true)
	}
	Label("rest")
	TESTQ(d.rowsLeft, d.rowsLeft)
	JZ(LabelRef("done"))
	body(1, false)
	JMP(LabelRef("rest"))
	Label("done")
	VZEROUPPER()
	RET()
}

// dotTile emits the products of three rows of activations with four of weights for AVX2, of
// which sixteen registers hold half the lanes: the first eight lanes of all inputs, then
// the last eight. That is 7 loads for 12 fused operations, of which a cycle has two each.
// The second time the next three rows of activations are fetched.
//
//	sums  0 .. 11   [3, 4]
//	x     12 .. 14  [3]
//	w     15
func dotTile() {
	TEXT("dotTileAVX2", NOSPLIT, "func(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *float32, wStride uintptr, blocks, tiles int, sums *float32, sumsStride uintptr, first, last bool)")
	Doc("dotTileAVX2 adds the products of 16·blocks inputs of 3·tiles rows with four outputs to the sums, for AVX2 with FMA.",
		"The first piece of the inputs begins with zeros, the last leaves the sums of the lanes in dst.",
		"", "  sums  [tiles, 2, 3, 4, 8], tiles sumsStride bytes apart")
	Pragma("noescape")
	load := func(name string) Register { return Load(Param(name), GP64()) }
	dst, dstStride, x0, sums := load("dst"), load("dstStride"), load("x"), load("sums")
	in := rows{base: GP64(), stride: load("xStride")}
	w := rows{base: GP64(), stride: load("wStride")}
	next := rows{base: GP64(), stride: in.stride}
	w.stride3 = times3(w.stride)
	blocks, put := GP64(), GP64()

	Label("tile")
	for half := range 2 {
		label := func(s string) string { return s + []string{"Low", "High"}[half] }
		sum := func(i int) Mem { return Mem{Base: sums, Disp: 32 * (12*half + i)} }
		MOVQ(x0, in.base)
		MOVQ(param("w"), w.base)
		MOVQ(param("blocks"), blocks)
		if half == 1 {
			MOVQ(x0, next.base)
			advance(next.base, in.stride, 3)
		}
		CMPB(param("first"), I8(0))
		JEQ(LabelRef(label("go")))
		for i := range 12 {
			zero(y(i))
		}
		JMP(LabelRef(label("block")))
		Label(label("go"))
		for i := range 12 {
			VMOVUPS(sum(i), y(i))
		}
		Label(label("block"))
		for r := range 3 {
			VMOVUPS(in.at(r, 32*half), y(12+r))
		}
		for o := range 4 {
			VMOVUPS(w.at(o, 32*half), y(15))
			for r := range 3 {
				VFMADD231PS(y(15), y(12+r), y(4*r+o))
			}
		}
		if half == 1 {
			for r := range 3 {
				PREFETCHT0(next.at(r, 0))
			}
			next.step(64)
		}
		in.step(64)
		w.step(64)
		DECQ(blocks)
		JNZ(LabelRef(label("block")))
		if half == 1 {
			CMPB(param("last"), I8(0))
			JNE(LabelRef("finish"))
		}
		for i := range 12 {
			VMOVUPS(y(i), sum(i))
		}
	}
	JMP(LabelRef("next"))

	Label("finish")
	MOVQ(dst, put)
	for r := range 3 {
		v := func(o int) VecPhysical { return y(4*r + o) }
		for o := range 4 {
			VADDPS(Mem{Base: sums, Disp: 32 * (4*r + o)}, v(o), v(o))
		}
		addLanes(v)
		VMOVUPS(v(0).AsX(), Mem{Base: put})
		ADDQ(dstStride, put)
	}

	Label("next")
	LEAQ(Mem{Base: dst, Index: dstStride, Scale: 2}, dst)
	ADDQ(dstStride, dst)
	advance(x0, in.stride, 3)
	ADDQ(param("sumsStride"), sums)
	DECQ(param("tiles"))
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// sumLanes emits x(0) = the sums of the lanes of z(first) .. z(first+3). y(0) .. y(3) are used for it: the
// first of several come first.
func sumLanes(first int) {
	for o := range 4 {
		VEXTRACTF64X4(Imm(1), z(first+o), y(28+o))
		VADDPS(y(28+o), y(first+o), y(o))
	}
	addLanes(y)
}

// addLanes emits v(0) = the sums of the eight lanes of v(0) .. v(3).
func addLanes(v func(o int) VecPhysical) {
	VHADDPS(v(1), v(0), v(0))
	VHADDPS(v(3), v(2), v(2))
	VHADDPS(v(2), v(0), v(0))
	VEXTRACTF128(Imm(1), v(0), v(1).AsX())
	VADDPS(v(1).AsX(), v(0).AsX(), v(0).AsX())
}
