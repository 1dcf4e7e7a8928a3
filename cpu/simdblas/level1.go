// SPDX-License-Identifier: Apache-2.0

package simdblas

import (
	"math"

	"github.com/zenlm/zen/cpu/simdblas/internal/loops"
)

// The routines for vectors take those without gaps that are long enough; all others,
// the wrong ones among them, are gonum's.

func dense(n int, x []float32, incX int) bool {
	return loops.Accelerated() && incX == 1 && n > 0 && len(x) >= n
}

// Sdot returns Σ x[i]·y[i].
func (i Implementation) Sdot(n int, x []float32, incX int, y []float32, incY int) float32 {
	if dense(n, x, incX) && dense(n, y, incY) {
		return loops.Dot(x[:n], y[:n])
	}
	return i.Implementation.Sdot(n, x, incX, y, incY)
}

// Dsdot returns Σ x[i]·y[i], summed in float64.
func (i Implementation) Dsdot(n int, x []float32, incX int, y []float32, incY int) float64 {
	if dense(n, x, incX) && dense(n, y, incY) {
		return loops.DotDouble(x[:n], y[:n])
	}
	return i.Implementation.Dsdot(n, x, incX, y, incY)
}

// Sdsdot returns alpha + Σ x[i]·y[i], the sum being one in float64.
func (i Implementation) Sdsdot(n int, alpha float32, x []float32, incX int, y []float32, incY int) float32 {
	if dense(n, x, incX) && dense(n, y, incY) {
		return alpha + float32(loops.DotDouble(x[:n], y[:n]))
	}
	return i.Implementation.Sdsdot(n, alpha, x, incX, y, incY)
}

// Saxpy adds alpha·x to y.
func (i Implementation) Saxpy(n int, alpha float32, x []float32, incX int, y []float32, incY int) {
	if alpha != 0 && dense(n, x, incX) && dense(n, y, incY) {
		loops.Axpy(y[:n], alpha, x[:n])
		return
	}
	i.Implementation.Saxpy(n, alpha, x, incX, y, incY)
}

// Snrm2 returns the Euclidean norm of x, from squares in float64, where they cannot
// overflow.
func (i Implementation) Snrm2(n int, x []float32, incX int) float32 {
	if dense(n, x, incX) {
		return float32(math.Sqrt(loops.SumSquares(x[:n])))
	}
	return i.Implementation.Snrm2(n, x, incX)
}

// Sscal multiplies x with alpha.
func (i Implementation) Sscal(n int, alpha float32, x []float32, incX int) {
	if alpha != 0 && dense(n, x, incX) {
		loops.Scal(x[:n], alpha)
		return
	}
	i.Implementation.Sscal(n, alpha, x, incX)
}

// Sasum returns the sum of the magnitudes of x.
func (i Implementation) Sasum(n int, x []float32, incX int) float32 {
	if dense(n, x, incX) {
		return loops.Asum(x[:n])
	}
	return i.Implementation.Sasum(n, x, incX)
}

// maxBlock is the elements searched again for the largest of them.
const maxBlock = 512

// Isamax returns the index of the first element of largest magnitude. As gonum's, it
// passes NaN over, unless it comes first.
func (i Implementation) Isamax(n int, x []float32, incX int) int {
	if !dense(n, x, incX) {
		return i.Implementation.Isamax(n, x, incX)
	}
	if x[0] != x[0] {
		return 0
	}
	largest, from := float32(-1), 0
	for lo := 0; lo < n; lo += maxBlock {
		if v := loops.MaxAbs(x[lo:min(lo+maxBlock, n)]); v > largest {
			largest, from = v, lo
		}
	}
	for j, v := range x[from:min(from+maxBlock, n)] {
		if v == largest || v == -largest {
			return from + j
		}
	}
	panic("simdblas: Isamax: the largest is not there") // x[0] is a number, so there is one
}
