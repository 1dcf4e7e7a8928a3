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

// QuantizeRow brings a row into blocks. A block with a NaN or an infinity gets a
// scale of NaN, and with it every result it has a part in.
//
//	dst  [blocks, BlockBytes]
//	x    [blocks·64]
func QuantizeRow(dst []byte, x []float32) {
	if len(x)%block != 0 || len(dst) < len(x)/block*BlockBytes {
		panic("simd: QuantizeRow: wrong lengths")
	}
	if k := quantChosen.quantize; k != nil && len(x) > 0 {
		k(&dst[0], &x[0], len(x)/block)
		return
	}
	quantizeGeneric(dst, x)
}

func quantizeGeneric(dst []byte, x []float32) {
	for ; len(x) > 0; x, dst = x[block:], dst[BlockBytes:] {
		quantizeBlock((*[BlockBytes]byte)(dst), (*[block]float32)(x))
	}
}

func quantizeBlock(dst *[BlockBytes]byte, x *[block]float32) {
	largest := absMax(x)
	inv := inverse(largest)
	var sums [2]int32
	for h := range sums {
		for i, v := range x[h*block/2:][:block/2] {
			q := int8(int32(nearest(float32(v * inv))))
			dst[h*block/2+i] = byte(q)
			sums[h] += int32(q)
		}
	}
	finishBlock(dst, largest, sums[0], sums[1])
}

// inverse returns 127 / largest, or 0 where that may overflow or is not a number.
func inverse(largest float32) float32 {
	if largest >= 127*0x1p-126 {
		return 127 / largest
	}
	return 0
}

// finishBlock writes what follows a block's integers, whose sums by half are lo and hi.
func finishBlock(dst *[BlockBytes]byte, largest float32, lo, hi int32) {
	binary.LittleEndian.PutUint32(dst[block:], math.Float32bits(largest/127))
	binary.LittleEndian.PutUint32(dst[block+4:], uint32(-8*lo))
	binary.LittleEndian.PutUint32(dst[block+8:], uint32(-8*hi))
	binary.LittleEndian.PutUint32(dst[block+12:], uint32(-128*(lo+hi)))
}

// nearest returns the integer nearest to x, ties to even, for |x| up to 127.
func nearest(x float32) float32 {
	const shift = 3 << 22 // where a float32 has no fraction bits left
	return float32(x+shift) - shift
}

// absMax returns max|x|, or NaN where one is not finite.
func absMax(x *[block]float32) float32 {
	largest := uint32(0)
	for _, v := range x {
		largest = max(largest, math.Float32bits(v)&^(1<<31))
	}
	return finite(largest)
}

// finite returns the value of a magnitude's bits, or NaN where it is not finite.
func finite(bits uint32) float32 {
	const infinity = 0x7f800000
	if bits >= infinity {
		return float32(math.NaN())
	}
	return math.Float32frombits(bits)
}
