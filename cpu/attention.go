// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

// Attention is FlashAttention-2's algorithm (Dao 2023, algorithm 1) on paged
// keys and values. A task is a block of one sequence's rows and one key/value
// head. It walks the positions in tiles; keys and values of a tile are widened
// once for all rows and query heads of the task.
//
//	g  query heads per key/value head
//	m  rows · g of a task, "lines": line r·g + h is query head h of row r
//	d  headDim
//
// Tiles begin at multiples of tilePositions and a line sums only over positions
// it sees, so its bits depend on its own position and the window, not on the
// rows beside it.

const (
	tilePositions = 64
	taskLines     = 64
)

type attentionArgs struct {
	dst, q       []float32 // [rows, heads, headDim]
	keys, values matrix    // [pages · kvHeads · pageSize, headDim]
	heads        int
	kvHeads      int
	headDim      int
	pageSize     int
	scale        float32
	window       int
	blocks       []rowBlock
}

// rowBlock is some consecutive rows of one sequence.
type rowBlock struct {
	row, rows int // in the batch
	position  int // of the first
	pages     []int32
}

type attentionScratch struct {
	query  []float32 // [m, d] scaled
	sum    []float32 // [m, d] Σ p·v so far
	scores []float32 // [m, tilePositions]
	keys   []float32 // [tilePositions, stride], rows aligned
	values []float32 // [d, tilePositions] transposed
	row    []float32 // [d]
	lines  []line    // [m]
}

// line is the state of one softmax: the largest score yet, and the sum of
// simd.Exp(score - max).
type line struct {
	max float32
	sum float64
}

// Attention sets dst to softmax(q·kᵀ·scale)·v over each row's own sequence.
func (b *Backend) Attention(dst, q *tensor.Tensor, kv backend.KV, scale float32, window int) {
	blocks := b.attention.blocks[:0]
	b.attention = attentionArgs{
		dst: tensor.Slice[float32](dst), q: tensor.Slice[float32](q),
		keys: matrixOf(kv.K), values: matrixOf(kv.V),
		heads: q.Dim(1), kvHeads: kv.K.Dim(1), headDim: q.Dim(2), pageSize: kv.K.Dim(2),
		scale: scale, window: window,
	}
	rows := max(1, taskLines*kv.K.Dim(1)/q.Dim(1))
	row := 0
	for _, s := range b.batch.Sequences {
		for i := 0; i < s.Rows; i += rows {
			blocks = append(blocks, rowBlock{row + i, min(rows, s.Rows-i), s.Start() + i, s.Pages})
		}
		row += s.Rows
	}
	b.attention.blocks = blocks
	b.pool.run(len(blocks)*kv.K.Dim(1), 1, (*Backend).attentionTask)
}

func (b *Backend) attentionTask(w *worker, task, _ int) {
	a := &b.attention
	block, head := &a.blocks[task/a.kvHeads], task%a.kvHeads
	s := &w.attentionScratch
	s.begin(a, block, head)
	end := block.position + block.rows
	first := a.firstVisible(block.position)
	for tile := first / tilePositions * tilePositions; tile < end; tile += tilePositions {
		from, to := max(first, tile)-tile, min(end, tile+tilePositions)-tile
		s.gather(a, block.pages, head, tile, from, to)
		b.attendTile(s, block, tile, from, to)
	}
	s.finish(a, block, head)
}

// firstVisible returns the first position that a row at position sees.
func (a *attentionArgs) firstVisible(position int) int {
	if a.window == 0 {
		return 0
	}
	return max(0, position-a.window+1)
}

// begin loads the task's queries and clears its sums.
func (s *attentionScratch) begin(a *attentionArgs, block *rowBlock, head int) {
	group, d := a.heads/a.kvHeads, a.headDim
	m := block.rows * group
	grow(&s.query, m*d)
	grow(&s.scores, m*tilePositions)
	grow(&s.keys, tilePositions*roundUp(d, 4))
	grow(&s.values, d*tilePositions)
	grow(&s.row, d)
	clear(grow(&s.sum, m*d))
	s.lines = s.lines[:0]
	for range m {
		s.lines = append(s.lines, line{max: float32(math.Inf(-1))})
	}
	for r := range block.rows {
		q := a.q[((block.row+r)*a.heads+head*group)*d:][:group*d]
		for i, v := range q {
			s.query[r*group*d+i] = v * a.scale
		}
	}
}

// gather widens keys and values of positions tile+from to tile+to.
func (s *attentionScratch) gather(a *attentionArgs, pages []int32, head, tile, from, to int) {
	stride, d := roundUp(a.headDim, 4), a.headDim
	row := s.row[:d]
	for t := from; t < to; t++ {
		slot := cacheRow(pages, tile+t, head, a.kvHeads, a.pageSize)
		a.keys.widen(s.keys[t*stride:][:d], slot)
		a.values.widen(row, slot)
		for i, v := range row {
			s.values[i*tilePositions+t] = v
		}
	}
}

// attendTile adds a tile's share to the sums of all lines. Neighbouring rows that
// see the same positions are multiplied together.
func (b *Backend) attendTile(s *attentionScratch, block *rowBlock, tile, from, to int) {
	a := &b.attention
	group, d, stride := a.heads/a.kvHeads, a.headDim, roundUp(a.headDim, 4)
	b.gemm(block.rows*group, to-from, d, s.query, d, s.keys[from*stride:], stride,
		0, s.scores[from:], tilePositions)
	for r := 0; r < block.rows; {
		lo, hi := a.visible(block.position+r, tile)
		n := 1
		for ; r+n < block.rows; n++ {
			if l, h := a.visible(block.position+r+n, tile); l != lo || h != hi {
				break
			}
		}
		if lo < hi {
			m := r * group
			for i := m; i < m+n*group; i++ {
				s.lines[i].add(s.scores[i*tilePositions:][lo:hi], s.sum[i*d:][:d])
			}
			b.gemm(n*group, d, hi-lo, s.scores[m*tilePositions+lo:], tilePositions,
				s.values[lo:], tilePositions, 1, s.sum[m*d:], d)
		}
		r += n
	}
}

// visible returns the part of a tile that a row at position sees.
func (a *attentionArgs) visible(position, tile int) (lo, hi int) {
	lo = max(a.firstVisible(position), tile) - tile
	hi = min(position+1, tile+tilePositions) - tile
	return min(lo, tilePositions), hi
}

// add turns scores into simd.Exp(score - max), counts them, and rescales sum to the new
// maximum. Subtracting the maximum keeps exp from overflowing.
func (l *line) add(scores, sum []float32) {
	largest := l.max
	for _, s := range scores {
		if s > largest {
			largest = s
		}
	}
	base := largest
	if math.IsInf(float64(base), -1) {
		base = 0 // no score yet is above -Inf; -Inf - -Inf would be NaN
	}
	if largest > l.max {
		shrink := simd.Exp(l.max - base)
		l.max, l.sum = largest, l.sum*float64(shrink)
		for i, v := range sum {
			sum[i] = v * shrink
		}
	}
	for i, s := range scores {
		p := simd.Exp(s - base)
		scores[i] = p
		l.sum += float64(p)
	}
}

// finish writes sum / Σ p.
func (s *attentionScratch) finish(a *attentionArgs, block *rowBlock, head int) {
	group, d := a.heads/a.kvHeads, a.headDim
	for r := range block.rows {
		dst := a.dst[((block.row+r)*a.heads+head*group)*d:][:group*d]
		for i := range dst {
			dst[i] = float32(float64(s.sum[r*group*d+i]) / s.lines[r*group+i/d].sum)
		}
	}
}
