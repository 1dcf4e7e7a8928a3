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
}

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

	Label("row")
	src, blocks := GP64(), GP64()
	MOVQ(x0, src)
	MOVQ(w0, w.base)
	Load(Param("blocks"), blocks)
	for i := range 4 * parts {
		zero(v(i))
	}
	Label("block")
	for part := range parts {
		VMOVUPS(Mem{Base: src, Disp: 4 * lanes * part}, in)
		for o := range 4 {
			m := w.at(o, e.size*lanes*part)
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
	JNZ(LabelRef("block"))

	for o := range 4 {
		if lanes == 16 {
			VEXTRACTF64X4(Imm(1), z(o), y(8+o))
			VADDPS(y(8+o), y(o), y(o))
		} else {
			VADDPS(y(2*o+1), y(2*o), y(o))
		}
	}
	VHADDPS(y(1), y(0), y(0))
	VHADDPS(y(3), y(2), y(2))
	VHADDPS(y(2), y(0), y(0))
	VEXTRACTF128(Imm(1), y(0), x(1))
	VADDPS(x(1), x(0), x(0))
	VMOVUPS(x(0), Mem{Base: dst})
	ADDQ(dstStride, dst)
	ADDQ(xStride, x0)
	DECQ(rowsLeft)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}
