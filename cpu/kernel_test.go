// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/zenlm/zen/tensor"
)

// BenchmarkKernel times one worker's inner loops over a row that stays in the
// first-level cache.
func BenchmarkKernel(b *testing.B) {
	const n = 2048
	dst, x := alignedFloats(n), alignedFloats(n)
	half, quants, scales := make([]uint16, n), make([]int8, n), make([]uint16, n/quantBlock)
	for i := range half {
		half[i], quants[i] = uint16(i*40503)&0x9fff|0x2000, int8(i*77) // no subnormals, as in weights
	}
	out := make([]float32, 1)
	for _, k := range []struct {
		name string
		run  func()
	}{
		{"widenBF16", func() { widenBF16(dst, half) }},
		{"widenF16", func() { widenF16(dst, half) }},
		{"widenI8", func() { widenI8(dst, quants, scales) }},
		{"narrowF16", func() { narrowF16(half, x) }},
		{"narrowBF16", func() { narrowBF16(half, x) }},
		{"Sgemm", func() {
			gonum.Implementation{}.Sgemm(blas.NoTrans, blas.Trans, 1, 1, n, 1, x, n, dst, n, 0, out, 1)
		}},
		{"exp", func() {
			for i := range dst {
				dst[i] = exp(x[i])
			}
		}},
	} {
		b.Run(k.name+"/n=2048", func(b *testing.B) {
			for b.Loop() {
				k.run()
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "G/s")
		})
	}
}

// BenchmarkGonum is what BenchmarkBackend/MatMul/weight=F32 is compared with:
// one call of gonum's Sgemm, which shares itself among goroutines.
func BenchmarkGonum(b *testing.B) {
	for _, n := range []int{2048, 11008} {
		for _, m := range []int{1, 128} {
			const k = 2048
			x, w, dst := alignedFloats(m*k), alignedFloats(n*k), alignedFloats(m*n)
			b.Run(fmt.Sprintf("Sgemm/m=%d/k=%d/n=%d", m, k, n), func(b *testing.B) {
				b.SetBytes(int64(4 * n * k))
				for b.Loop() {
					gonum.Implementation{}.Sgemm(blas.NoTrans, blas.Trans, m, n, k, 1, x, k, w, k, 0, dst, n)
				}
				b.ReportMetric(2*float64(m*n*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// BenchmarkMemory is the rate at which all workers together read memory that is
// in no cache, through gonum's inner product: the bound of MatMul with one row.
func BenchmarkMemory(b *testing.B) {
	dev, err := New(Options{})
	require.NoError(b, err)
	defer dev.Close()
	data, err := dev.Alloc(tensor.F32, 1<<28)
	require.NoError(b, err)
	dev.pointwise.a = tensor.Slice[float32](data)
	for i := range dev.pointwise.a {
		dev.pointwise.a[i] = 1 // commits the page
	}
	b.SetBytes(int64(data.Bytes()))
	for b.Loop() {
		dev.pool.run(len(dev.pointwise.a), 1<<16, func(b *Backend, w *worker, lo, hi int) {
			x := b.pointwise.a[lo:hi]
			sum := grow(&w.tile, 1)
			sum[0] += gonum.Implementation{}.Sdot(len(x), x, 1, x, 1)
		})
	}
}
