// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"encoding/binary"
	"math"

	"github.com/zenlm/zen/tensor"
)

//go:generate sh -c "cd _gen && go run . -out ../quant_amd64.s -stubs ../quant_stubs_amd64.go -pkg simd && sed -i '1i // SPDX-License-Identifier: Apache-2.0' ../quant_amd64.s ../quant_stubs_amd64.go"

// A row of activations is multiplied with quantised weights as blocks of 64:
//
//	q      [64]int8   round(x · 127 / max|x|)
//	scale  float32    max|x| / 127
//	sums   [3]int32   -8 times the sum of the first 32 q, of the last 32, and -128
//	                  times the sum of all: what kernels for unsigned weights start from
const (
	block = tensor.QuantBlock
	width = tensor.PanelRows

	// BlockBytes is the size of a block.
	BlockBytes = block + 4 + 3*4
)

// ScratchBytes returns the bytes of scratch that Panel needs for rows of that many
// blocks.
func ScratchBytes(blocks int) int { return amxSums + blocks*block*width }

const amxSums = 2 * 1024 // two tiles of int32 sums

// QuantizeRow brings a row into blocks. A block with a NaN or an infinity gets a
// scale of NaN, and with it every result it has a part in.
//
//	dst  [blocks, BlockBytes]
//	x    [blocks·64]
func QuantizeRow(dst []byte, x []float32) {
	if len(x)%block != 0 || len(dst) < len(x)/block*BlockBytes {
		panic("simd: QuantizeRow: wrong lengths")
	}
	for ; len(x) > 0; x, dst = x[block:], dst[BlockBytes:] {
		quantizeBlock((*[BlockBytes]byte)(dst), (*[block]float32)(x))
	}
}

func quantizeBlock(dst *[BlockBytes]byte, x *[block]float32) {
	largest := absMax(x)
	inv := float32(0)
	if largest > 0 {
		inv = 127 / largest
	}
	if largest < 127*0x1p-126 { // the quotient may overflow: as good as zero
		inv = 0
	}
	var sums [2]int32
	for h := range sums {
		for i, v := range x[h*block/2:][:block/2] {
			q := int8(int32(nearest(float32(v * inv))))
			dst[h*block/2+i] = byte(q)
			sums[h] += int32(q)
		}
	}
	binary.LittleEndian.PutUint32(dst[block:], math.Float32bits(largest/127))
	binary.LittleEndian.PutUint32(dst[block+4:], uint32(-8*sums[0]))
	binary.LittleEndian.PutUint32(dst[block+8:], uint32(-8*sums[1]))
	binary.LittleEndian.PutUint32(dst[block+12:], uint32(-128*(sums[0]+sums[1])))
}

// nearest returns the integer nearest to x, ties to even, for |x| up to 127.
func nearest(x float32) float32 {
	const shift = 3 << 22 // where a float32 has no fraction bits left
	return float32(x+shift) - shift
}

// absMax returns max|x|, or NaN where one is not finite.
func absMax(x *[block]float32) float32 {
	const infinity = 0x7f800000
	largest := uint32(0)
	for _, v := range x {
		largest = max(largest, math.Float32bits(v)&^(1<<31))
	}
	if largest >= infinity {
		return float32(math.NaN())
	}
	return math.Float32frombits(largest)
}

// Panel multiplies rows of activations with a panel of 16 outputs:
//
//	for r := range rows {
//		for o := range 16 {
//			dst[r*ldd+o] = Σ scale[r, b] · Σ (Σ q[r, b, i] · w[o, b, i]) · s[o, b]  over blocks b
//		}
//	}
//
// The inner sums, over the inputs that share a scale of the weights, are exact; the
// rest is float32, block by block.
//
//	dst      [rows, 16]      rows ldd apart
//	w, s     [blocks, ...]   one panel as package tensor lays out format, Q8 or Q4
//	x        [rows, blocks, BlockBytes]
//	scratch  [ScratchBytes(blocks)], its content is lost
func Panel(format tensor.DType, dst []float32, ldd int, w []byte, s []uint16, x []byte, blocks, rows int, scratch []byte) {
	weights, scales := blocks*block*width, blocks*width
	if format == tensor.Q4 {
		weights, scales = weights/2, scales*2
	}
	switch {
	case rows <= 0 || blocks <= 0:
		panic("simd: Panel: no rows or blocks")
	case ldd < width || len(dst) < (rows-1)*ldd+width:
		panic("simd: Panel: dst is too short")
	case len(w) < weights || len(s) < scales || len(x) < rows*blocks*BlockBytes:
		panic("simd: Panel: an operand is too short")
	case len(scratch) < ScratchBytes(blocks):
		panic("simd: Panel: scratch is too short")
	}
	if !panelVector(format, dst, ldd, w, s, x, blocks, rows, scratch) {
		panelGeneric(format, dst, ldd, w, s, x, blocks, rows)
	}
}

func panelGeneric(format tensor.DType, dst []float32, ldd int, w []byte, s []uint16, x []byte, blocks, rows int) {
	for r := range rows {
		var acc [width]float32
		for b := range blocks {
			xb := (*[BlockBytes]byte)(x[(r*blocks+b)*BlockBytes:])
			if format == tensor.Q4 {
				addQ4(&acc, w[b*block*width/2:], s[b*2*width:], xb)
			} else {
				addQ8(&acc, w[b*block*width:], s[b*width:], xb)
			}
		}
		copy(dst[r*ldd:], acc[:])
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

// fma returns a·b + c; the product is exact.
func fma(a, b, c float32) float32 { return float32(float64(a)*float64(b) + float64(c)) }

// unpackQ4Generic widens 4-bit weights to int8: of each block the first 32 inputs
// of all outputs, then the last 32.
func unpackQ4Generic(dst, w []byte) {
	const half = block * width / 2
	for b := 0; b*half < len(w); b++ {
		d := dst[2*b*half:][:2*half]
		for i, v := range w[b*half:][:half] {
			d[i], d[half+i] = v&15-8, v>>4-8
		}
	}
}
