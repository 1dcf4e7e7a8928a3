// SPDX-License-Identifier: Apache-2.0

package simdblas

import "github.com/zenlm/zen/cpu/simdblas/internal/loops"

// With few rows of a, copying b takes longer than multiplying with it. Where b's rows
// lie along the result, they are added to the sums directly, eight at a time, and
// while they are in the first-level cache for each row of a. The bits are those of
// tiles.

const (
	skinnyRows = 8
	skinnyCols = 1024 // whose eight rows of b are 32 KB
	addedRows  = 8
)

// skinny reports whether direct is for the product.
func (p *product) skinny() bool { return p.m <= skinnyRows && !p.b.deep && p.n >= 64 }

// direct computes columns [j0, j1) of c.
func (p *product) direct(j0, j1 int) {
	s := takeScratch()
	defer s.giveBack()
	for j := j0; j < j1; j += skinnyCols {
		cols := min(skinnyCols, j1-j)
		for l := 0; l < p.k; l += depth {
			p.directSums(s, j, cols, l, min(l+depth, p.k))
		}
	}
}

// directSums adds the products of depth [l, end).
func (p *product) directSums(s *scratch, j, cols, l, end int) {
	sums := grow(&s.b, p.m*cols)
	clear(sums)
	for ; l+addedRows <= end; l += addedRows {
		b := p.b.data[l*p.b.stride+j:]
		for i := range p.m {
			factors := p.factors(i, l)
			loops.Axpy8(sums[i*cols:][:cols], &factors, b, p.b.stride)
		}
	}
	for ; l < end; l++ {
		b := p.b.data[l*p.b.stride+j:][:cols]
		for i := range p.m {
			loops.Axpy(sums[i*cols:][:cols], p.a.at(i, l), b)
		}
	}
	for i := range p.m {
		loops.Axpy(p.c[i*p.ldc+j:][:cols], p.alpha, sums[i*cols:][:cols])
	}
}

// computeVector computes the product of one row of a with up to threads goroutines.
// Where b is deep, elements are inner products.
func (p *product) computeVector(threads int) {
	if !p.b.deep {
		p.compute(threads)
		return
	}
	_, cols := loops.TileSize()
	parts := min(p.parts(threads), ceil(p.n, cols))
	if parts <= 1 {
		p.dots(0, 1, 0, p.n)
		return
	}
	share(*p, parts, 1, (*product).dots)
}

// dots computes elements [j0, j1) of c's only row.
func (p *product) dots(_, _, j0, j1 int) {
	a := p.a.data[:p.k]
	for j := j0; j < j1; j++ {
		dot := loops.Dot(p.b.data[j*p.b.stride:][:p.k], a)
		p.c[j] += float32(p.alpha * dot)
	}
}

// factors returns elements (i, l) and following of a.
func (p *product) factors(i, l int) (f [addedRows]float32) {
	for r := range f {
		f[r] = p.a.at(i, l+r)
	}
	return f
}

func (o *operand) at(i, l int) float32 {
	if o.deep {
		return o.data[i*o.stride+l]
	}
	return o.data[l*o.stride+i]
}
