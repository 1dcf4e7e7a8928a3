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
//	R8   x of the tile at the block          R9   dstStride
//	R10  w at the block                      R11  64, the stride of all tiles
//	R12  scratch                             RAX  x of the tile
//	SI   s at the block  CX   blocks left    DI   dst
//	DX   the next panel at the block
//	Z16..Z31  the tile's float32 sums, a row each

func raw(bytes ...uint8) {
	for _, b := range bytes {
		Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []Op{U8(b)}})
	}
}

func ldtilecfg() { raw(0xC4, 0xE2, 0x78, 0x49, 0x00) } // (AX)

func tilerelease() { raw(0xC4, 0xE2, 0x78, 0x49, 0xC0) }

func tilezero(t uint8) { raw(0xC4, 0xE2, 0x7B, 0x49, 0xC0|t<<3) }

// loadX loads tile t from disp(R8)(R11*1).
func loadX(t uint8, disp uint32) { tileAt(0x7B, t, 0x18, disp) }

// loadW loads tile t from disp(R10)(R11*1).
func loadW(t uint8, disp uint32) { tileAt(0x7B, t, 0x1A, disp) }

// storeSums stores tile t to disp(R12)(R11*1).
func storeSums(t uint8, disp uint32) { tileAt(0x7A, t, 0x1C, disp) }

// tileAt emits a load or a store of tile t at disp from the base and index of sib.
func tileAt(prefix, t, sib uint8, disp uint32) {
	raw(0xC4, 0x82, prefix, 0x4B, 0x84|t<<3, sib, byte(disp), byte(disp>>8), byte(disp>>16), byte(disp>>24))
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

// A block of a tile of 16 rows of activations as simd.PackTile lays it, and of weights.
const (
	tileX      = 1088 // bytes: [16, 64]int8, [16]float32 scales
	tileScales = 1024 // their offset
	tileW      = 1024 // bytes
)

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
	multiply               func(buffer int, block uint32) // block blocks further
	store                  []func(buffer int)             // of a block's sums, in parts
	scale                  func(buffer, row int)
	scaleBytes, panelBytes int // of a block
}

