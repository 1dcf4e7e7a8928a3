// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

// Attention is FlashAttention-2's algorithm (Dao 2023, algorithm 1) on paged
// keys and values. A task is a block of one sequence's rows and one key/value
// head. It walks the positions in tiles; keys and values of a tile are widened
// once for all rows and query heads of the task.
//
//	g     query heads per key/value head
//	m     rows · g of a task, "lines": line r·g + h is query head h of row r
//	d     headDim
//	wide  d rounded up to simd.TileColumns
//
// Tiles begin at multiples of tilePositions and a line sums only over positions
// it sees. Every rangePositions its sums are put aside and begun anew, and at the
// end those of the ranges are put together in order (Flash-Decoding, Dao et al.
// 2023). So a line's bits depend on its own position and the window, neither on
// the rows beside it nor on whether several workers have shared its ranges.

const (
	tilePositions  = simd.TileScores
	rangePositions = 512
	taskLines      = 112
)

type attentionArgs struct {
	dst, q       []float32 // [rows, heads, headDim]
	keys, values cache     // [pages · kvHeads · pageSize, headDim]
	heads        int
	kvHeads      int
	headDim      int
	wide         int
	pageSize     int
	scale        float32
	window       int
	blocks       []rowBlock
	tasks        []attentionTask
	partials     partials
}

// rowBlock is some consecutive rows of one sequence.
type rowBlock struct {
	row, rows int // in the batch
	position  int // of the first
	pages     []int32
}

// attentionTask is some ranges of a block and a key/value head.
type attentionTask struct {
	block, head int
	first, end  int // ranges
	partial     int // where a range's sums are kept for another task, else -1
}

// Attention sets dst to softmax(q·kᵀ·scale)·v over each row's own sequence.
func (b *Backend) Attention(dst, q *tensor.Tensor, kv backend.KV, scale float32, window int) {
	a := &b.attention
	*a = attentionArgs{
		dst: tensor.Slice[float32](dst), q: tensor.Slice[float32](q),
		keys: cacheOf(kv.K), values: cacheOf(kv.V),
		heads: q.Dim(1), kvHeads: kv.K.Dim(1), headDim: q.Dim(2), wide: roundUp(q.Dim(2), simd.TileColumns),
		pageSize: kv.K.Dim(2), scale: scale, window: window,
		blocks: a.blocks[:0], tasks: a.tasks[:0], partials: a.partials,
	}
	cut := a.plan(b.batch, b.Workers())
	b.pool.run(len(a.tasks), 1, (*Backend).attentionTask)
	if cut {
		b.pool.run(len(a.blocks)*a.kvHeads, 1, (*Backend).joinRanges)
	}
}

// plan divides the batch into tasks. Where there are few and each has one row, it
// cuts them into their ranges and reports true.
func (a *attentionArgs) plan(batch *backend.Batch, workers int) (cut bool) {
	const each = 2 // tasks for a worker, of unequal length, at least
	few := each * workers
	rows := min(taskLines*a.kvHeads/a.heads, (batch.Rows()*a.kvHeads+few-1)/few)
	rows = max(1, rows)
	row := 0
	for _, s := range batch.Sequences {
		for i := 0; i < s.Rows; i += rows {
			a.blocks = append(a.blocks, rowBlock{row + i, min(rows, s.Rows-i), s.Start() + i, s.Pages})
		}
		row += s.Rows
	}
	cut = workers > 1 && rows == 1 && len(a.blocks)*a.kvHeads < few
	parts := 0
	for i := range a.blocks {
		first, end := a.ranges(&a.blocks[i])
		for head := range a.kvHeads {
			if !cut {
				a.tasks = append(a.tasks, attentionTask{i, head, first, end, -1})
				continue
			}
			for r := first; r < end; r++ {
				a.tasks = append(a.tasks, attentionTask{i, head, r, r + 1, parts})
				parts++
			}
		}
	}
	a.partials.resize(parts, a.heads/a.kvHeads, a.wide)
	return cut
}

// ranges returns the ranges [first, end) of positions that a block's rows see.
func (a *attentionArgs) ranges(block *rowBlock) (first, end int) {
	last := block.position + block.rows - 1
	return a.firstVisible(block.position) / rangePositions, last/rangePositions + 1
}

// firstVisible returns the first position that a row at position sees.
func (a *attentionArgs) firstVisible(position int) int {
	if a.window == 0 {
		return 0
	}
	return max(0, position-a.window+1)
}

// visible returns the part of a tile that a row at position sees.
func (a *attentionArgs) visible(position, tile int) (lo, hi int) {
	lo = max(a.firstVisible(position), tile) - tile
	hi = min(position+1, tile+tilePositions) - tile
	return min(lo, tilePositions), hi
}

// attentionTask runs a task; the last, which see the most positions, come first.
func (b *Backend) attentionTask(w *worker, i, _ int) {
	a, s := &b.attention, &w.attentionScratch
	t := &a.tasks[len(a.tasks)-1-i]
	block := &a.blocks[t.block]
	s.begin(a, block, t.head)
	for r := t.first; r < t.end; r++ {
		s.attendRange(a, block, t.head, r)
		if t.partial >= 0 {
			a.partials.keep(t.partial, s)
			return
		}
		for row := range block.rows {
			if a.sees(block.position+row, r) {
				group := a.heads / a.kvHeads
				for i := row * group; i < (row+1)*group; i++ {
					s.fold(i, s.line(i), s.sum[i*a.wide:][:a.wide])
				}
			}
		}
	}
	s.finish(a, block, t.head)
}

// sees reports whether a row at position sees one of the range.
func (a *attentionArgs) sees(position, r int) bool {
	return r*rangePositions <= position && a.firstVisible(position) < (r+1)*rangePositions
}

// joinRanges puts together the partial sums of a block and head.
func (b *Backend) joinRanges(w *worker, i, _ int) {
	a, s := &b.attention, &w.attentionScratch
	block, head := &a.blocks[i/a.kvHeads], i%a.kvHeads
	s.begin(a, block, head)
	for j := range a.tasks {
		if t := &a.tasks[j]; t.block == i/a.kvHeads && t.head == head {
			a.partials.fold(t.partial, s)
		}
	}
	s.finish(a, block, head)
}
