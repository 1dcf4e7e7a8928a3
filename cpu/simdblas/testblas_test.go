// SPDX-License-Identifier: Apache-2.0

package simdblas_test

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
	"gonum.org/v1/gonum/blas/testblas"

	"github.com/zenlm/zen/cpu/simdblas"
	"github.com/zenlm/zen/cpu/simdblas/internal/loops"
)

// gonum's testblas has suites for float64 alone, and compares to 1e-14. judge brings
// them to float32: every call that a suite makes is made in float32 and in gonum's
// float64, and where each element of both is the same up to float32's rounding, the
// suite gets the latter to go on with. Elements that float64 leaves as they were must
// be left as they were to the bit. Any other element reaches the suite as float32 had
// it, and fails its comparison. Panics reach the suite as they are.
type judge struct {
	impl  blas.Float32
	exact gonum.Implementation
}

// roundings bounds the error of a sum of products, in units of float32's rounding of
// the sum of their magnitudes: both operands of a product are rounded, then the sums.
const roundings = 16 * 0x1p-24

func narrow(x []float64) []float32 {
	v := make([]float32, len(x))
	for i, f := range x {
		v[i] = float32(f)
	}
	return v
}

func magnitudes(x []float64) []float64 {
	v := make([]float64, len(x))
	for i, f := range x {
		v[i] = math.Abs(f)
	}
	return v
}

// agrees reports whether float32's result is float64's, within a sum of magnitudes.
func agrees(got float32, want, size float64) bool {
	switch {
	case math.IsNaN(want):
		return got != got
	case math.IsInf(want, 0):
		return float64(got) == want
	}
	return math.Abs(float64(got)-want) <= roundings*size
}

// settle writes to dst what the suite is to see.
//
//	dst   what was there before
//	got   float32's result
//	want  float64's
//	size  the sums of magnitudes
func settle(dst []float64, got []float32, want, size []float64) {
	for i, before := range dst {
		untouched := want[i] == before || want[i] != want[i] && before != before
		switch {
		case untouched && math.Float32bits(got[i]) == math.Float32bits(float32(before)),
			agrees(got[i], want[i], size[i]):
			dst[i] = want[i]
		default:
			dst[i] = float64(got[i])
		}
	}
}

func settleOne(got float32, want, size float64) float64 {
	if agrees(got, want, size) {
		return want
	}
	return float64(got)
}

func (j judge) Dgemm(tA, tB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int,
	b []float64, ldb int, beta float64, c []float64, ldc int) {
	got := narrow(c)
	j.impl.Sgemm(tA, tB, m, n, k, float32(alpha), narrow(a), lda, narrow(b), ldb, float32(beta), got, ldc)
	want, size := append([]float64(nil), c...), magnitudes(c)
	j.exact.Dgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, want, ldc)
	j.exact.Dgemm(tA, tB, m, n, k, math.Abs(alpha), magnitudes(a), lda, magnitudes(b), ldb, math.Abs(beta), size, ldc)
	settle(c, got, want, size)
}

func (j judge) Dgemv(tA blas.Transpose, m, n int, alpha float64, a []float64, lda int,
	x []float64, incX int, beta float64, y []float64, incY int) {
	got := narrow(y)
	j.impl.Sgemv(tA, m, n, float32(alpha), narrow(a), lda, narrow(x), incX, float32(beta), got, incY)
	want, size := append([]float64(nil), y...), magnitudes(y)
	j.exact.Dgemv(tA, m, n, alpha, a, lda, x, incX, beta, want, incY)
	j.exact.Dgemv(tA, m, n, math.Abs(alpha), magnitudes(a), lda, magnitudes(x), incX, math.Abs(beta), size, incY)
	settle(y, got, want, size)
}

func (j judge) Ddot(n int, x []float64, incX int, y []float64, incY int) float64 {
	got := j.impl.Sdot(n, narrow(x), incX, narrow(y), incY)
	size := j.exact.Ddot(n, magnitudes(x), incX, magnitudes(y), incY)
	return settleOne(got, j.exact.Ddot(n, x, incX, y, incY), size)
}

func (j judge) Daxpy(n int, alpha float64, x []float64, incX int, y []float64, incY int) {
	got := narrow(y)
	j.impl.Saxpy(n, float32(alpha), narrow(x), incX, got, incY)
	want, size := append([]float64(nil), y...), magnitudes(y)
	j.exact.Daxpy(n, alpha, x, incX, want, incY)
	j.exact.Daxpy(n, math.Abs(alpha), magnitudes(x), incX, size, incY)
	settle(y, got, want, size)
}

