// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// dots emits the products of rows of activations with four rows of weights at a time,
// which are widened as they are loaded: one load of x serves four outputs.
func dots() {
	for _, e := range elements {
		e.dots("AVX512", "AVX-512", 16)
		e.dots("AVX2", "AVX2 with FMA and F16C", 8)
	}
	dotTile()
	dotTile512()
}

// aheadRow is the distance in bytes at which the kernels of AVX-512 fetch four rows of 16-bit weights
// into the second-level cache, for the first row of activations. The next four rows lie behind them.
const aheadRow = 2048

// dots emits a routine for registers of lanes floats; 16 inputs have parts = 16/lanes.
//
//	sums  0 .. 4·parts-1   [4, parts]
//	w     12, x 13, 14
func (e *element) dots(name, with string, lanes int) {
	TEXT("dots"+e.name+name, NOSPLIT, "func(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *"+e.goType+", wStride uintptr, blocks, rows int)")
	Doc("dots" + e.name + name + " is dotsGeneric's twin for four outputs, for " + with + ".")
	Pragma("noescape")
	dst, dstStride := Load(Param("dst"), GP64()), Load(Param("dstStride"), GP64())
	x0, xStride := Load(Param("x"), GP64()), Load(Param("xStride"), GP64())
	w0, wStride := Load(Param("w"), GP64()), Load(Param("wStride"), GP64())
	rowsLeft, parts := Load(Param("rows"), GP64()), 16/lanes
	v := func(i int) VecPhysical {
		if lanes == 16 {
			return z(i)
		}
		return y(i)
	}
	wide, in := v(12), v(13)
	w := rows{base: GP64(), stride: wStride, stride3: times3(wStride)}

	src, blocks := GP64(), GP64()
	for _, row := range []string{"First", "Other"} {
		Label("row" + row)
		MOVQ(x0, src)
		MOVQ(w0, w.base)
		Load(Param("blocks"), blocks)
		for i := range 4 * parts {
			zero(v(i))
		}
		Label("block" + row)
		for part := range parts {
			VMOVUPS(Mem{Base: src, Disp: 4 * lanes * part}, in)
			for o := range 4 {
				m := w.at(o, e.size*lanes*part)
				if lanes == 16 && e.size == 2 && row == "First" {
					PREFETCHT1(w.at(o, aheadRow))
				}
				if lanes == 16 {
					e.widen512(m, wide)
				} else {
					e.widen256(m, wide)
				}
				VFMADD231PS(in, wide, v(o*parts+part))
			}
		}
		ADDQ(Imm(64), src)
		ADDQ(Imm(uint64(16*e.size)), w.base)
		DECQ(blocks)
		JNZ(LabelRef("block" + row))

		for o := range 4 {
			if lanes == 16 {
				VEXTRACTF64X4(Imm(1), z(o), y(8+o))
				VADDPS(y(8+o), y(o), y(o))
			} else {
				VADDPS(y(2*o+1), y(2*o), y(o))
			}
		}
		addLanes(y)
		VMOVUPS(x(0), Mem{Base: dst})
		ADDQ(dstStride, dst)
		ADDQ(xStride, x0)
		DECQ(rowsLeft)
		if row == "First" {
			JZ(LabelRef("done"))
		} else {
			JNZ(LabelRef("row" + row))
		}
	}
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

// dotTile512 emits the products of six rows of activations with four of weights for
// AVX-512: ten loads for 24 fused operations, of which a cycle has one or two.
//
//	sums  0 .. 23   [6, 4]
//	x     24 .. 29  [6]
//	w     30, 31
func dotTile512() {
	const tall = 6
	TEXT("dotTileAVX512", NOSPLIT, "func(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *float32, wStride uintptr, blocks, tiles int, sums *float32, sumsStride uintptr, first, last bool)")
	Doc("dotTileAVX512 is dotTileAVX2's twin with tiles of six rows, for AVX-512.",
		"", "  sums  [tiles, 6, 4, 16]")
	Pragma("noescape")
	load := func(name string) Register { return Load(Param(name), GP64()) }
	dst, dstStride, x0, sums := load("dst"), load("dstStride"), load("x"), load("sums")
	xStride := load("xStride")
	xStride3 := times3(xStride)
	w := rows{base: GP64(), stride: load("wStride")}
	w.stride3 = times3(w.stride)
	blocks := GP64()
	sum := func(i int) Mem { return Mem{Base: sums, Disp: 64 * i} }

	Label("tile")
	in := rowsFrom(x0, xStride, xStride3, tall)
	MOVQ(param("w"), w.base)
	MOVQ(param("blocks"), blocks)
	CMPB(param("first"), I8(0))
	JEQ(LabelRef("go"))
	for i := range 4 * tall {
		zero(z(i))
	}
	JMP(LabelRef("block"))
	Label("go")
	for i := range 4 * tall {
		VMOVUPS(sum(i), z(i))
	}
	Label("block")
	for r := range tall {
		VMOVUPS(in.at(r, 0), z(24+r))
	}
	for o := range 4 {
		VMOVUPS(w.at(o, 0), z(30+o%2))
		for r := range tall {
			VFMADD231PS(z(30+o%2), z(24+r), z(4*r+o))
		}
	}
	in.step(64)
	w.step(64)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	CMPB(param("last"), I8(0))
	JNE(LabelRef("finish"))
	for i := range 4 * tall {
		VMOVUPS(z(i), sum(i))
	}
	LEAQ(Mem{Base: dst, Index: dstStride, Scale: 4}, dst)
	LEAQ(Mem{Base: dst, Index: dstStride, Scale: 2}, dst)
	JMP(LabelRef("next"))

	Label("finish")
	for r := range tall {
		sumLanes(4 * r)
		VMOVUPS(x(0), Mem{Base: dst})
		ADDQ(dstStride, dst)
	}

	Label("next")
	advance(x0, xStride, tall)
	ADDQ(param("sumsStride"), sums)
	DECQ(param("tiles"))
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// sumLanes emits x(0) = the sums of the lanes of z(first) .. z(first+3).
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
