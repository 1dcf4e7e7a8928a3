// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
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
