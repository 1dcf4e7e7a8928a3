// SPDX-License-Identifier: Apache-2.0

package simdblas_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/zenlm/zen/cpu/simdblas"
	"github.com/zenlm/zen/cpu/simdblas/internal/loops"
)

var transposes = []blas.Transpose{blas.NoTrans, blas.Trans, blas.ConjTrans}

// eachVariant runs test with every variant of the loops this processor has.
func eachVariant(t *testing.T, test func(t *testing.T)) {
	loops.Each(func(name string) { t.Run("impl="+name, test) })
}

// matrix is [rows, cols] at an offset in memory that is NaN wherever it is not the
// matrix.
type matrix struct {
	rows, cols, stride int
	all                []float32
	data               []float32
}

func newMatrix(rng *rand.Rand, rows, cols int) matrix {
	m := matrix{rows: rows, cols: cols, stride: max(1, cols) + rng.IntN(4)}
	offset := 16 + rng.IntN(4)
	n := max(0, (rows-1)*m.stride+cols)
	m.all = make([]float32, offset+n+16)
	for i := range m.all {
		m.all[i] = float32(math.NaN())
	}
	m.data = m.all[offset:][:n:n]
	for i := range rows {
		for j := range cols {
			m.data[i*m.stride+j] = float32(rng.NormFloat64())
		}
	}
	return m
}

func (m matrix) copy() matrix {
	c := m
	c.all = append([]float32(nil), m.all...)
	offset := len(m.all) - 16 - len(m.data)
	c.data = c.all[offset:][:len(m.data):len(m.data)]
	return c
}

func (m matrix) at(i, j int, t blas.Transpose) float64 {
	if t != blas.NoTrans {
		i, j = j, i
	}
	return float64(m.data[i*m.stride+j])
}

func shape(rows, cols int, t blas.Transpose) (int, int) {
	if t != blas.NoTrans {
		return cols, rows
	}
	return rows, cols
}

// Sgemm is the sum in float64, for all transposes, odd sizes, strides and alignments,
// and neither reads nor writes beside its matrices.
func TestSgemmIsTheProduct(t *testing.T) {
	eachVariant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		sizes := [][3]int{{1, 300, 257}, {3, 1100, 70}, {8, 65, 9}, {300, 2, 40}, {1, 1, 600}, {61, 600, 300}, {250, 30, 20}}
		for range 50 {
			sizes = append(sizes, [3]int{rng.IntN(101), rng.IntN(101), rng.IntN(101)})
		}
		for _, s := range sizes {
			for _, tA := range transposes {
				for _, tB := range transposes {
					checkSgemm(t, rng, tA, tB, s[0], s[1], s[2])
				}
			}
		}
	})
}

func checkSgemm(t *testing.T, rng *rand.Rand, tA, tB blas.Transpose, m, n, k int) {
	t.Helper()
	rows, cols := shape(m, k, tA)
	a := newMatrix(rng, rows, cols)
	rows, cols = shape(k, n, tB)
	b, c := newMatrix(rng, rows, cols), newMatrix(rng, m, n)
	alpha, beta := float32(rng.NormFloat64()), []float32{0, 1, -0.7}[rng.IntN(3)]
	before := c.copy()
	if beta == 0 { // what was there is not to be read
		for i := range m {
			for j := range n {
				c.data[i*c.stride+j] = float32(math.NaN())
			}
		}
	}
	want := c.copy()
	impl := simdblas.Implementation{Threads: 1 + rng.IntN(4)}
	impl.Sgemm(tA, tB, m, n, k, alpha, a.data, a.stride, b.data, b.stride, beta, c.data, c.stride)
	for i := range m {
		for j := range n {
			sum, size := 0.0, 0.0
			for l := range k {
				v := a.at(i, l, tA) * b.at(l, j, tB)
				sum, size = sum+v, size+math.Abs(v)
			}
			old := float64(beta) * float64(before.data[i*c.stride+j])
			sum, size = float64(alpha)*sum+old, math.Abs(float64(alpha))*size+math.Abs(old)
			got := float64(c.data[i*c.stride+j])
			if !(math.Abs(got-sum) <= 4e-6*size) {
				t.Fatalf("%c%c m %d n %d k %d: %v at %d, %d, want %v", tA, tB, m, n, k, got, i, j, sum)
			}
			want.data[i*c.stride+j] = c.data[i*c.stride+j]
		}
	}
	requireBits(t, want.all, c.all)
}

