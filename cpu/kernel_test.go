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

// However many workers share a weight, every output is one that Dots computes: else its
// bits would tell how many there were.
func TestGrainLeavesDotsAllOutputs(t *testing.T) {
	const in = 4864
	for _, n := range []int{1, manyRows - 1, manyRows, 128} {
		for out := 4; out < 400; out++ {
			for workers := 1; workers < 9; workers++ {
				a := matMulArgs{n: n, in: in, out: out}
				grain := a.grain(2*in*out, workers)
				require.Zero(t, grain%4)
				require.NotContains(t, []int{1, 2, 3}, out%grain, "%d rows, %d outputs, %d workers", n, out, workers)
			}
		}
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
