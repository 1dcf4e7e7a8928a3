// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// AMX instructions, which neither avo nor Go's assembler has, are written as bytes
// (Intel's Software Developer's Manual, volume 2). All registers here are physical:
// the allocator does not see what the bytes use.
//
//	R8   x of the tile's rows, at the block      R9   xStride
//	R10  w at the block                          R11  64, the stride of w and scratch
//	R12  scratch                                 R13  3·xStride
//	R14  x + 4·xStride   R15  x + 8·xStride      BX   x + 12·xStride
//	SI   s at the block  CX   blocks left        DI   dst
//	DX   the next panel at the block, or dstStride
//	Z16..Z31  the tile's float32 sums, a row each

func raw(bytes ...uint8) {
	for _, b := range bytes {
		Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []Op{U8(b)}})
	}
}

func ldtilecfg() { raw(0xC4, 0xE2, 0x78, 0x49, 0x00) } // (AX)

func tilerelease() { raw(0xC4, 0xE2, 0x78, 0x49, 0xC0) }

func tilezero(t uint8) { raw(0xC4, 0xE2, 0x7B, 0x49, 0xC0|t<<3) }

// loadX loads tile t from disp(R8)(R9*1).
func loadX(t, disp uint8) { raw(0xC4, 0x82, 0x7B, 0x4B, 0x44|t<<3, 0x08, disp) }

// loadW loads tile t from disp(R10)(R11*1).
func loadW(t uint8, disp uint32) {
	raw(0xC4, 0x82, 0x7B, 0x4B, 0x84|t<<3, 0x1A, byte(disp), byte(disp>>8), byte(disp>>16), byte(disp>>24))
}

// storeSums stores tile t to disp(R12)(R11*1).
func storeSums(t uint8, disp uint32) {
	raw(0xC4, 0x82, 0x7A, 0x4B, 0x84|t<<3, 0x1C, byte(disp), byte(disp>>8), byte(disp>>16), byte(disp>>24))
}

// tdpbssd adds the products of int8 tiles a and b to the int32 tile d.
func tdpbssd(d, a, b uint8) { raw(0xC4, 0xE2, ^b&15<<3|3, 0x5E, 0xC0|d<<3|a) }

// drop zeroes tiles that nobody reads any more. Sums start from that, and it is faster
// at the times when loads and products of tiles do not overlap (Panels, 64 rows), as if
// it gave scarce registers back.
func drop(tiles ...uint8) {
	for _, t := range tiles {
		tilezero(t)
	}
}

// tileConfig returns the data of ldtilecfg for tiles of rows and bytes a row.
func tileConfig(name string, tiles map[int][2]int) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	DATA(0, U64(1)) // palette 1
	DATA(8, U64(0))
	for t := range 8 {
		DATA(16+2*t, U16(tiles[t][1]))
	}
	DATA(32, U64(0))
	DATA(40, U64(0))
	for t := range 8 {
		DATA(48+t, U8(tiles[t][0]))
	}
	DATA(56, U64(0))
	return m
}

func panelsAMX() {
	full := [2]int{16, 64}
	q8 := amxKernel{multiplyQ8AMX, storeQ8AMX, scaleQ8AMX, 32, 1024}
	q8.panel("panelQ8AMX", "8-bit", tileConfig("tilesQ8", map[int][2]int{0: full, 1: full, 2: full, 3: full}))
	x, w := [2]int{16, 32}, [2]int{8, 64}
	q4 := amxKernel{multiplyQ4AMX, storeQ4AMX, scaleQ4AMX, 64, 512}
	q4.panel("panelQ4AMX", "4-bit", tileConfig("tilesQ4", map[int][2]int{0: x, 1: w, 2: full, 3: x, 4: w, 5: full, 6: full, 7: full}))
}

// amxKernel is what the two formats differ in.
type amxKernel struct {
	multiply               func(buffer, x, w int)
	store, scale           func(buffer int)
	scaleBytes, panelBytes int // of a block
}