func requireBits(t *testing.T, want, got []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(want[i]) != math.Float32bits(got[i]) {
			t.Fatalf("%v at %d, want the bits of %v", got[i], i, want[i])
		}
	}
}

// product returns op(a)·op(b) of matrices given untransposed.
func product(impl blas.Float32, tA, tB blas.Transpose, m, n, k int, a, b []float32) []float32 {
	lda, ldb := k, n
	if tA != blas.NoTrans {
		a, lda = transposed(a, m, k), m
	}
	if tB != blas.NoTrans {
		b, ldb = transposed(b, k, n), k
	}
	c := make([]float32, m*n)
	impl.Sgemm(tA, tB, m, n, k, 1.3, a, lda, b, ldb, 0, c, n)
	return c
}

func transposed(x []float32, rows, cols int) []float32 {
	y := make([]float32, len(x))
	for i := range rows {
		for j := range cols {
			y[j*rows+i] = x[i*cols+j]
		}
	}
	return y
}

// An element's bits are those of its row and column alone: not of the transposition,
// the other rows and columns, the threads or the instruction set.
func TestSgemmBitsAreTheElements(t *testing.T) {
	if !loops.Accelerated() {
		t.Skip("gonum's own Sgemm has no such order")
	}
	const m, n, k = 53, 700, 601
	a, b := random(m*k), random(k*n)
	want := product(simdblas.Implementation{Threads: 1}, blas.NoTrans, blas.Trans, m, n, k, a, b)
	eachVariant(t, func(t *testing.T) {
		if !loops.Accelerated() {
			t.Skip("gonum's own")
		}
		for threads := 1; threads <= 4; threads++ {
			impl := simdblas.Implementation{Threads: threads}
			for _, tA := range transposes[:2] {
				for _, tB := range transposes[:2] {
					for _, rows := range []int{1, 2, 4, 8, 9, 12, 13, m} {
						got := product(impl, tA, tB, rows, n, k, a[:rows*k], b)
						requireBits(t, want[:rows*n], got)
					}
					for _, cols := range []int{1, 3, 32, 33} {
						few := columns(b, n, cols)
						got := product(impl, tA, tB, m, cols, k, a, few)
						requireBits(t, columns(want, n, cols), got)
					}
				}
			}
		}
	})
}

// columns returns the first columns of a matrix.
func columns(x []float32, stride, cols int) []float32 {
	var y []float32
	for i := 0; i < len(x); i += stride {
		y = append(y, x[i:i+cols]...)
	}
	return y
}

// The comparison above can fail: one operand that is a little different shows.
func TestComparisonOfBitsCanFail(t *testing.T) {
	const m, n, k = 53, 700, 601
	a, b := random(m*k), random(k*n)
	before := product(simdblas.Implementation{}, blas.NoTrans, blas.Trans, m, n, k, a, b)
	b[5*n+3] += 1e-3
	after := product(simdblas.Implementation{}, blas.NoTrans, blas.Trans, m, n, k, a, b)
	require.False(t, slices.Equal(before, after))
}

func TestSgemvIsTheProduct(t *testing.T) {
	eachVariant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 1))
		for range 400 {
			m, n := rng.IntN(101), rng.IntN(101)
			if rng.IntN(20) == 0 {
				m, n = 900, 800
			}
			checkSgemv(t, rng, transposes[rng.IntN(3)], m, n)
		}
	})
}

func checkSgemv(t *testing.T, rng *rand.Rand, tA blas.Transpose, m, n int) {
	t.Helper()
	a := newMatrix(rng, m, n)
	out, in := shape(m, n, tA)
	incs := []int{1, 1, 2, -1, -3}
	incX, incY := incs[rng.IntN(5)], incs[rng.IntN(5)]
	x, y := newVector(rng, in, incX), newVector(rng, out, incY)
	alpha, beta := float32(rng.NormFloat64()), []float32{0, 1, -0.7}[rng.IntN(3)]
	before, want := y.copy(), y.copy()
	impl := simdblas.Implementation{Threads: 1 + rng.IntN(3)}
	impl.Sgemv(tA, m, n, alpha, a.data, a.stride, x.data, incX, beta, y.data, incY)
	for i := range out {
		if m == 0 || n == 0 {
			break
		}
		sum, size := 0.0, 0.0
		for l := range in {
			v := a.at(i, l, tA) * float64(x.data[place(l, in, incX)])
			sum, size = sum+v, size+math.Abs(v)
		}
		at := place(i, out, incY)
		old := float64(beta) * float64(before.data[at])
		sum, size = float64(alpha)*sum+old, math.Abs(float64(alpha))*size+math.Abs(old)
		if got := float64(y.data[at]); !(math.Abs(got-sum) <= 4e-6*size) {
			t.Fatalf("%c m %d n %d: %v at %d, want %v", tA, m, n, got, i, sum)
		}
		want.data[at] = y.data[at]
	}
	requireBits(t, want.all, y.all)
}

