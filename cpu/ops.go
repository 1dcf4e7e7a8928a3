// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

// Chunks of elements below which waking a worker costs more than it saves.
const (
	copyGrain = 1 << 16 // about ten elements a cycle
	mathGrain = 1 << 13 // an exponential each, about one element a cycle
)

// rowGrain returns the rows of a chunk.
func rowGrain(grain, width int) int { return max(1, grain/max(width, 1)) }

type embedArgs struct {
	dst   []float32 // [rows, hidden]
	table matrix    // [vocab, hidden]
}

// Embed sets dst to the table's rows of the batch's tokens.
func (b *Backend) Embed(dst, table *tensor.Tensor) {
	b.embed = embedArgs{tensor.Slice[float32](dst), matrixOf(table)}
	b.pool.run(len(b.batch.Tokens), rowGrain(copyGrain, dst.Dim(1)), (*Backend).embedRows)
}

func (b *Backend) embedRows(_ *worker, lo, hi int) {
	width := b.embed.table.width
	for i := lo; i < hi; i++ {
		b.embed.table.widen(b.embed.dst[i*width:][:width], int(b.batch.Tokens[i]))
	}
}

type normArgs struct {
	dst, x []float32 // [n, hidden]
	weight matrix    // [hidden]
	eps    float32
}

// RMSNorm sets each row of dst to x / sqrt(mean(x²) + eps) · weight.
func (b *Backend) RMSNorm(dst, x, weight *tensor.Tensor, eps float32) {
	b.norm = normArgs{tensor.Slice[float32](dst), tensor.Slice[float32](x), matrixOf(weight), eps}
	b.pool.run(x.Dim(0), rowGrain(copyGrain, x.Dim(1)), (*Backend).normRows)
}

func (b *Backend) normRows(w *worker, lo, hi int) {
	a := &b.norm
	hidden := a.weight.width
	weight := grow(&w.tile, hidden)
	a.weight.widen(weight, 0)
	for i := lo; i < hi; i++ {
		x, dst := a.x[i*hidden:][:hidden], a.dst[i*hidden:][:hidden]
		scale := float32(1 / math.Sqrt(simd.SumSquares(x)/float64(hidden)+float64(a.eps)))
		simd.ScaleMul(dst, x, scale, weight)
	}
}

type pointwiseArgs struct {
	dst, a, b []float32 // same length
}

// SwiGLU sets dst = silu(gate) · up.
func (b *Backend) SwiGLU(dst, gate, up *tensor.Tensor) {
	b.pointwise = pointwiseArgs{dst: tensor.Slice[float32](dst),
		a: tensor.Slice[float32](gate), b: tensor.Slice[float32](up)}
	b.pool.run(len(b.pointwise.dst), mathGrain, (*Backend).swiGLU)
}

func (b *Backend) swiGLU(_ *worker, lo, hi int) {
	simd.SwiGLU(b.pointwise.dst[lo:hi], b.pointwise.a[lo:hi], b.pointwise.b[lo:hi])
}

// Add sets dst = x + y.
func (b *Backend) Add(dst, x, y *tensor.Tensor) {
	b.pointwise = pointwiseArgs{dst: tensor.Slice[float32](dst),
		a: tensor.Slice[float32](x), b: tensor.Slice[float32](y)}
	b.pool.run(len(b.pointwise.dst), copyGrain, (*Backend).add)
}

func (b *Backend) add(_ *worker, lo, hi int) {
	simd.Add(b.pointwise.dst[lo:hi], b.pointwise.a[lo:hi], b.pointwise.b[lo:hi])
}

// SelectRows sets dst to the rows of x that the batch's OutputRows name.
func (b *Backend) SelectRows(dst, x *tensor.Tensor) {
	to, from, width := tensor.Slice[float32](dst), tensor.Slice[float32](x), x.Dim(1)
	for i, row := range b.batch.OutputRows {
		copy(to[i*width:][:width], from[int(row)*width:])
	}
}

// CopyPage copies page src onto page dst.
func (b *Backend) CopyPage(kv backend.KV, dst, src int) {
	for _, t := range [...]*tensor.Tensor{kv.K, kv.V, kv.K.Scales, kv.V.Scales} {
		if t != nil {
			data := t.HostBytes()
			page := len(data) / t.Dim(0)
			copy(data[dst*page:][:page], data[src*page:])
		}
	}
}