// panel emits the kernel of that name.
func (k *amxKernel) panel(name, bits string, config Mem) {
	TEXT(name, NOSPLIT, "func(dst *float32, dstStride uintptr, w *byte, s *uint16, x *byte, xStride uintptr, blocks, tiles int, scratch, packed *byte)")
	Doc(fmt.Sprintf("%s multiplies 16 rows a tile with the panel of %s weights, unpacked to", name, bits),
		"[blocks, 16, 16, 4]int8, bit for bit like its VNNI twin. scratch has 4 KB. What follows the",
		"panel at packed in memory is fetched meanwhile.")
	Pragma("noescape")
	LEAQ(config, RAX)
	ldtilecfg()
	Load(Param("xStride"), R9)
	Load(Param("scratch"), R12)
	Load(Param("x"), RAX)
	MOVQ(U64(64), R11)
	LEAQ(Mem{Base: R9, Index: R9, Scale: 2}, R13)
	Load(Param("dst"), RDI)
	Load(Param("packed"), RDX)
	Load(Param("blocks"), RCX)
	IMUL3Q(U32(uint32(k.panelBytes)), RCX, RCX)
	ADDQ(RCX, RDX)
	k.tile("first", true)
	JZ(LabelRef("end"))
	Label("tile")
	k.tile("", false)
	JNZ(LabelRef("tile"))
	Label("end")
	tilerelease()
	VZEROUPPER()
	RET()
}

// tile emits the products of one tile of rows, and the count of those left. While the
// first is computed the lines of the next panel, from RDX on, are fetched into the
// second-level cache: they would be waited for while they are unpacked.
func (k *amxKernel) tile(name string, ahead bool) {
	MOVQ(RAX, R8)
	LEAQ(Mem{Base: R8, Index: R9, Scale: 4}, R14)
	LEAQ(Mem{Base: R8, Index: R9, Scale: 8}, R15)
	LEAQ(Mem{Base: R14, Index: R9, Scale: 8}, RBX)
	Load(Param("w"), R10)
	Load(Param("s"), RSI)
	Load(Param("blocks"), RCX)
	for r := range 16 {
		VPXORD(z(16+r), z(16+r), z(16+r))
	}
	fetch := func() {
		if !ahead {
			return
		}
		for i := 0; i < k.panelBytes; i += 64 {
			PREFETCHT1(Mem{Base: RDX, Disp: i})
		}
		PREFETCHT0(Mem{Base: RSI, Disp: aheadScales})
		ADDQ(U32(uint32(k.panelBytes)), RDX)
	}
	// The sums of a block are scaled while those of the next are computed, which are
	// stored after that: a store that waits for its tile holds up what follows it.
	k.multiply(0, 0, 0)
	k.store(0)
	Label(name + "block")
	for buffer := range 2 {
		last, next := fmt.Sprintf("%slast%d", name, buffer), 1-buffer
		DECQ(RCX)
		JZ(LabelRef(last))
		k.multiply(next, 80, 1024)
		fetch()
		k.scale(buffer)
		k.store(next)
		ADDQ(U32(1024), R10)
		ADDQ(Imm(uint64(k.scaleBytes)), RSI)
		for _, x := range []Register{R8, R14, R15, RBX} {
			ADDQ(Imm(80), x)
		}
	}
	JMP(LabelRef(name + "block"))
	Label(name + "last0")
	fetch()
	k.scale(0)
	JMP(LabelRef(name + "store"))
	Label(name + "last1")
	fetch()
	k.scale(1)

	Label(name + "store")
	Load(Param("dstStride"), RDX)
	for r := range 16 {
		VMOVUPS(z(16+r), Mem{Base: RDI})
		ADDQ(RDX, RDI)
	}
	LEAQ(Mem{Base: RAX, Index: R9, Scale: 8}, RAX)
	LEAQ(Mem{Base: RAX, Index: R9, Scale: 8}, RAX)
	tiles := NewParamAddr("tiles", 56)
	DECQ(tiles)
}

func multiplyQ8AMX(buffer, x, w int) {
	sums := uint8(2 + buffer)
	loadX(0, uint8(x))
	loadW(1, uint32(w))
	tdpbssd(sums, 0, 1)
	drop(0, 1)
}

