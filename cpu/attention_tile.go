// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

// attentionTile is the positions from tile on, as seen by a block and a head.
//
// Many lines multiply with keys and values that are widened once. For few, the
// widening would cost as much as the products, which then take 16-bit elements as
// they are (direct). Widening is exact, so that the bits are the same.
type attentionTile struct {
	*attentionArgs
	block  *rowBlock
	head   int
	tile   int
	direct bool
}

const fewLines = 16

// direct reports whether products can take keys and values as the cache holds them:
// 16-bit elements, whole vectors, and the rows of TransposeWords in one page.
func (a *attentionArgs) direct() bool {
	half := a.keys.dtype == tensor.F16 || a.keys.dtype == tensor.BF16
	return half && a.wide == a.headDim && a.pageSize%simd.WordRows == 0
}

// part returns the first row of position tile+t in the cache and how many follow in
// its page, at most most.
func (t *attentionTile) part(at, most int) (row, n int) {
	position := t.tile + at
	row = cacheRow(t.block.pages, position, t.head, t.kvHeads, t.pageSize)
	return row, min(most, t.pageSize-position%t.pageSize)
}

// words returns n rows of a 16-bit cache from row i on.
func (t *attentionTile) words(m *cache, i, n int) []uint16 {
	return m.u16[i*t.headDim:][:n*t.headDim]
}

// score computes the scores of the tile. Those of positions outside [from, to) are
// of no importance.
func (s *attentionScratch) score(t *attentionTile, from, to int) {
	p := simd.TileProduct{
		Lines: len(s.max), Inner: t.headDim, Columns: tilePositions,
		A: s.query, AStride: t.headDim, BStride: tilePositions, C: s.scores, CStride: tilePositions,
	}
	if !t.direct {
		s.gather(t, from, to)
		p.B, p.Columns = s.keys, roundUp(to, simd.TileColumns)
		simd.MultiplyTile(&p)
		return
	}
	const rows = simd.WordRows
	p.Columns, p.BF16 = rows, t.keys.dtype == tensor.BF16
	for at := from / rows * rows; at < to; at += rows {
		row, _ := t.part(at, rows)
		simd.TransposeWords(s.words[at:], t.words(&t.keys, row, rows), t.headDim)
		p.B16, p.C = s.words[at:], s.scores[at:]
		p.Ahead = t.words(&t.values, row, rows)
		simd.MultiplyTile(&p)
	}
}

// gather widens keys and values of positions [from, to) of the tile.
func (s *attentionScratch) gather(t *attentionTile, from, to int) {
	for at := from; at < to; {
		row, n := t.part(at, to-at)
		t.keys.widenRows(s.rows[at*t.wide:], t.wide, row, n)
		t.values.widenRows(s.values[at*t.wide:], t.wide, row, n)
		at += n
	}
	simd.TransposeTile(s.keys, s.rows, t.wide, roundUp(t.headDim, 4))
}

// addValues adds p·v to the sums. Neighbouring rows that see the same positions are
// multiplied together.
func (s *attentionScratch) addValues(t *attentionTile) {
	group, block := t.heads/t.kvHeads, t.block
	for r := 0; r < block.rows; {
		lo, hi := t.visible(block.position+r, t.tile)
		n := 1
		for ; r+n < block.rows; n++ {
			if l, h := t.visible(block.position+r+n, t.tile); l != lo || h != hi {
				break
			}
		}
		if lo < hi {
			s.addRows(t, r*group, n*group, lo, hi)
		}
		r += n
	}
}

// addRows adds what lines from first on see in [lo, hi).
func (s *attentionScratch) addRows(t *attentionTile, first, lines, lo, hi int) {
	p := simd.TileProduct{
		Lines: lines, Inner: hi - lo, Columns: t.wide, Add: true,
		A: s.scores[first*tilePositions+lo:], AStride: tilePositions,
		BStride: t.wide, C: s.sum[first*t.wide:], CStride: t.wide,
	}
	if !t.direct {
		p.B = s.values[lo*t.wide:]
		simd.MultiplyTile(&p)
		return
	}
	p.BF16 = t.values.dtype == tensor.BF16
	for at := lo; at < hi; {
		row, n := t.part(at, hi-at)
		p.Inner, p.A, p.B16 = n, s.scores[first*tilePositions+at:], t.words(&t.values, row, n)
		p.Ahead = t.nextKeys(at, n)
		simd.MultiplyTile(&p)
		at += n
	}
}

// nextKeys returns the keys of n positions of the next tile, where there are some.
func (t *attentionTile) nextKeys(at, n int) []uint16 {
	next := t.tile + tilePositions + at
	if n += next % t.pageSize; n > t.pageSize || next/t.pageSize >= len(t.block.pages) {
		return nil
	}
	row := cacheRow(t.block.pages, next, t.head, t.kvHeads, t.pageSize)
	return t.words(&t.keys, row, n-next%t.pageSize)
}
