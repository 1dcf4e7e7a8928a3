// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

// A quantised weight is multiplied in integers: each row of x becomes blocks of 64
// int8 with a scale, a panel of 16 outputs is multiplied with them block by block,
// and the exact integer sums are scaled and added in float32, in the order of the
// blocks. A row's bits do not depend on the rows beside it.

type panelArgs struct {
	dst, x  []float32 // [n, out], [n, in]
	n       int
	in      int
	out     int
	blocks  int
	blocksX []byte // [n, blocks, simd.BlockBytes] x in int8
	format  tensor.DType
	quants  []byte   // [panels, blocks, ...]
	scales  []uint16 // [panels, blocks, ...]
	bias    matrix
}

// The activations of a pass over a chunk of panels stay in the second-level cache,
// and so do the panels of a chunk.
const (
	passBytes  = 768 << 10
	chunkBytes = 128 << 10
)

// matMulPanels sets dst = x·weightᵀ + bias for a weight of Q8 or Q4.
func (b *Backend) matMulPanels(dst, x, weight *tensor.Tensor, bias matrix) {
	shape := tensor.PanelShape(weight.DType, weight.Shape)
	a := panelArgs{
		dst: tensor.Slice[float32](dst), x: tensor.Slice[float32](x),
		n: x.Dim(0), in: x.Dim(1), out: dst.Dim(1), blocks: shape[1],
		format: weight.DType, quants: weight.HostBytes(), scales: tensor.Slice[uint16](weight.Scales), bias: bias,
	}
	if n := a.n * a.blocks * simd.BlockBytes; cap(b.blocksX) < n {
		b.blocksX = alignedBytes(n)
	}
	a.blocksX = b.blocksX[:a.n*a.blocks*simd.BlockBytes]
	b.panels = a
	b.pool.run(a.n, rowGrain(copyGrain, a.in), (*Backend).quantizeRows)
	grain := max(1, chunkBytes/(shape[1]*shape[2]))
	b.pool.run(shape[0], grain, (*Backend).multiplyPanels)
}

// quantizeRows brings rows [lo, hi) of x into blocks.
func (b *Backend) quantizeRows(w *worker, lo, hi int) {
	a := &b.panels
	for i := lo; i < hi; i++ {
		row := a.x[i*a.in:][:a.in]
		if a.in%quantBlock != 0 {
			padded := grow(&w.tile, a.blocks*quantBlock)
			clear(padded[copy(padded, row):])
			row = padded
		}
		simd.QuantizeRow(a.blocksX[i*a.blocks*simd.BlockBytes:][:a.blocks*simd.BlockBytes], row)
	}
}

// multiplyPanels computes the outputs of panels [lo, hi).
func (b *Backend) multiplyPanels(w *worker, lo, hi int) {
	a := &b.panels
	rowBytes := a.blocks * simd.BlockBytes
	rows := max(8, passBytes/rowBytes&^7)
	for row := 0; row < a.n; row += rows {
		for p := lo; p < hi; p++ {
			a.multiplyPanel(w, p, row, min(rows, a.n-row))
		}
	}
}

// multiplyPanel computes the outputs of panel p for n rows from row on.
func (a *panelArgs) multiplyPanel(w *worker, p, row, n int) {
	const width = tensor.PanelRows
	first := p * width
	cols := min(width, a.out-first)
	dst, stride := a.dst[row*a.out+first:], a.out
	if cols < width { // the last panel is wider than what is left of a row
		dst, stride = grow(&w.tile, n*width), width
	}
	x := a.blocksX[row*a.blocks*simd.BlockBytes:]
	quants, scales := len(a.quants)/panelsOf(a.out), len(a.scales)/panelsOf(a.out)
	q, s := a.quants[p*quants:][:quants], a.scales[p*scales:][:scales]
	if need := simd.ScratchBytes(a.blocks); cap(w.panel) < need {
		w.panel = alignedBytes(need)
	}
	scratch := w.panel[:cap(w.panel)]
	simd.Panel(a.format, dst, stride, q, s, x, a.blocks, n, scratch)
	if cols < width {
		for i := range n {
			copy(a.dst[(row+i)*a.out+first:][:cols], dst[i*width:])
		}
	}
	a.addBias(w, first, cols, row, n)
}

// addBias adds the bias of cols outputs to n rows.
func (a *panelArgs) addBias(w *worker, first, cols, row, n int) {
	if a.bias.dtype == tensor.Invalid {
		return
	}
	bias := grow(&w.bias, cols)
	for j := range bias {
		a.bias.widen(bias[j:j+1], first+j)
	}
	for i := range n {
		for j, v := range a.dst[(row+i)*a.out+first:][:cols] {
			a.dst[(row+i)*a.out+first+j] = v + bias[j]
		}
	}
}

func panelsOf(out int) int { return (out + tensor.PanelRows - 1) / tensor.PanelRows }