func storeQ8AMX(buffer int) {
	sums := uint8(2 + buffer)
	storeSums(sums, uint32(2048*buffer))
	drop(sums)
}

func scaleQ8AMX(buffer int) {
	VCVTPH2PS(Mem{Base: RSI}, z(15))
	for r := range 16 {
		t := z(r % 8)
		VCVTDQ2PS(Mem{Base: R12, Disp: 2048*buffer + 64*r}, t)
		VMULPS(z(15), t, t)
		VFMADD231PS_BCST(xScaleAt(r), t, z(16+r))
	}
}

func multiplyQ4AMX(buffer, x, w int) {
	lo, hi := uint8(2+4*buffer), uint8(5+2*buffer)
	loadX(0, uint8(x))
	loadW(1, uint32(w))
	tdpbssd(lo, 0, 1)
	drop(0, 1)
	loadX(3, uint8(x+32))
	loadW(4, uint32(w+512))
	tdpbssd(hi, 3, 4)
	drop(3, 4)
}

func storeQ4AMX(buffer int) {
	lo, hi := uint8(2+4*buffer), uint8(5+2*buffer)
	storeSums(lo, uint32(2048*buffer))
	storeSums(hi, uint32(2048*buffer+1024))
	drop(lo, hi)
}

func scaleQ4AMX(buffer int) {
	VCVTPH2PS(Mem{Base: RSI}, z(14))
	VCVTPH2PS(Mem{Base: RSI, Disp: 32}, z(15))
	for r := range 16 {
		lo, hi := z(2*(r%6)), z(2*(r%6)+1)
		VCVTDQ2PS(Mem{Base: R12, Disp: 2048*buffer + 64*r}, lo)
		VCVTDQ2PS(Mem{Base: R12, Disp: 2048*buffer + 1024 + 64*r}, hi)
		VMULPS(z(14), lo, lo)
		VFMADD231PS(z(15), hi, lo)
		VFMADD231PS_BCST(xScaleAt(r), lo, z(16+r))
	}
}

// xScaleAt returns the operand of row r's scale in its block.
func xScaleAt(r int) Mem {
	base := []Register{R8, R14, R15, RBX}[r/4]
	m := Mem{Base: base, Disp: 64}
	switch r % 4 {
	case 1:
		m.Index, m.Scale = R9, 1
	case 2:
		m.Index, m.Scale = R9, 2
	case 3:
		m.Index, m.Scale = R13, 1
	}
	return m
}

// unpackQ4 emits the widening of 4-bit blocks to int8: the first 32 inputs of all
// outputs, then the last 32.
func unpackQ4() {
	TEXT("unpackQ4AVX512", NOSPLIT, "func(dst, w *byte, blocks int)")
	Doc("unpackQ4AVX512 widens 4-bit weights to int8: of each block the first 32 inputs of",
		"all outputs, then the last 32.")
	Pragma("noescape")
	dst, w, blocks := Load(Param("dst"), GP64()), Load(Param("w"), GP64()), Load(Param("blocks"), GP64())
	t := GP32()
	MOVL(U32(0x0f0f0f0f), t)
	VPBROADCASTD(t, z(31))
	MOVL(U32(0x08080808), t)
	VPBROADCASTD(t, z(30))
	Label("block")
	for j := range 8 {
		lo, hi := z(2*j), z(2*j+1)
		VMOVDQU32(Mem{Base: w, Disp: 64 * j}, hi)
		VPANDD(hi, z(31), lo)
		VPSRLD(Imm(4), hi, hi)
		VPANDD(hi, z(31), hi)
		VPSUBB(z(30), lo, lo)
		VPSUBB(z(30), hi, hi)
		VMOVDQU32(lo, Mem{Base: dst, Disp: 64 * j})
		VMOVDQU32(hi, Mem{Base: dst, Disp: 512 + 64*j})
	}
	ADDQ(U32(512), w)
	ADDQ(U32(1024), dst)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
