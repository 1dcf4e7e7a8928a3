// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"gonum.org/v1/gonum/blas"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

type matMulArgs struct {
	dst, x []float32 // [n, out], [n, in]
	n      int
	in     int
	out    int
	weight matrix // [out, in]
	bias   matrix // [out]; no type where there is none

	rounded   []uint16 // [n, in] x as simd.Round leaves it, or nil
	row, rows int      // of the pass in progress
}

// tileBytes bounds the widened rows of a tile, so that they are still in the
// first- or second-level cache when Sgemm reads them.
const tileBytes = 64 << 10

// MatMul sets dst = x·weightᵀ + bias. Workers share the rows of weight.
func (b *Backend) MatMul(dst, x, weight, bias *tensor.Tensor) {
	if x.Dim(0) == 0 {
		return
	}
	if weight.DType == tensor.Q8 || weight.DType == tensor.Q4 {
		b.matMulPanels(x, []backend.Product{{Dst: dst, Projection: backend.Projection{Weight: weight, Bias: bias}}})
		return
	}
	var biasRows matrix
	if bias != nil {
		biasRows = matrixOf(bias)
	}
	if weight.DType == tensor.BF16 && b.ownBLAS() && simd.HasBF16() && weight.Len() > 0 {
		b.matMulBF16(dst, x, weight, biasRows)
		return
	}
	a := &b.matMul
	*a = matMulArgs{
		dst: tensor.Slice[float32](dst), x: tensor.Slice[float32](x),
		n: x.Dim(0), in: x.Dim(1), out: dst.Dim(1), weight: matrixOf(weight), bias: biasRows,
	}
	tile := min(max(tileBytes/4/max(a.in, 1), 4), gemmCols)
	if a.direct(b) {
		tile = a.grain(weight.Bytes(), len(b.pool.workers))
		if b.rounding && weight.DType == tensor.BF16 && simd.HasPairs(a.out, a.in) {
			b.roundX()
		}
	}
	for passRows := a.passRows(); a.row < a.n; a.row += a.rows {
		a.rows = min(passRows, a.n-a.row)
		b.pool.run(a.out, tile, (*Backend).matMulRows)
	}
}

// passBytesX bounds the activations of a pass over the weight. Every chunk of it reads all of them, from
// the third-level cache.
const passBytesX = 8 << 20

// passRows returns the rows of a pass: about as many in each, in fours, which share what is loaded.
func (a *matMulArgs) passRows() int {
	rowBytes := 4 * a.in
	if a.rounded != nil {
		rowBytes = 2 * a.in
	}
	most := max(passBytesX/max(rowBytes, 1), manyRows)
	passes := (a.n + most - 1) / most
	return roundUp((a.n+passes-1)/passes, 4)
}

// roundX rounds the activations.
func (b *Backend) roundX() {
	a := &b.matMul
	a.rounded = wordsOf(growBytes(&b.roundedX, 2*a.n*a.in))
	b.pool.run(a.n, rowGrain(copyGrain, a.in), (*Backend).roundRows)
}

// roundRows rounds rows [lo, hi).
func (b *Backend) roundRows(_ *worker, lo, hi int) {
	a := &b.matMul
	simd.Round(a.rounded[lo*a.in:hi*a.in], a.x[lo*a.in:hi*a.in])
}

// What a chunk has of a weight that is multiplied where it lies. With few rows it is read in
// four parts side by side, and memory gives long ones faster. With many,
// activations from the third-level cache are to serve some outputs.
const (
	dotBytesFew  = 256 << 10
	dotBytesMany = 128 << 10
	dotOutputs   = 16
	manyRows     = 8
)

// grain returns the outputs of a chunk of such a weight: a multiple of four with which the
// workers have about equally many chunks, and the last chunk is none of fewer than four outputs,
// which Dots would refuse.
func (a *matMulArgs) grain(bytes, workers int) int {
	most, grain := dotBytesFew, 4
	if a.n >= manyRows {
		most, grain = dotBytesMany, dotOutputs
	}
	chunks := roundUp((bytes+most-1)/most, workers)
	grain = max(grain, roundUp((a.out+chunks-1)/chunks, 4))
	for rest := a.out % grain; 0 < rest && rest < 4; rest = a.out % grain {
		grain += 4
	}
	return grain
}

// direct reports whether the weight's own memory is multiplied.
func (a *matMulArgs) direct(b *Backend) bool {
	return b.ownBLAS() && simd.HasDots(a.out, a.in) && a.weight.dtype != tensor.I8
}

// matMulRows computes columns [lo, hi) of dst.
func (b *Backend) matMulRows(w *worker, lo, hi int) {
	a := &b.matMul
	if b.ownBLAS() && simd.HasDots(hi-lo, a.in) {
		a.dots(w, lo, hi)
	} else {
		weight, stride := a.weight.rows(&w.tile, lo, hi)
		b.gemm(a.rows, hi-lo, a.in, a.x[a.row*a.in:], a.in, weight, stride, 0, a.dst[a.row*a.out+lo:], a.out)
	}
	addBias(w, a.bias, a.dst[a.row*a.out:], a.rows, a.out, lo, hi)
}

// dots computes columns [lo, hi) of dst by products of rows.
func (a *matMulArgs) dots(w *worker, lo, hi int) {
	p := &w.dotProduct
	*p = simd.DotProduct{Rows: a.rows, In: a.in, Out: hi - lo, Dst: a.dst[a.row*a.out+lo:], Stride: a.out,
		X: a.x[a.row*a.in:], Scratch: p.Scratch}
	if a.rounded != nil {
		p.Rounded = a.rounded[a.row*a.in:]
	}
	switch a.weight.dtype {
	case tensor.F16:
		p.F16 = a.weight.u16[lo*a.in : hi*a.in]
	case tensor.BF16:
		p.BF16 = a.weight.u16[lo*a.in : hi*a.in]
	default: // I8 becomes float32
		p.F32, _ = a.weight.rows(&w.tile, lo, hi)
	}
	simd.Dots(p)
}

// addBias adds the bias of outputs [lo, hi), if there is one.
//
//	dst  [n, out]
func addBias(w *worker, bias matrix, dst []float32, n, out, lo, hi int) {
	if bias.dtype == tensor.Invalid {
		return
	}
	wide := grow(&w.bias, hi-lo)
	bias.widenPart(wide, lo)
	for i := range n {
		row := dst[i*out+lo:][:hi-lo]
		simd.Add(row, row, wide)
	}
}

// Sgemm's calls stay this small because gonum's changes the order of its sums,
// starts goroutines and allocates from 4 blocks of 64 x 64 outputs on.
const (
	gemmRows = 128
	gemmCols = 64
)

// gemm sets c = x·yᵀ + beta·c.
//
//	x  [m, k], stride ldx
//	y  [n, k], stride ldy, rows at the same alignment in every call that is to
//	   give the same bits
//	c  [m, n], stride ldc
func (b *Backend) gemm(m, n, k int, x []float32, ldx int, y []float32, ldy int,
	beta float32, c []float32, ldc int) {
	for j := 0; j < n; j += gemmCols {
		cols := min(gemmCols, n-j)
		for i := 0; i < m; i += gemmRows {
			rows := min(gemmRows, m-i)
			b.blas.Sgemm(blas.NoTrans, blas.Trans, rows, cols, k,
				1, x[i*ldx:], ldx, y[j*ldy:], ldy, beta, c[i*ldc+j:], ldc)
		}
	}
}
