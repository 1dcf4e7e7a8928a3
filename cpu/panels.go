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
// and so do the panels of a chunk where they are short. Long ones are still several
// to a chunk, because every chunk reads all activations anew. With so few rows that
// memory is the bound, a chunk is long, because the fetching of weights ahead starts
// anew with each (BenchmarkDecode). No chunk is so long that one worker is left with
// the last.
const (
	passBytes  = 384 << 10
	tilesBytes = 768 << 10     // of processors with tiles, whose second-level cache is larger
	passRows   = simd.TileRows // a pass has a multiple of
	chunkBytes = 128 << 10
	sharing    = 8 // panels of a chunk, at least, where there are enough

	fewRows      = 8
	streamBytes  = 512 << 10
	streamChunks = 4 // at least, for each worker
)

// chunkPanels returns the panels of a chunk.
func (a *panelArgs) chunkPanels(workers int) int {
	all := panelsOf(a.out)
	panelBytes := len(a.quants) / all
	if a.n > fewRows {
		return max(1, chunkBytes/panelBytes, min(sharing, all/(streamChunks*workers)))
	}
	if workers == 1 {
		return all
	}
	panels := max(1, chunkBytes/panelBytes, min(streamBytes/panelBytes, all/(streamChunks*workers)))
	return roundUp(panels, simd.Streams)
}

// matMulPanels sets dst = x·weightᵀ + bias for a weight of Q8 or Q4.
func (b *Backend) matMulPanels(dst, x, weight *tensor.Tensor, bias matrix) {
	shape := tensor.PanelShape(weight.DType, weight.Shape)
	a := panelArgs{
		dst: tensor.Slice[float32](dst), x: tensor.Slice[float32](x),
		n: x.Dim(0), in: x.Dim(1), out: dst.Dim(1), blocks: shape[1],
		format: weight.DType, quants: weight.HostBytes(), scales: tensor.Slice[uint16](weight.Scales), bias: bias,
	}
	a.blocksX = growBytes(&b.blocksX, a.n*a.blocks*simd.BlockBytes)
	b.panels = a
	b.pool.run(a.n, roundUp(rowGrain(copyGrain, a.in), simd.TileRows), (*Backend).quantizeRows)
	b.pool.run(shape[0], a.chunkPanels(b.Workers()), (*Backend).multiplyPanels)
}

// quantizeRows brings rows [lo, hi) of x into blocks, lo a multiple of a tile's rows.
func (b *Backend) quantizeRows(w *worker, lo, hi int) {
	a := &b.panels
	rowBytes := a.blocks * simd.BlockBytes
	if simd.HasTiles() {
		for ; lo+simd.TileRows <= hi; lo += simd.TileRows {
			rows := growBytes(&w.panel, simd.TileRows*rowBytes)
			a.quantize(w, rows, lo, lo+simd.TileRows)
			simd.PackTile(a.blocksX[lo*rowBytes:], rows, a.blocks)
		}
	}
	a.quantize(w, a.blocksX[lo*rowBytes:], lo, hi)
}

// quantize sets dst to the blocks of rows [lo, hi) of x.
func (a *panelArgs) quantize(w *worker, dst []byte, lo, hi int) {
	rowBytes := a.blocks * simd.BlockBytes
	for i := lo; i < hi; i++ {
		row := a.x[i*a.in:][:a.in]
		if a.in%quantBlock != 0 {
			padded := grow(&w.tile, a.blocks*quantBlock)
			clear(padded[copy(padded, row):])
			row = padded
		}
		simd.QuantizeRow(dst[(i-lo)*rowBytes:][:rowBytes], row)
	}
}

// multiplyPanels computes the outputs of panels [lo, hi).
func (b *Backend) multiplyPanels(w *worker, lo, hi int) {
	a := &b.panels
	whole := hi
	if hi*tensor.PanelRows > a.out { // the last panel is wider than what is left of a row
		whole--
	}
	rowBytes := a.blocks * simd.BlockBytes
	pass := passBytes
	if simd.HasTiles() {
		pass = tilesBytes
	}
	rows := max(passRows, pass/rowBytes/passRows*passRows)
	for row := 0; row < a.n; row += rows {
		n := min(rows, a.n-row)
		if lo < whole {
			a.multiply(w, lo, whole, row, n, a.dst[row*a.out+lo*tensor.PanelRows:], a.out)
		}
		if whole < hi {
			a.multiplyLast(w, row, n)
		}
		addBias(w, a.bias, a.dst[row*a.out:], n, a.out, lo*tensor.PanelRows, min(hi*tensor.PanelRows, a.out))
	}
}

// multiply computes the outputs of panels [lo, hi) for n rows from row on.
//
//	dst  [n, 16·(hi-lo)], rows stride apart
func (a *panelArgs) multiply(w *worker, lo, hi, row, n int, dst []float32, stride int) {
	quants, scales := len(a.quants)/panelsOf(a.out), len(a.scales)/panelsOf(a.out)
	w.product = simd.Product{
		Format: a.format, Rows: n, Blocks: a.blocks, Panels: hi - lo, Dst: dst, Stride: stride,
		Weights: a.quants[lo*quants : hi*quants], Scales: a.scales[lo*scales : hi*scales],
		X: a.blocksX[row*a.blocks*simd.BlockBytes:],
	}
	simd.Panels(&w.product, growBytes(&w.panel, simd.ScratchBytes(a.blocks)))
}

// multiplyLast computes the outputs of the last panel, of which only a part are
// outputs, for n rows from row on.
func (a *panelArgs) multiplyLast(w *worker, row, n int) {
	const width = tensor.PanelRows
	last := panelsOf(a.out) - 1
	tile := grow(&w.tile, n*width)
	a.multiply(w, last, last+1, row, n, tile, width)
	for i := range n {
		copy(a.dst[(row+i)*a.out+last*width:][:a.out-last*width], tile[i*width:])
	}
}

func panelsOf(out int) int { return (out + tensor.PanelRows - 1) / tensor.PanelRows }
