// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

// A weight of bfloat16 is multiplied where it lies, in the file's memory, where the
// processor has matrix products for it; see simd.MultiplyBF16. The activations are split into two
// bfloat16 first, in groups of 16 rows.

type bf16Args struct {
	dst, x []float32 // [n, out], [n, in]
	n      int
	in     int
	out    int
	split  []uint16 // simd.SplitLen
	weight []uint16 // [out, in]
	bias   matrix
}

const (
	splitRows = 16 // a group
	stripe    = 32 // outputs that are multiplied at a time

	manyOutputs = 256 // of a chunk
)

// chunkOutputs returns the outputs of a chunk, whole stripes.
func (a *bf16Args) chunkOutputs(workers int) int {
	stripes := manyOutputs / stripe
	if a.n <= splitRows {
		stripes = max(1, streamBytes/(2*stripe*a.in))
	}
	if workers > 1 {
		stripes = min(stripes, max(1, a.out/(streamChunks*workers*stripe)))
	}
	return stripe * stripes
}

// matMulBF16 sets dst = x·weightᵀ + bias for a weight of BF16.
func (b *Backend) matMulBF16(dst, x, weight *tensor.Tensor, bias matrix) {
	a := bf16Args{
		dst: tensor.Slice[float32](dst), x: tensor.Slice[float32](x),
		n: x.Dim(0), in: x.Dim(1), out: dst.Dim(1), weight: tensor.Slice[uint16](weight), bias: bias,
	}
	a.split = wordsOf(growBytes(&b.splitX, 2*simd.SplitLen(a.n, a.in)))
	b.bf16 = a
	b.pool.run((a.n+splitRows-1)/splitRows, 1, (*Backend).splitGroups)
	b.pool.run(a.out, a.chunkOutputs(b.Workers()), (*Backend).multiplyBF16)
}

// splitGroups splits the rows of groups [lo, hi).
func (b *Backend) splitGroups(w *worker, lo, hi int) {
	a := &b.bf16
	scratch := grow(&w.tile, simd.SplitScratch(a.in))
	for row := lo * splitRows; row < min(hi*splitRows, a.n); row += splitRows {
		n := min(splitRows, a.n-row)
		simd.SplitRows(a.split[simd.SplitLen(row, a.in):], a.x[row*a.in:], n, a.in, scratch)
	}
}

// multiplyBF16 computes outputs [lo, hi).
func (b *Backend) multiplyBF16(w *worker, lo, hi int) {
	a := &b.bf16
	w.bf16Product = simd.BF16Product{
		Rows: a.n, In: a.in, Out: hi - lo, Dst: a.dst[lo:], Stride: a.out,
		W: a.weight[lo*a.in : hi*a.in], X: a.split,
	}
	simd.MultiplyBF16(&w.bf16Product, grow(&w.tile, simd.BF16Scratch(a.n, a.in, hi-lo)))
	addBias(w, a.bias, a.dst, a.n, a.out, lo, hi)
}
