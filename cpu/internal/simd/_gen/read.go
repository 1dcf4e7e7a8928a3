// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// readLines emits loops that only read: the bound of every kernel that streams
// weights.
func readLines() {
	readLinesAVX512()
	readLinesAVX2()
}

func readLinesAVX512() {
	TEXT("readLinesAVX512", NOSPLIT, "func(p *byte, n int) uint32")
	Doc("readLinesAVX512 returns an exclusive or of n bytes, a multiple of 512.")
	Pragma("noescape")
	p, n := Load(Param("p"), GP64()), Load(Param("n"), GP64())
	for i := range 8 {
		VPXORD(z(i), z(i), z(i))
	}
	Label("lines")
	for i := range 8 {
		PREFETCHT1(Mem{Base: p, Disp: 64*i + ahead})
		PREFETCHT0(Mem{Base: p, Disp: 64*i + aheadNear})
		VPXORD(Mem{Base: p, Disp: 64 * i}, z(i), z(i))
	}
	ADDQ(I32(512), p)
	SUBQ(I32(512), n)
	JNZ(LabelRef("lines"))
	for i := range 7 {
		VPXORD(z(i+1), z(0), z(0))
	}
	VEXTRACTI64X4(Imm(1), z(0), y(1))
	VPXOR(y(1), y(0), y(0))
	foldWords()
}

// readLinesAVX2 reads four quarters side by side and fetches nothing ahead: on a processor
// whose own prefetching ends with a page of 4 KiB, another quarter's is still on its way then.
func readLinesAVX2() {
	TEXT("readLinesAVX2", NOSPLIT, "func(p *byte, n int) uint32")
	Doc("readLinesAVX2 returns an exclusive or of n bytes, a multiple of 512.")
	Pragma("noescape")
	p, n, quarter := Load(Param("p"), GP64()), Load(Param("n"), GP64()), GP64()
	MOVQ(n, quarter)
	SHRQ(Imm(2), quarter)
	quarters := rows{base: p, stride: quarter, stride3: times3(quarter)}
	for i := range 8 {
		zero(y(i))
	}
	Label("lines")
	for disp := 0; disp < 128; disp += 32 {
		for q := range 4 {
			sum := y(disp/32%2*4 + q)
			VPXOR(quarters.at(q, disp), sum, sum)
		}
	}
	quarters.step(128)
	SUBQ(I32(512), n)
	JNZ(LabelRef("lines"))
	for i := range 7 {
		VPXOR(y(i+1), y(0), y(0))
	}
	foldWords()
}

// foldWords emits the end: the exclusive or of the words of register 0's lower half.
func foldWords() {
	VEXTRACTI128(Imm(1), y(0), x(1))
	VPXOR(x(1), x(0), x(0))
	for _, lanes := range []uint64{0x4e, 0xb1} { // swaps halves, then neighbours
		VPSHUFD(Imm(lanes), x(0), x(1))
		VPXOR(x(1), x(0), x(0))
	}
	sum := GP32()
	VMOVD(x(0), sum)
	Store(sum, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