// newVector is a vector of n elements inc apart, with NaN between and around them.
func newVector(rng *rand.Rand, n, inc int) matrix {
	step := max(inc, -inc)
	v := newMatrix(rng, 1, max(0, (n-1)*step+1))
	for i := range v.data {
		if i%step != 0 {
			v.data[i] = float32(math.NaN())
		}
	}
	return v
}

// place returns where element i of n is.
func place(i, n, inc int) int {
	if inc < 0 {
		return (i - n + 1) * inc
	}
	return i * inc
}

// Vectors give gonum's results up to rounding, for every length, stride and alignment.
func TestVectorsAreGonums(t *testing.T) {
	eachVariant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 1))
		own := gonum.Implementation{}
		impl := simdblas.Implementation{}
		for n := range 101 {
			for _, inc := range []int{1, 1, 1, 2} {
				x, y := newVector(rng, n, inc), newVector(rng, n, inc)
				size := own.Sasum(n, x.data, inc) * 4
				near := func(want, got float32) { require.InDelta(t, want, got, float64(2e-6*size), "%d by %d", n, inc) }
				near(own.Sdot(n, x.data, inc, y.data, inc), impl.Sdot(n, x.data, inc, y.data, inc))
				near(float32(own.Dsdot(n, x.data, inc, y.data, inc)), float32(impl.Dsdot(n, x.data, inc, y.data, inc)))
				near(own.Sdsdot(n, 2, x.data, inc, y.data, inc), impl.Sdsdot(n, 2, x.data, inc, y.data, inc))
				near(own.Snrm2(n, x.data, inc), impl.Snrm2(n, x.data, inc))
				near(own.Sasum(n, x.data, inc), impl.Sasum(n, x.data, inc))
				require.Equal(t, own.Isamax(n, x.data, inc), impl.Isamax(n, x.data, inc))
				want, got := y.copy(), y.copy()
				own.Saxpy(n, 0.7, x.data, inc, want.data, inc)
				impl.Saxpy(n, 0.7, x.data, inc, got.data, inc)
				requireNear(t, want.all, got.all)
				own.Sscal(n, -0.7, want.data, inc)
				impl.Sscal(n, -0.7, got.data, inc)
				requireNear(t, want.all, got.all)
			}
		}
	})
}

func requireNear(t *testing.T, want, got []float32) {
	t.Helper()
	for i, w := range want {
		if !(math.Abs(float64(w-got[i])) <= 1e-6) && !(w != w && got[i] != got[i]) {
			t.Fatalf("%v at %d, want %v", got[i], i, w)
		}
	}
}

// Norms of numbers whose squares float32 cannot hold, and the odd cases of Isamax.
func TestOddNumbers(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	eachVariant(t, func(t *testing.T) {
		impl, own := simdblas.Implementation{}, gonum.Implementation{}
		for _, v := range []float32{3e38 / 16, 1e-38, 1e-42} {
			x := make([]float32, 100)
			for i := range x {
				x[i] = v
			}
			require.InEpsilon(t, 10*float64(v), float64(impl.Snrm2(100, x, 1)), 1e-4)
		}
		for _, at := range []int{0, 1, 63, 64, 511, 512, 1299} {
			for _, odd := range []float32{nan, inf, -inf, -9, 9} {
				x := random(1300)
				x[at] = odd
				require.Equal(t, own.Isamax(1300, x, 1), impl.Isamax(1300, x, 1), "%v at %d", odd, at)
			}
		}
		require.Equal(t, 0, impl.Isamax(2, []float32{nan, nan}, 1))
		require.Equal(t, 1, impl.Isamax(3, []float32{1, -2, 2}, 1))
		// gonum's Sgemm takes 0 · Inf for 0; here it is what it is.
		if loops.Accelerated() {
			c := []float32{0}
			impl.Sgemm(blas.NoTrans, blas.NoTrans, 1, 1, 1, 1, []float32{0}, 1, []float32{inf}, 1, 0, c, 1)
			require.True(t, c[0] != c[0])
		}
	})
}

