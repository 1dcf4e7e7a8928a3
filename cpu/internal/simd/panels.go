// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"encoding/binary"
	"math"

	"github.com/zenlm/zen/tensor"
)

// A Product is the operands of Panels.
type Product struct {
	Format  tensor.DType // tensor.Q8 or Q4
	Rows    int          // of X
	Blocks  int          // of 64 inputs
	Panels  int          // of 16 outputs
	Dst     []float32    // [Rows, 16·Panels], rows Stride apart
	Stride  int
	Weights []byte   // [Panels, Blocks, ...] as package tensor lays out Format
	Scales  []uint16 // [Panels, Blocks, ...]
	X       []byte   // [Rows, Blocks, BlockBytes], where HasTiles with whole tiles as of PackTile
}

// check panics unless every operand is long enough.
func (p *Product) check(scratch int) {
	weights, scales := p.panelBytes(), p.panelScales()
	switch {
	case p.Format != tensor.Q8 && p.Format != tensor.Q4:
		panic("simd: Panels: not a block format")
	case p.Rows <= 0 || p.Blocks <= 0 || p.Panels <= 0:
		panic("simd: Panels: no rows, blocks or panels")
	case p.Stride < width*p.Panels || len(p.Dst) < (p.Rows-1)*p.Stride+width*p.Panels:
		panic("simd: Panels: dst is too short")
	case len(p.Weights) < p.Panels*weights || len(p.Scales) < p.Panels*scales ||
		len(p.X) < p.Rows*p.Blocks*BlockBytes:
		panic("simd: Panels: an operand is too short")
	case scratch < ScratchBytes(p.Blocks):
		panic("simd: Panels: scratch is too short")
	}
}

// panelBytes and panelScales return the lengths of one panel.
func (p *Product) panelBytes() int {
	if p.Format == tensor.Q4 {
		return p.Blocks * block * width / 2
	}
	return p.Blocks * block * width
}

func (p *Product) panelScales() int {
	if p.Format == tensor.Q4 {
		return p.Blocks * width * 2
	}
	return p.Blocks * width
}

// ScratchBytes returns the bytes of scratch that Panels needs for rows of that many
// blocks.
func ScratchBytes(blocks int) int { return tileSums + blocks*block*width }

const tileSums = 4 * 1024 // four tiles of int32 sums

// quantKernels are an instruction set's routines; one that is nil is plain Go.
type quantKernels struct {
	name     string
	quantize func(dst *byte, x *float32, blocks int)
	q8, q4   panelsKernel
	tiles    func(p *Product, scratch []byte) (rows int) // of the first rows, how many it has done
	row      func(p *Product) (panels int)               // of one row, how many of the first panels it has done
}

type panelsKernel func(dst *float32, dstStride uintptr, w *byte, s *uint16,
	x *byte, xStride uintptr, blocks, rows, panels int)

// quantChosen are the best of quantVariants.
var quantChosen = quantVariants()[0]

// Panels multiplies rows of activations with panels of 16 outputs:
//
//	for r := range p.Rows {
//		for o := range 16 * p.Panels {
//			Dst[r, o] = Σ scale[r, b] · Σ (Σ q[r, b, i] · w[o, b, i]) · s[o, b]  over blocks b
//		}
//	}
//
// The inner sums, over the inputs that share a scale of the weights, are exact; the
// rest is float32, block by block. scratch has ScratchBytes, its content is lost.
func Panels(p *Product, scratch []byte) {
	p.check(len(scratch))
	done := 0
	if quantChosen.tiles != nil {
		done = quantChosen.tiles(p, scratch)
	}
	if done == p.Rows {
		return
	}
	past := 0 // panels that are done, of the one row
	if p.Rows == 1 && quantChosen.row != nil {
		if past = quantChosen.row(p); past == p.Panels {
			return
		}
	}
	k := quantChosen.q8
	if p.Format == tensor.Q4 {
		k = quantChosen.q4
	}
	if k == nil {
		panelsGeneric(p)
		return
	}
	rowBytes := p.Blocks * BlockBytes
	k(&p.Dst[done*p.Stride+past*width], uintptr(4*p.Stride), &p.Weights[past*p.panelBytes()],
		&p.Scales[past*p.panelScales()], &p.X[done*rowBytes], uintptr(rowBytes), p.Blocks, p.Rows-done, p.Panels-past)
}

