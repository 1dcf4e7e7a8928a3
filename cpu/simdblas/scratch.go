// SPDX-License-Identifier: Apache-2.0

package simdblas

import "sync"

// scratch is what one goroutine needs to compute a block.
type scratch struct {
	rows, cols int  // of a tile
	deep       int  // depth of the panels in b
	resident   bool // a holds all depths of its rows

	a    []float32 // [panels, depth, rows]
	b    []float32 // [panels, deep, cols]
	edge []float32 // [rows, cols]
	c    []float32 // a transposed result
	x, y []float32 // vectors without gaps
}

// scratches keeps scratch between calls: methods have no place for it, since gonum
// uses implementations as values.
var scratches = sync.Pool{New: func() any { return new(scratch) }}

func takeScratch() *scratch { return scratches.Get().(*scratch) }

func (s *scratch) giveBack() { scratches.Put(s) }

// packA packs rows [i0, i1) and depth [l, l+n) of a.
func (s *scratch) packA(p *product, i0, i1, l, n int) {
	a := grow(&s.a, roundUp(i1-i0, s.rows)*n)
	for i := i0; i < i1; i += s.rows {
		p.a.pack(a[(i-i0)*n:], s.rows, i, min(s.rows, i1-i), l, n)
	}
}

// packB packs columns [j0, j1) and depth [l, l+deep) of b.
func (s *scratch) packB(p *product, j0, j1, l int) {
	b := grow(&s.b, roundUp(j1-j0, s.cols)*s.deep)
	for j := j0; j < j1; j += s.cols {
		p.b.pack(b[(j-j0)*s.deep:], s.cols, j, min(s.cols, j1-j), l, s.deep)
	}
}

// grow returns *buffer with length n and any content.
func grow(buffer *[]float32, n int) []float32 {
	if cap(*buffer) < n {
		*buffer = make([]float32, n)
	}
	*buffer = (*buffer)[:n]
	return *buffer
}
