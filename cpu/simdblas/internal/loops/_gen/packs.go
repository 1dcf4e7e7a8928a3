// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// packs emits, for 16, 8 and 4 rows,
//
//	for j := range columns {
//		for r := range rows {
//			dst[j][r] = src[r][j]
//		}
//	}
//
// four columns at a time. A register's lane of 128 bits takes four elements of one
// row, so that shuffles inside lanes are all that is needed.
func packs() {
	pack("pack16AVX512", "AVX-512", 16)
	pack("pack8AVX2", "AVX2", 8)
	pack("pack4AVX2", "AVX2", 4)
}

func pack(name, needs string, n int) {
	TEXT(name, NOSPLIT, "func(dst *float32, dstStride uintptr, src *float32, srcStride uintptr, columns int)")
	Doc(name + " is packGeneric's twin for " + needs + ". Columns are a multiple of 4.")
	Pragma("noescape")
	dst, dstStride := Load(Param("dst"), GP64()), Load(Param("dstStride"), GP64())
	src, srcStride := Load(Param("src"), GP64()), Load(Param("srcStride"), GP64())
	columns := Load(Param("columns"), GP64())
	src3, dst3 := times3(srcStride), times3(dstStride)
	of := func(i int) VecPhysical { return x(i) }
	switch n {
	case 16:
		of = func(i int) VecPhysical { return z(i) }
	case 8:
		of = func(i int) VecPhysical { return y(i) }
	}
	quads := packRows(n, src, srcStride)

	Label("columns")
	for i := range 4 { // register i: rows i, 4+i, 8+i, 12+i
		for lane, base := range quads {
			from := rows{base: base, stride: srcStride, stride3: src3}.at(i, 0)
			switch {
			case lane == 0:
				VMOVUPS(from, x(i))
			case n == 8:
				VINSERTF128(Imm(1), from, y(i), y(i))
			default:
				VBROADCASTF32X4(from, []Register{nil, K1, K2, K3}[lane], z(i))
			}
		}
	}
	transpose4(of)
	for i := range 4 {
		VMOVUPS(of(i), rows{base: dst, stride: dstStride, stride3: dst3}.at(i, 0))
	}
	for _, base := range quads {
		ADDQ(I8(16), base)
	}
	LEAQ(Mem{Base: dst, Index: dstStride, Scale: 4}, dst)
	SUBQ(I8(4), columns)
	JNZ(LabelRef("columns"))
	VZEROUPPER()
	RET()
}

// packRows returns registers at rows 0, 4, 8, 12 and sets the masks of their lanes.
func packRows(n int, src, stride Register) []Register {
	quads := []Register{src}
	for i := 1; i < n/4; i++ {
		next := GP64()
		LEAQ(Mem{Base: quads[i-1], Index: stride, Scale: 4}, next)
		quads = append(quads, next)
	}
	if n == 16 {
		mask := GP32()
		for i, k := range []Register{K1, K2, K3} {
			MOVL(U32(0xf0<<(4*i)), mask)
			KMOVW(mask, k)
		}
	}
	return quads
}

// transpose4 emits the transposition of the 4 x 4 elements in each lane of registers
// 0 to 3, with 4 to 7 for scratch.
func transpose4(of func(int) VecPhysical) {
	VUNPCKLPS(of(1), of(0), of(4)) // 00 10 01 11
	VUNPCKHPS(of(1), of(0), of(5)) // 02 12 03 13
	VUNPCKLPS(of(3), of(2), of(6))
	VUNPCKHPS(of(3), of(2), of(7))
	VUNPCKLPD(of(6), of(4), of(0))
	VUNPCKHPD(of(6), of(4), of(1))
	VUNPCKLPD(of(7), of(5), of(2))
	VUNPCKHPD(of(7), of(5), of(3))
}
