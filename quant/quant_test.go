// SPDX-License-Identifier: Apache-2.0

package quant_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/quant"
	"github.com/zenlm/zen/tensor"
)

func normal(out, in int, seed uint64) *tensor.Tensor {
	rng := rand.New(rand.NewPCG(seed, 0))
	w := make([]float32, out*in)
	for i := range w {
		w[i] = float32(rng.NormFloat64()) * 0.02
	}
	return tensor.FromFloat32(w, out, in)
}

func quantize(t testing.TB, format tensor.DType, host *tensor.Tensor) *tensor.Tensor {
	t.Helper()
	read := 0
	q, err := quant.Quantize(context.Background(), format, host, 2,
		func(n int) ([]byte, error) { return make([]byte, n), nil }, func(n int) { read += n })
	require.NoError(t, err)
	require.InDelta(t, host.Bytes(), read, float64(host.Bytes())/2)
	return q
}

// relativeError returns the root of Σ(w - q)² / Σw².
func relativeError(host, q *tensor.Tensor) float64 {
	in := host.Dim(1)
	want, got := make([]float32, in), make([]float32, in)
	diff, total := 0.0, 0.0
	for i := range host.Dim(0) {
		quant.Matrix{Tensor: host}.Row(want, i)
		quant.Dequantize(got, q, i)
		for j, w := range want {
			d := float64(w) - float64(got[j])
			diff += d * d
			total += float64(w) * float64(w)
		}
	}
	return math.Sqrt(diff / total)
}

// The bounds are the errors of Q8_0 and Q4_0, an absmax scale for 32 weights, on
// the same weights: 0.0050 at 8.5 bits and 0.0858 at 4.5.
func TestErrorOnNormalWeights(t *testing.T) {
	host := normal(256, 2048, 1)
	require.Less(t, relativeError(host, quantize(t, tensor.Q8, host)), 0.0060)
	require.Less(t, relativeError(host, quantize(t, tensor.Q4, host)), 0.0815)
}

func TestOddShapesKeepEveryWeight(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {1, 64}, {15, 63}, {16, 65}, {17, 31}, {33, 97}, {5, 32}, {48, 128}} {
		host := normal(shape[0], shape[1], 7)
		for format, bound := range map[tensor.DType]float64{tensor.Q8: 0.01, tensor.Q4: 0.13} {
			q := quantize(t, format, host)
			require.Less(t, relativeError(host, q), bound, "%v %v", format, shape)
		}
	}
}

func TestValuesOnTheGridAreExact(t *testing.T) {
	w := make([]float32, 64)
	for i := range w {
		w[i] = float32(i%16-8) * 0.25
	}
	host := tensor.FromFloat32(w, 1, 64)
	require.Zero(t, relativeError(host, quantize(t, tensor.Q4, host)))
	for i := range w {
		w[i] = float32(i*4-127) * 0.5
	}
	require.Zero(t, relativeError(host, quantize(t, tensor.Q8, host)))
}

func TestNonFiniteWeightsShow(t *testing.T) {
	for _, format := range []tensor.DType{tensor.Q8, tensor.Q4} {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			host := normal(2, 128, 3)
			tensor.Slice[float32](host)[70] = float32(bad)
			row := make([]float32, 128)
			q := quantize(t, format, host)
			quant.Dequantize(row, q, 0)
			require.True(t, math.IsNaN(float64(row[70])))
			require.False(t, math.IsNaN(float64(row[3])), "other blocks are untouched")
			quant.Dequantize(row, q, 1)
			require.False(t, math.IsNaN(float64(row[70])), "other rows are untouched")
		}
	}
}

func TestZeroAndTinyWeights(t *testing.T) {
	for _, v := range []float32{0, 1e-12, math.SmallestNonzeroFloat32} {
		w := make([]float32, 64)
		w[9] = v
		host := tensor.FromFloat32(w, 1, 64)
		for _, format := range []tensor.DType{tensor.Q8, tensor.Q4} {
			row := make([]float32, 64)
			quant.Dequantize(row, quantize(t, format, host), 0)
			for i, x := range row {
				require.LessOrEqual(t, math.Abs(float64(x-w[i])), float64(v), "%v: %v", format, v)
			}
		}
	}
}

func TestCancelEndsQuantize(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	_, err := quant.Quantize(ctx, tensor.Q8, normal(64, 64, 1), 1,
		func(n int) ([]byte, error) { return make([]byte, n), nil }, func(int) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
}

// Any weights come back within half a step of their block's scale, or NaN.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint64(1), float32(0.02), float32(3))
	f.Add(uint64(2), float32(1e30), float32(-1e38))
	f.Add(uint64(3), float32(1e-30), float32(1e-40))
	f.Fuzz(func(t *testing.T, seed uint64, sigma, outlier float32) {
		rng := rand.New(rand.NewPCG(seed, 1))
		in := 1 + int(seed%130)
		w := make([]float32, in)
		for i := range w {
			w[i] = float32(rng.NormFloat64()) * sigma
		}
		w[rng.IntN(in)] = outlier
		host := tensor.FromFloat32(w, 1, in)
		for format, levels := range map[tensor.DType]float64{tensor.Q8: 127, tensor.Q4: 7} {
			row := make([]float32, in)
			quant.Dequantize(row, quantize(t, format, host), 0)
			for i, x := range row {
				block := w[i/64*64 : min(in, i/64*64+64)]
				largest, finite := 0.0, true
				for _, v := range block {
					largest = max(largest, math.Abs(float64(v)))
					finite = finite && v-v == 0
				}
				if !finite || largest > 65000*levels { // F16 has no such scale
					continue
				}
				if d := math.Abs(float64(x) - float64(w[i])); !(d <= largest*1.5/levels+1e-4) {
					t.Fatalf("%v: %v became %v in a block up to %v", format, w[i], x, largest)
				}
			}
		}
	})
}

func ExampleQuantize() {
	host := tensor.FromFloat32([]float32{-8, -4, 0, 1, 2, 7, 3, -1}, 1, 8)
	alloc := func(n int) ([]byte, error) { return make([]byte, n), nil }
	q, err := quant.Quantize(context.Background(), tensor.Q4, host, 1, alloc, func(int) {})
	if err != nil {
		panic(err)
	}
	row := make([]float32, 8)
	quant.Dequantize(row, q, 0)
	fmt.Println(q.DType, row)
	// Output: Q4 [-8 -4 0 1 2 7 3 -1]
}

func BenchmarkQuantize(b *testing.B) {
	host := normal(256, 2048, 1)
	for _, format := range []tensor.DType{tensor.Q8, tensor.Q4} {
		b.Run("format="+format.String(), func(b *testing.B) {
			b.SetBytes(int64(host.Len()))
			for b.Loop() {
				quantize(b, format, host)
			}
		})
	}
}
