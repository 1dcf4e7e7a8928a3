// SPDX-License-Identifier: Apache-2.0

package simdblas

import (
	"sync"

	"github.com/zenlm/zen/cpu/simdblas/internal/loops"
)

// The matrix product, after Goto and van de Geijn, "Anatomy of High-Performance
// Matrix Multiplication" (2008): a is cut into panels of a tile's rows, b into panels
// of a tile's columns, depth elements deep; panels are copied so that a tile reads
// both from one end to the other.
//
// Each element is summed from the first product to the last by one chain of fused
// multiply-adds for every depth elements, each chain then added to c. Nothing else
// has a part in its bits.

const (
	depth     = 256 // of a panel: one of b stays in the first-level cache
	wideCols  = 512 // columns of b packed at a time: they stay in the second-level cache
	tallRows  = 240 // rows of a packed at a time, as they do
	residentA = 128 << 10

	// fewTiles is the tiles below each other up to which a panel of b is used so few
	// times that it is packed and used at once, and not with its neighbours.
	fewTiles = 4

	// minWork is the multiplications that are worth a goroutine.
	minWork = 1 << 19
)

// operand is a matrix with one index along the result, i, and one into the depth, l.
type operand struct {
	data   []float32
	stride int
	deep   bool // element (i, l) is at i·stride + l, else at l·stride + i
}

// product is c += alpha·a·b.
type product struct {
	m, n, k int
	alpha   float32
	a, b    operand // of m and n rows
	c       []float32
	ldc     int
}

// pack copies rows [i, i+rows) and depth [l, l+n) into a panel. Rows that a panel has
// more become 0.
//
//	dst  [n, width]
func (o *operand) pack(dst []float32, width, i, rows, l, n int) {
	dst = dst[:n*width]
	if rows < width {
		clear(dst)
	}
	if o.deep {
		loops.Pack(dst, width, o.data[i*o.stride+l:], o.stride, rows, n)
		return
	}
	for ; n > 0; n-- {
		copy(dst[:rows], o.data[l*o.stride+i:])
		dst = dst[width:]
		l++
	}
}

// compute computes the product with up to threads goroutines.
func (p *product) compute(threads int) {
	rows, cols := loops.TileSize()
	if 2*p.n*roundUp(p.m, cols) <= p.m*roundUp(p.n, cols) {
		p.computeTransposed(threads)
		return
	}
	parts := p.parts(threads)
	across := min(parts, ceil(p.n, cols))
	if across <= 1 && p.m <= rows || parts <= 1 {
		p.block(0, p.m, 0, p.n)
		return
	}
	down := max(1, min(parts/across, ceil(p.m, rows)))
	if p.skinny() {
		down = 1
	}
	share(*p, across, down, (*product).block)
}

// parts returns the number of goroutines that the product is worth.
func (p *product) parts(threads int) int {
	work := float64(p.m) * float64(p.n) * float64(p.k)
	return int(min(float64(threads), work/minWork))
}

// share computes a product in parts, a goroutine each.
func share(p product, across, down int, block func(p *product, i0, i1, j0, j1 int)) {
	rows, cols := loops.TileSize()
	var wg sync.WaitGroup
	for part := range across * down {
		i0, i1 := cut(p.m, rows, part/across, down)
		j0, j1 := cut(p.n, cols, part%across, across)
		if part == across*down-1 {
			block(&p, i0, i1, j0, j1)
			break
		}
		wg.Go(func() { block(&p, i0, i1, j0, j1) })
	}
	wg.Wait()
}

// cut returns the part of n elements in panels of width that is number part of parts.
func cut(n, width, part, parts int) (lo, hi int) {
	panels := ceil(n, width)
	return part * panels / parts * width, min((part+1)*panels/parts*width, n)
}

// computeTransposed computes cᵀ += alpha·bᵀ·aᵀ, for few columns, which would leave
// most of a tile empty. The bits are the same.
func (p *product) computeTransposed(threads int) {
	s := takeScratch()
	defer s.giveBack()
	c := grow(&s.c, p.m*p.n)
	for i := range p.m {
		for j := range p.n {
			c[j*p.m+i] = p.c[i*p.ldc+j]
		}
	}
	t := product{m: p.n, n: p.m, k: p.k, alpha: p.alpha, a: p.b, b: p.a, c: c, ldc: p.m}
	t.compute(threads)
	for i := range p.m {
		for j := range p.n {
			p.c[i*p.ldc+j] = c[j*p.m+i]
		}
	}
}

// block computes rows [i0, i1) and columns [j0, j1) of c.
func (p *product) block(i0, i1, j0, j1 int) {
	if p.skinny() {
		p.direct(j0, j1)
		return
	}
	s := takeScratch()
	defer s.giveBack()
	s.rows, s.cols = loops.TileSize()
	wide := wideCols / s.cols * s.cols
	if p.b.deep && i1-i0 <= fewTiles*s.rows {
		wide = s.cols
	}
	s.resident = roundUp(i1-i0, s.rows)*p.k <= residentA
	if s.resident {
		s.packA(p, i0, i1, 0, p.k)
	}
	for j := j0; j < j1; j += wide {
		for l := 0; l < p.k; l += depth {
			s.deep = min(depth, p.k-l)
			s.packB(p, j, min(j+wide, j1), l)
			p.columns(s, i0, i1, j, min(j+wide, j1), l)
		}
	}
}

// columns adds depth l and following to columns [j0, j1), whose panels are packed.
func (p *product) columns(s *scratch, i0, i1, j0, j1, l int) {
	if s.resident {
		p.tiles(s, s.a[l*s.rows:], s.rows*p.k, i0, i1, j0, j1)
		return
	}
	tall := tallRows / s.rows * s.rows
	for i := i0; i < i1; i += tall {
		s.packA(p, i, min(i+tall, i1), l, s.deep)
		p.tiles(s, s.a, s.rows*s.deep, i, min(i+tall, i1), j0, j1)
	}
}

// tiles computes the tiles of rows [i0, i1), whose panels in a are panel elements
// apart, and columns [j0, j1).
func (p *product) tiles(s *scratch, a []float32, panel, i0, i1, j0, j1 int) {
	for j := j0; j < j1; j += s.cols {
		b := s.b[(j-j0)*s.deep:]
		for i := i0; i < i1; i += s.rows {
			p.tile(s, a[(i-i0)/s.rows*panel:], b, i, min(s.rows, i1-i), j, min(s.cols, j1-j))
		}
	}
}

// tile computes one tile. One that is narrower than the kernel's is computed beside c.
func (p *product) tile(s *scratch, a, b []float32, i, rows, j, cols int) {
	c := p.c[i*p.ldc+j:]
	if cols == s.cols {
		loops.Tile(c, p.ldc, a, b, s.deep, rows, p.alpha)
		return
	}
	edge := grow(&s.edge, s.rows*s.cols)
	for r := range rows {
		copy(edge[r*s.cols:][:cols], c[r*p.ldc:])
	}
	loops.Tile(edge, s.cols, a, b, s.deep, rows, p.alpha)
	for r := range rows {
		copy(c[r*p.ldc:][:cols], edge[r*s.cols:])
	}
}

func ceil(n, width int) int { return (n + width - 1) / width }

func roundUp(n, width int) int { return ceil(n, width) * width }