// panel emits the kernel of that name.
func (k *amxKernel) panel(name, bits string, config Mem) {
	TEXT(name, NOSPLIT, "func(dst *float32, dstStride uintptr, w *byte, s *uint16, x *byte, xTile uintptr, blocks, tiles int, scratch, packed *byte)")
	Doc(fmt.Sprintf("%s multiplies tiles of 16 rows, xTile bytes apart, with the panel of %s weights,", name, bits),
		"unpacked to [blocks, 16, 16, 4]int8, bit for bit like its VNNI twin. scratch has 4 KB.",
		"What follows the panel at packed in memory is fetched meanwhile.")
	Pragma("noescape")
	LEAQ(config, RAX)
	ldtilecfg()
	Load(Param("dstStride"), R9)
	Load(Param("scratch"), R12)
	Load(Param("x"), RAX)
	MOVQ(U64(64), R11)
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
//
// What is at hand at any time are three blocks: one is multiplied, the sums of the one
// before are stored, as a store that waits for its tile would hold up what follows it,
// and those of the one before that are scaled between the stores.
func (k *amxKernel) tile(name string, ahead bool) {
	MOVQ(RAX, R8)
	Load(Param("w"), R10)
	Load(Param("s"), RSI)
	Load(Param("blocks"), RCX)
	for r := range 16 {
		VPXORD(z(16+r), z(16+r), z(16+r))
	}
	k.multiply(0, 0)
	k.fetch(ahead)
	DECQ(RCX)
	JZ(LabelRef(name + "only"))
	k.multiply(1, 1)
	k.fetch(ahead)
	k.stores(0)
	Label(name + "block")
	for _, buffer := range []int{1, 0} { // of the block before
		DECQ(RCX)
		JZ(LabelRef(fmt.Sprintf("%slast%d", name, buffer)))
		k.multiply(1-buffer, 2)
		k.fetch(ahead)
		k.storeAndScale(buffer)
		k.advance()
	}
	JMP(LabelRef(name + "block"))
	Label(name + "last0")
	k.storeAndScale(0)
	k.advance()
	Label(name + "scale0")
	k.scales(0, 0, 16)
	JMP(LabelRef(name + "store"))
	Label(name + "only")
	k.stores(0)
	JMP(LabelRef(name + "scale0"))
	Label(name + "last1")
	k.storeAndScale(1)
	k.advance()
	k.scales(1, 0, 16)

	Label(name + "store")
	for r := range 16 {
		VMOVUPS(z(16+r), Mem{Base: RDI})
		ADDQ(R9, RDI)
	}
	ADDQ(NewParamAddr("xTile", 40), RAX)
	tiles := NewParamAddr("tiles", 56)
	DECQ(tiles)
}

// fetch emits the fetching of a block of the next panel.
func (k *amxKernel) fetch(ahead bool) {
	if !ahead {
		return
	}
	for i := 0; i < k.panelBytes; i += 64 {
		PREFETCHT1(Mem{Base: RDX, Disp: i})
	}
	PREFETCHT0(Mem{Base: RSI, Disp: aheadScales})
	ADDQ(U32(uint32(k.panelBytes)), RDX)
}

func (k *amxKernel) advance() {
	ADDQ(U32(tileW), R10)
	ADDQ(U32(tileX), R8)
	ADDQ(Imm(uint64(k.scaleBytes)), RSI)
}

// stores emits the storing of a buffer's sums.
func (k *amxKernel) stores(buffer int) {
	for _, store := range k.store {
		store(buffer)
	}
}

// storeAndScale emits the storing of a buffer's sums, and between them the scaling of the
// other's, which lie in memory.
func (k *amxKernel) storeAndScale(buffer int) {
	rows := 16 / len(k.store)
	for i, store := range k.store {
		store(buffer)
		k.scales(1-buffer, i*rows, rows)
	}
}

// scales emits the scaling and adding of a buffer's rows from row on.
func (k *amxKernel) scales(buffer, row, rows int) {
	for s := 0; s < k.scaleBytes; s += 32 {
		VCVTPH2PS(Mem{Base: RSI, Disp: s}, z(15-s/32))
	}
	for r := row; r < row+rows; r++ {
		k.scale(buffer, r)
	}
}

func multiplyQ8AMX(buffer int, block uint32) {
	sums := uint8(2 + buffer)
	loadX(0, tileX*block)
	loadW(1, tileW*block)
	tdpbssd(sums, 0, 1)
	drop(0, 1)
}

var storeQ8AMX = []func(buffer int){func(buffer int) {
	sums := uint8(2 + buffer)
	storeSums(sums, uint32(2048*buffer))
	drop(sums)
}}

func scaleQ8AMX(buffer, row int) {
	t := z(row % 8)
	VCVTDQ2PS(Mem{Base: R12, Disp: 2048*buffer + 64*row}, t)
	VMULPS(z(15), t, t)
	accumulateAMX(row, t)
}

func multiplyQ4AMX(buffer int, block uint32) {
	lo, hi := uint8(2+4*buffer), uint8(5+2*buffer)
	loadX(0, tileX*block)
	loadW(1, tileW*block)
	tdpbssd(lo, 0, 1)
	drop(0, 1)
	loadX(3, tileX*block+32)
	loadW(4, tileW*block+512)
	tdpbssd(hi, 3, 4)
	drop(3, 4)
}

var storeQ4AMX = []func(buffer int){func(buffer int) {
	lo := uint8(2 + 4*buffer)
	storeSums(lo, uint32(2048*buffer))
	drop(lo)
}, func(buffer int) {
	hi := uint8(5 + 2*buffer)
	storeSums(hi, uint32(2048*buffer+1024))
	drop(hi)
}}

func scaleQ4AMX(buffer, row int) {
	lo, hi := z(2*(row%6)), z(2*(row%6)+1)
	VCVTDQ2PS(Mem{Base: R12, Disp: 2048*buffer + 64*row}, lo)
	VCVTDQ2PS(Mem{Base: R12, Disp: 2048*buffer + 1024 + 64*row}, hi)
	VMULPS(z(15), lo, lo)
	VFMADD231PS(z(14), hi, lo)
	accumulateAMX(row, lo)
}

// accumulateAMX emits sums[row] += v·xscale.
func accumulateAMX(row int, v VecPhysical) {
	VFMADD231PS_BCST(Mem{Base: R8, Disp: tileScales + 4*row}, v, z(16+row))
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