// Streams is a number of panels of which Panels may multiply a row with each at the same
// time; what is left over of it takes longer.
const Streams = 4

// TileRows is the number of rows of a tile.
const TileRows = 16

// HasTiles reports whether Panels multiplies rows in tiles, which it does with all but
// the last rows that are no tile.
func HasTiles() bool { return quantChosen.tiles != nil }

// PackTile lays the blocks of a tile's rows as Panels wants them where HasTiles: side by
// side, so that each line of a tile is one of the cache's.
//
//	dst  [blocks] of {q [TileRows, 64]int8, scale [TileRows]float32}
//	x    [TileRows, blocks, BlockBytes]
func PackTile(dst, x []byte, blocks int) {
	const bytes = TileRows * (block + 4)
	if blocks <= 0 || len(dst) < blocks*bytes || len(x) < TileRows*blocks*BlockBytes {
		panic("simd: PackTile: wrong lengths")
	}
	for b := range blocks {
		tile := dst[b*bytes:][:bytes]
		for r := range TileRows {
			from := x[(r*blocks+b)*BlockBytes:][:block+4]
			copy(tile[r*block:][:block], from)
			copy(tile[TileRows*block+4*r:][:4], from[block:])
		}
	}
}

func panelsGeneric(p *Product) {
	weights, scales, rowBytes := p.panelBytes(), p.panelScales(), p.Blocks*BlockBytes
	for i := range p.Panels {
		w, s := p.Weights[i*weights:][:weights], p.Scales[i*scales:][:scales]
		for r := range p.Rows {
			var acc [width]float32
			for b := range p.Blocks {
				x := (*[BlockBytes]byte)(p.X[r*rowBytes+b*BlockBytes:])
				if p.Format == tensor.Q4 {
					addQ4(&acc, w[b*block*width/2:], s[b*2*width:], x)
				} else {
					addQ8(&acc, w[b*block*width:], s[b*width:], x)
				}
			}
			copy(p.Dst[r*p.Stride+i*width:], acc[:])
		}
	}
}

// addQ8 adds one block of 8-bit weights.
//
//	w  [16, width, 4]int8, s [width]
func addQ8(acc *[width]float32, w []byte, s []uint16, x *[BlockBytes]byte) {
	scale := math.Float32frombits(binary.LittleEndian.Uint32(x[block:]))
	for o := range acc {
		sum := int32(0)
		for i := range block {
			sum += int32(int8(w[i/4*width*4+o*4+i%4])) * int32(int8(x[i]))
		}
		acc[o] = fma(float32(float32(sum)*tensor.F16ToF32(s[o])), scale, acc[o])
	}
}

// addQ4 adds one block of 4-bit weights.
//
//	w  [8, width, 4]byte, s [2, width]
func addQ4(acc *[width]float32, w []byte, s []uint16, x *[BlockBytes]byte) {
	scale := math.Float32frombits(binary.LittleEndian.Uint32(x[block:]))
	for o := range acc {
		lo, hi := int32(0), int32(0)
		for i := range block / 2 {
			q := w[i/4*width*4+o*4+i%4]
			lo += (int32(q&15) - 8) * int32(int8(x[i]))
			hi += (int32(q>>4) - 8) * int32(int8(x[block/2+i]))
		}
		t := float32(float32(lo) * tensor.F16ToF32(s[o]))
		t = fma(float32(hi), tensor.F16ToF32(s[width+o]), t)
		acc[o] = fma(t, scale, acc[o])
	}
}
