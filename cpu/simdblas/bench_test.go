// SPDX-License-Identifier: Apache-2.0

package simdblas_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/zenlm/zen/cpu/simdblas"
)

// each benchmarks gonum's own beside this package's.
func each(b *testing.B, name string, bench func(b *testing.B, impl blas.Float32)) {
	b.Run("impl=gonum/"+name, func(b *testing.B) { bench(b, gonum.Implementation{}) })
	b.Run("impl=simdblas/"+name, func(b *testing.B) { bench(b, simdblas.Implementation{}) })
}

func random(n int) []float32 {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

func BenchmarkSgemm(b *testing.B) {
	for _, s := range [][3]int{
		{64, 64, 64}, {128, 128, 128}, {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048},
		{1, 2048, 2048}, {4, 2048, 2048}, {8, 2048, 2048}, {2048, 4, 2048},
	} {
		m, n, k := s[0], s[1], s[2]
		x, y, c := random(m*k), random(n*k), make([]float32, m*n)
		for _, tB := range []blas.Transpose{blas.NoTrans, blas.Trans} {
			ldb := n
			if tB == blas.Trans {
				ldb = k
			}
			each(b, fmt.Sprintf("b=%c/m=%d/n=%d/k=%d", tB, m, n, k), func(b *testing.B, impl blas.Float32) {
				for b.Loop() {
					impl.Sgemm(blas.NoTrans, tB, m, n, k, 1, x, k, y, ldb, 0, c, n)
				}
				b.ReportMetric(2*float64(m*n*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

func BenchmarkSgemv(b *testing.B) {
	for _, n := range []int{256, 2048} {
		a, x, y := random(n*n), random(n), make([]float32, n)
		for _, tA := range []blas.Transpose{blas.NoTrans, blas.Trans} {
			each(b, fmt.Sprintf("a=%c/m=%d/n=%d", tA, n, n), func(b *testing.B, impl blas.Float32) {
				b.SetBytes(int64(4 * n * n))
				for b.Loop() {
					impl.Sgemv(tA, n, n, 1, a, n, x, 1, 0, y, 1)
				}
			})
		}
	}
}

func BenchmarkLevel1(b *testing.B) {
	var sink float64
	for _, n := range []int{64, 1024, 16384} {
		x, y := random(n), random(n)
		for _, op := range []struct {
			name string
			f    func(impl blas.Float32)
		}{
			{"Sdot", func(impl blas.Float32) { sink += float64(impl.Sdot(n, x, 1, y, 1)) }},
			{"Dsdot", func(impl blas.Float32) { sink += impl.Dsdot(n, x, 1, y, 1) }},
			{"Saxpy", func(impl blas.Float32) { impl.Saxpy(n, 1e-9, x, 1, y, 1) }},
			{"Snrm2", func(impl blas.Float32) { sink += float64(impl.Snrm2(n, x, 1)) }},
			{"Sscal", func(impl blas.Float32) { impl.Sscal(n, -1, x, 1) }},
			{"Sasum", func(impl blas.Float32) { sink += float64(impl.Sasum(n, x, 1)) }},
			{"Isamax", func(impl blas.Float32) { sink += float64(impl.Isamax(n, x, 1)) }},
		} {
			each(b, fmt.Sprintf("op=%s/n=%d", op.name, n), func(b *testing.B, impl blas.Float32) {
				for b.Loop() {
					op.f(impl)
				}
			})
		}
	}
}
