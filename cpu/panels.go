// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"slices"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

// A quantised weight is multiplied in integers: each row of x becomes blocks of 64
// int8 with a scale, a panel of 16 outputs is multiplied with them block by block,
// and the exact integer sums are scaled and added in float32, in the order of the
// blocks. A row's bits do not depend on the rows beside it.

type panelArgs struct {
	x       []float32 // [n, in]
	n       int
	in      int
	blocks  int
	blocksX []byte // [n, blocks, simd.BlockBytes] x in int8
	weights []panelWeight
	panels  int // of all weights
}

// panelWeight is one of several weights that multiply the same rows. Workers share their
// panels as if they were one weight's.
type panelWeight struct {
	dst    []float32 // [n, out]
	out    int
	first  int // panel, among those of all weights
	format tensor.DType
	quants []byte   // [panels, blocks, ...]
	scales []uint16 // [panels, blocks, ...]
	bias   matrix
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
	all := a.panels
	panelBytes := len(a.weights[0].quants) / panelsOf(a.weights[0].out)
	if a.n > fewRows {
		return max(1, chunkBytes/panelBytes, min(sharing, all/(streamChunks*workers)))
	}
	if workers == 1 {
		return all
	}
	short, long := max(1, chunkBytes/panelBytes), streamBytes/panelBytes
	best := roundUp(max(short, min(long, all/(streamChunks*workers))), simd.Streams)
	return evenChunks(all, workers, best, roundUp(short, simd.Streams), long)
}

// evenChunks returns best, or another length of chunks, from short to long in steps of
// simd.Streams, with which the worker that has the most has a twentieth less.
func evenChunks(all, workers, best, short, long int) int {
	most := func(chunk int) int { return chunk * ((all + chunk*workers - 1) / (chunk * workers)) }
	for chunk := short; chunk <= long; chunk += simd.Streams {
		if 20*most(chunk) <= 19*most(best) {
			best = chunk
		}
	}
	return best
}

// MatMuls sets each product's Dst = x·Weightᵀ + Bias.
func (b *Backend) MatMuls(x *tensor.Tensor, products []backend.Product) {
	format := products[0].Weight.DType
	other := func(p backend.Product) bool { return p.Weight.DType != format }
	if (format == tensor.Q8 || format == tensor.Q4) && !slices.ContainsFunc(products, other) {
		b.matMulPanels(x, products)
		return
	}
	for _, p := range products {
		b.MatMul(p.Dst, x, p.Weight, p.Bias)
	}
}

// matMulPanels is MatMuls for weights of one format, Q8 or Q4.
func (b *Backend) matMulPanels(x *tensor.Tensor, products []backend.Product) {
	a := &b.panels
	*a = panelArgs{x: tensor.Slice[float32](x), n: x.Dim(0), in: x.Dim(1), weights: a.weights[:0]}
	if a.n == 0 {
		return
	}
	for _, p := range products {
		shape := tensor.PanelShape(p.Weight.DType, p.Weight.Shape)
		w := panelWeight{
			dst: tensor.Slice[float32](p.Dst), out: p.Dst.Dim(1), first: a.panels,
			format: p.Weight.DType, quants: p.Weight.HostBytes(), scales: tensor.Slice[uint16](p.Weight.Scales),
		}
		if p.Bias != nil {
			w.bias = matrixOf(p.Bias)
		}
		a.weights, a.panels, a.blocks = append(a.weights, w), a.panels+shape[0], shape[1]
	}
	a.blocksX = growBytes(&b.blocksX, a.n*a.blocks*simd.BlockBytes)
	b.pool.run(a.n, roundUp(rowGrain(copyGrain, a.in), simd.TileRows), (*Backend).quantizeRows)
	b.pool.run(a.panels, a.chunkPanels(b.Workers()), (*Backend).multiplyPanels)
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

// multiplyPanels computes the outputs of panels [lo, hi) of all weights.
func (b *Backend) multiplyPanels(w *worker, lo, hi int) {
	a := &b.panels
	for i := range a.weights {
		weight := &a.weights[i]
		from, to := max(lo-weight.first, 0), min(hi-weight.first, panelsOf(weight.out))
		if from < to {
			a.multiplyWeight(w, weight, from, to)
		}
	}
}

// multiplyWeight computes the outputs of panels [lo, hi) of a weight.
func (a *panelArgs) multiplyWeight(w *worker, weight *panelWeight, lo, hi int) {
	whole, out := hi, weight.out
	if hi*tensor.PanelRows > out { // the last panel is wider than what is left of a row
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
			a.multiply(w, weight, panelPart{lo, whole, row, n}, weight.dst[row*out+lo*tensor.PanelRows:], out)
		}
		if whole < hi {
			a.multiplyLast(w, weight, row, n)
		}
		addBias(w, weight.bias, weight.dst[row*out:], n, out, lo*tensor.PanelRows, min(hi*tensor.PanelRows, out))
	}
}

// panelPart is panels [lo, hi) and n rows from row on.
type panelPart struct{ lo, hi, row, n int }

// multiply computes the outputs of a part.
//
//	dst  [n, 16·(hi-lo)], rows stride apart
func (a *panelArgs) multiply(w *worker, weight *panelWeight, p panelPart, dst []float32, stride int) {
	all := panelsOf(weight.out)
	quants, scales := len(weight.quants)/all, len(weight.scales)/all
	w.product = simd.Product{
		Format: weight.format, Rows: p.n, Blocks: a.blocks, Panels: p.hi - p.lo, Dst: dst, Stride: stride,
		Weights: weight.quants[p.lo*quants : p.hi*quants], Scales: weight.scales[p.lo*scales : p.hi*scales],
		X: a.blocksX[p.row*a.blocks*simd.BlockBytes:],
	}
	simd.Panels(&w.product, growBytes(&w.panel, simd.ScratchBytes(a.blocks)))
}

// multiplyLast computes the outputs of the last panel, of which only a part are
// outputs, for n rows from row on.
func (a *panelArgs) multiplyLast(w *worker, weight *panelWeight, row, n int) {
	const width = tensor.PanelRows
	last := panelsOf(weight.out) - 1
	tile := grow(&w.tile, n*width)
	a.multiply(w, weight, panelPart{last, last + 1, row, n}, tile, width)
	for i := range n {
		copy(weight.dst[(row+i)*weight.out+last*width:][:weight.out-last*width], tile[i*width:])
	}
}

func panelsOf(out int) int { return (out + tensor.PanelRows - 1) / tensor.PanelRows }
