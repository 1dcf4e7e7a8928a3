// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"

	"github.com/zenlm/zen/cpu/internal/simd"
)

// line is the state of one softmax: the largest score yet, and the sum of
// exp(score - max).
type line struct {
	max float32
	sum float64
}

// attentionScratch is what a worker computes a task in. Its size does not depend
// on the number of positions.
type attentionScratch struct {
	query  []float32 // [m, d] scaled
	rows   []float32 // [tilePositions, wide] keys
	keys   []float32 // [d, tilePositions] transposed
	words  []uint16  // [d, tilePositions] transposed, of few lines
	values []float32 // [tilePositions, wide]
	scores []float32 // [m, tilePositions]

	// The state of a range.
	max  []float32 // [m] largest score
	exps []float64 // [m] Σ exp(score - max)
	sum  []float32 // [m, wide] Σ p·v

	// The state of the ranges before it.
	lines []line    // [m]
	begun []bool    // [m] whether there was one
	total []float32 // [m, wide] Σ p·v

	tileMax  []float32 // [m]
	tileBase []float32 // [m]
	tileSum  []float32 // [m]
}

// resize makes *buf n elements long.
func resize(buf *[]float32, n int) { *buf = grow(buf, n) }

var negInf = float32(math.Inf(-1))

// begin loads the task's queries and forgets all sums.
func (s *attentionScratch) begin(a *attentionArgs, block *rowBlock, head int) {
	group, d := a.heads/a.kvHeads, a.headDim
	m := block.rows * group
	for _, buf := range []*[]float32{&s.max, &s.tileMax, &s.tileBase, &s.tileSum} {
		resize(buf, m)
	}
	resize(&s.query, m*d)
	resize(&s.scores, m*tilePositions)
	resize(&s.rows, tilePositions*a.wide)
	resize(&s.keys, roundUp(d, 4)*tilePositions)
	resize(&s.values, tilePositions*a.wide)
	resize(&s.sum, m*a.wide)
	resize(&s.total, m*a.wide)
	if cap(s.lines) < m {
		s.lines, s.begun, s.exps = make([]line, m), make([]bool, m), make([]float64, m)
	}
	s.lines, s.begun, s.exps = s.lines[:m], s.begun[:m], s.exps[:m]
	clear(s.begun)
	if cap(s.words) < d*tilePositions {
		s.words = make([]uint16, d*tilePositions)
	}
	for r := range block.rows {
		q := a.q[((block.row+r)*a.heads+head*group)*d:][:group*d]
		simd.Scale(s.query[r*group*d:][:group*d], q, a.scale)
	}
}

// attendRange computes the sums of the positions of range r.
func (s *attentionScratch) attendRange(a *attentionArgs, block *rowBlock, head, r int) {
	clear(s.sum)
	clear(s.exps)
	for i := range s.max {
		s.max[i] = negInf
	}
	group := a.heads / a.kvHeads
	first := max(a.firstVisible(block.position), r*rangePositions)
	end := min(block.position+block.rows, (r+1)*rangePositions)
	for tile := first / tilePositions * tilePositions; tile < end; tile += tilePositions {
		from, to := max(first, tile)-tile, min(end, tile+tilePositions)-tile
		t := attentionTile{a, block, head, tile, len(s.max) <= fewLines && a.direct()}
		s.score(&t, from, to)
		for r := range block.rows {
			lo, hi := a.visible(block.position+r, tile)
			s.mask(r*group, (r+1)*group, lo, hi)
		}
		s.softmax(a.wide)
		s.addValues(&t)
	}
}

// mask takes the scores outside [lo, hi) from lines [first, end).
func (s *attentionScratch) mask(first, end, lo, hi int) {
	if lo == 0 && hi == tilePositions {
		return
	}
	for i := first; i < end; i++ {
		scores := s.scores[i*tilePositions:][:tilePositions]
		for j := range scores[:min(lo, max(hi, 0))] {
			scores[j] = negInf
		}
		for j := max(hi, 0); j < tilePositions; j++ {
			scores[j] = negInf
		}
	}
}

// softmax turns scores into exp(score - max), counts them, and rescales the sums to
// the new maximum. Subtracting the maximum keeps exp from overflowing.
func (s *attentionScratch) softmax(wide int) {
	simd.LineMax(s.tileMax, s.scores)
	for i, largest := range s.tileMax {
		if largest > s.max[i] {
			shrink := simd.Exp(s.max[i] - finiteBase(largest))
			s.max[i], s.exps[i] = largest, s.exps[i]*float64(shrink)
			sum := s.sum[i*wide:][:wide]
			simd.Scale(sum, sum, shrink)
		}
		s.tileBase[i] = finiteBase(s.max[i])
	}
	simd.LineExp(s.tileSum, s.tileBase, s.scores)
	for i, v := range s.tileSum {
		s.exps[i] += float64(v)
	}
}

// finiteBase returns what is subtracted from scores of which the largest is given:
// it, or 0 when no score yet is above -Inf, since -Inf - -Inf would be NaN.
func finiteBase(largest float32) float32 {
	if largest == negInf {
		return 0
	}
	return largest
}

// line returns the state of line i in the range.
func (s *attentionScratch) line(i int) line { return line{s.max[i], s.exps[i]} }

// fold adds a range's state of line i to that of the ranges before it.
//
//	sum  [wide]
func (s *attentionScratch) fold(i int, l line, sum []float32) {
	total := s.total[i*len(sum):][:len(sum)]
	if !s.begun[i] {
		s.begun[i], s.lines[i] = true, l
		copy(total, sum)
		return
	}
	old := &s.lines[i]
	largest := max(old.max, l.max)
	a, b := simd.Exp(old.max-finiteBase(largest)), simd.Exp(l.max-finiteBase(largest))
	old.max = largest
	old.sum = float64(old.sum*float64(a)) + float64(l.sum*float64(b))
	simd.Scale(total, total, a)
	simd.Scale(sum, sum, b)
	simd.Add(total, total, sum)
}

// finish writes Σ p·v / Σ p.
func (s *attentionScratch) finish(a *attentionArgs, block *rowBlock, head int) {
	group, d := a.heads/a.kvHeads, a.headDim
	for i := range block.rows * group {
		dst := a.dst[((block.row+i/group)*a.heads+head*group+i%group)*d:][:d]
		simd.Scale(dst, s.total[i*a.wide:][:d], float32(1/s.lines[i].sum))
	}
}
