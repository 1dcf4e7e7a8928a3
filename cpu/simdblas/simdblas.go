// SPDX-License-Identifier: Apache-2.0

package simdblas

import (
	"runtime"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/zenlm/zen/cpu/simdblas/internal/loops"
)

// Implementation is a BLAS for gonum. The zero value is ready; values are safe for
// concurrent use.
type Implementation struct {
	gonum.Implementation

	// Threads is the number of goroutines that share a large Sgemm or Sgemv, the
	// caller's among them. 0 means GOMAXPROCS.
	Threads int
}

var _ blas.Float32 = Implementation{}

func (i Implementation) threads() int {
	if i.Threads > 0 {
		return i.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// Sgemm sets C = alpha·op(A)·op(B) + beta·C.
//
//	op(A)  [m, k]    op(B)  [k, n]    C  [m, n]
//
// Where beta is 0, C is not read.
func (i Implementation) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int,
	b []float32, ldb int, beta float32, c []float32, ldc int) {
	if !loops.Accelerated() {
		i.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	// With these factors gonum checks the arguments and does nothing.
	i.Implementation.Sgemm(tA, tB, m, n, k, 0, a, lda, b, ldb, 1, c, ldc)
	if m == 0 || n == 0 {
		return
	}
	for r := range m {
		scale(c[r*ldc:][:n], beta)
	}
	if alpha == 0 || k == 0 {
		return
	}
	p := product{
		m: m, n: n, k: k, alpha: alpha, c: c, ldc: ldc,
		a: operand{data: a, stride: lda, deep: tA == blas.NoTrans},
		b: operand{data: b, stride: ldb, deep: tB != blas.NoTrans},
	}
	p.compute(i.threads())
}

// scale sets x *= beta, and to 0 whatever x is where beta is 0.
func scale(x []float32, beta float32) {
	switch beta {
	case 0:
		clear(x)
	case 1:
	default:
		loops.Scal(x, beta)
	}
}

// Sgemv sets y = alpha·op(A)·x + beta·y. The products are added as by Sdot, or, where
// A is transposed, as by Sgemm.
//
//	A  [m, n]
//
// Where beta is 0, y is not read.
func (i Implementation) Sgemv(tA blas.Transpose, m, n int, alpha float32, a []float32, lda int,
	x []float32, incX int, beta float32, y []float32, incY int) {
	if !loops.Accelerated() {
		i.Implementation.Sgemv(tA, m, n, alpha, a, lda, x, incX, beta, y, incY)
		return
	}
	i.Implementation.Sgemv(tA, m, n, 0, a, lda, x, incX, 1, y, incY) // checks
	if m == 0 || n == 0 {
		return
	}
	in, out := n, m
	if tA != blas.NoTrans {
		in, out = m, n
	}
	s := takeScratch()
	defer s.giveBack()
	result := y[:min(out, len(y))]
	if incY != 1 {
		result = grow(&s.y, out)
		gather(result, y, incY)
	}
	scale(result, beta)
	if alpha != 0 {
		if incX != 1 {
			gather(grow(&s.x, in), x, incX)
			x = s.x
		}
		g := product{
			m: 1, n: out, k: in, alpha: alpha, c: result, ldc: out,
			a: operand{data: x, stride: in, deep: true},
			b: operand{data: a, stride: lda, deep: tA == blas.NoTrans},
		}
		g.computeVector(i.threads())
	}
	if incY != 1 {
		scatter(y, incY, result)
	}
}

// first returns the index of a vector's first element of n.
func first(n, inc int) int {
	if inc < 0 {
		return (1 - n) * inc
	}
	return 0
}

func gather(dst, src []float32, inc int) {
	at := first(len(dst), inc)
	for i := range dst {
		dst[i] = src[at]
		at += inc
	}
}

func scatter(dst []float32, inc int, src []float32) {
	at := first(len(src), inc)
	for _, v := range src {
		dst[at] = v
		at += inc
	}
}