func (j judge) Dscal(n int, alpha float64, x []float64, incX int) {
	got := narrow(x)
	j.impl.Sscal(n, float32(alpha), got, incX)
	want := append([]float64(nil), x...)
	j.exact.Dscal(n, alpha, want, incX)
	settle(x, got, want, magnitudes(want))
}

func (j judge) Dnrm2(n int, x []float64, incX int) float64 {
	got, want := j.impl.Snrm2(n, narrow(x), incX), j.exact.Dnrm2(n, x, incX)
	return settleOne(got, want, want)
}

func (j judge) Dasum(n int, x []float64, incX int) float64 {
	got, want := j.impl.Sasum(n, narrow(x), incX), j.exact.Dasum(n, x, incX)
	return settleOne(got, want, want)
}

func (j judge) Idamax(n int, x []float64, incX int) int {
	return j.impl.Isamax(n, narrow(x), incX)
}

// double is judge with Dsdot, or Sdsdot, in place of Sdot.
type double struct {
	judge
	constant bool
}

func (d double) Ddot(n int, x []float64, incX int, y []float64, incY int) float64 {
	size := d.exact.Ddot(n, magnitudes(x), incX, magnitudes(y), incY)
	want := d.exact.Ddot(n, x, incX, y, incY)
	if d.constant && n > 0 { // of no elements gonum returns 0 and not the constant
		got := d.impl.Sdsdot(n, 3, narrow(x), incX, narrow(y), incY)
		return settleOne(got-3, want, size+3)
	}
	return settleOne(float32(d.impl.Dsdot(n, narrow(x), incX, narrow(y), incY)), want, size)
}

// suites are those of the routines that the package replaces.
var suites = map[string]func(t *testing.T, j judge){
	"Sgemm":  func(t *testing.T, j judge) { testblas.TestDgemm(t, j) },
	"Sgemv":  func(t *testing.T, j judge) { testblas.DgemvTest(t, j) },
	"Sdot":   func(t *testing.T, j judge) { testblas.DdotTest(t, j) },
	"Dsdot":  func(t *testing.T, j judge) { testblas.DdotTest(t, double{j, false}) },
	"Sdsdot": func(t *testing.T, j judge) { testblas.DdotTest(t, double{j, true}) },
	"Saxpy":  func(t *testing.T, j judge) { testblas.DaxpyTest(t, j) },
	"Sscal":  func(t *testing.T, j judge) { testblas.DscalTest(t, j) },
	"Snrm2":  func(t *testing.T, j judge) { testblas.Dnrm2Test(t, j) },
	"Sasum":  func(t *testing.T, j judge) { testblas.DasumTest(t, j) },
	"Isamax": func(t *testing.T, j judge) { testblas.IdamaxTest(t, j) },
}

// each variant of the loops passes gonum's suites.
func TestGonumSuites(t *testing.T) {
	loops.Each(func(name string) {
		for routine, suite := range suites {
			t.Run(fmt.Sprintf("impl=%s/%s", name, routine), func(t *testing.T) {
				suite(t, judge{impl: simdblas.Implementation{}})
			})
		}
	})
}

// A wrong element, a write beside the result and a wrong NaN reach the suite.
func TestJudgeShowsErrors(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		before, want float64
		got          float32
		shown        float64
	}{
		"right":          {1, 2, 2, 2},
		"rounded":        {1, 0.1, 0.1, 0.1},
		"wrong":          {1, 2, 2.1, float64(float32(2.1))},
		"beside":         {1, 1, 1.5, 1.5},
		"guard":          {nan, nan, 3, 3},
		"not a number":   {1, 2, float32(nan), nan},
		"lost NaN":       {1, nan, 2, 2},
		"other infinity": {1, math.Inf(1), float32(math.Inf(-1)), math.Inf(-1)},
	} {
		dst := []float64{c.before}
		settle(dst, []float32{c.got}, []float64{c.want}, []float64{math.Abs(c.want)})
		if dst[0] != c.shown && !(c.shown != c.shown && dst[0] != dst[0]) {
			t.Errorf("%s: suite sees %v, want %v", name, dst[0], c.shown)
		}
	}
}