// Arguments that gonum refuses panic with gonum's words, and nothing is written.
func TestPanicsAreGonums(t *testing.T) {
	eachVariant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(4, 1))
		refused := 0
		for range 20000 {
			call := badCall(rng)
			want := panicOf(func() { call(gonum.Implementation{}) })
			require.Equal(t, want, panicOf(func() { call(simdblas.Implementation{}) }))
			if want != nil {
				refused++
			}
		}
		require.Greater(t, refused, 5000)
	})
}

// badCall returns a call with arguments that are often wrong.
func badCall(rng *rand.Rand) func(impl blas.Float32) {
	tA, tB := blas.Transpose("NTCX"[rng.IntN(4)]), blas.Transpose("NTCX"[rng.IntN(4)])
	m, n, k := rng.IntN(5)-1, rng.IntN(5)-1, rng.IntN(5)-1
	alpha, beta := float32(rng.IntN(3)), float32(rng.IntN(3))
	lda, ldb, ldc := rng.IntN(6), rng.IntN(6), rng.IntN(6)
	a, b, c := rng.IntN(14), rng.IntN(14), rng.IntN(14)
	incX, incY := rng.IntN(5)-2, rng.IntN(5)-2
	vector := func(n int) []float32 { return make([]float32, n) }
	switch rng.IntN(10) {
	case 0, 1, 2:
		return func(impl blas.Float32) {
			impl.Sgemm(tA, tB, m, n, k, alpha, vector(a), lda, vector(b), ldb, beta, vector(c), ldc)
		}
	case 3, 4:
		return func(impl blas.Float32) {
			impl.Sgemv(tA, m, n, alpha, vector(a), lda, vector(b), incX, beta, vector(c), incY)
		}
	case 5:
		return func(impl blas.Float32) { impl.Saxpy(n, alpha, vector(a), incX, vector(b), incY) }
	case 6:
		return func(impl blas.Float32) { impl.Sdot(n, vector(a), incX, vector(b), incY) }
	case 7:
		return func(impl blas.Float32) {
			impl.Dsdot(n, vector(a), incX, vector(b), incY)
			impl.Sdsdot(n, alpha, vector(a), incX, vector(b), incY)
		}
	case 8:
		return func(impl blas.Float32) {
			impl.Snrm2(n, vector(a), incX)
			impl.Sasum(n, vector(a), incX)
		}
	}
	return func(impl blas.Float32) {
		impl.Isamax(n, vector(a), incX)
		impl.Sscal(n, alpha, vector(a), incX)
	}
}

func panicOf(f func()) (r any) {
	defer func() {
		if r = recover(); r != nil {
			r = fmt.Sprint(r)
		}
	}()
	f()
	return nil
}

// One thread allocates nothing once its scratch is there.
func TestOneThreadAllocatesNothing(t *testing.T) {
	impl := simdblas.Implementation{Threads: 1}
	const m, n, k = 20, 100, 90
	a, b, c := random(m*k), random(n*k), make([]float32, m*n)
	if !loops.Accelerated() {
		t.Skip("gonum's own")
	}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		impl.Sgemm(blas.NoTrans, blas.Trans, m, n, k, 1, a, k, b, k, 0, c, n)
		impl.Sgemv(blas.NoTrans, m, k, 1, a, k, b, 1, 0, c, 1)
		impl.Sdot(k, a, 1, b, 1)
	}))
}

func Example() {
	// snippet: use
	blas32.Use(simdblas.Implementation{})
	// end: use
	a := blas32.General{Rows: 2, Cols: 3, Stride: 3, Data: []float32{1, 2, 3, 4, 5, 6}}
	b := blas32.General{Rows: 3, Cols: 2, Stride: 2, Data: []float32{1, 0, 0, 1, 1, 1}}
	c := blas32.General{Rows: 2, Cols: 2, Stride: 2, Data: make([]float32, 4)}
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c)
	fmt.Println(c.Data)
	// Output: [4 5 10 11]
}
