// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"

	"github.com/zenlm/zen/quant"
	"github.com/zenlm/zen/tensor"
)

// format rounds matrices.
type format struct {
	name string
	bits float64 // a weight
	// round returns a matrix [out, in] of F32 as the format has it, in F32. in is a
	// multiple of 64.
	round func(ctx context.Context, t *tensor.Tensor) *tensor.Tensor
}

func formats() []format {
	return []format{
		{"Q8_0", 8.5, blocks(32, q8_0)},
		{"INT8", 8.25, own(tensor.Q8)},
		{"Q4_0", 4.5, blocks(32, q4_0)},
		{"INT4", 4.5, own(tensor.Q4)},
	}
}

// own is one of package quant's formats.
func own(dtype tensor.DType) func(context.Context, *tensor.Tensor) *tensor.Tensor {
	return func(ctx context.Context, t *tensor.Tensor) *tensor.Tensor {
		alloc := func(n int) ([]byte, error) { return make([]byte, n), nil }
		q, err := quant.Quantize(ctx, dtype, t, 1, alloc, func(int) {})
		if err != nil {
			panic(fmt.Sprintf("quantquality: %v", err)) // alloc does not fail and ctx does not end
		}
		out, in := t.Dim(0), t.Dim(1)
		w := make([]float32, out*in)
		for i := range out {
			quant.Dequantize(w[i*in:][:in], q, i)
		}
		return tensor.FromFloat32(w, out, in)
	}
}

// blocks rounds blocks of n weights in place.
func blocks(n int, round func(w []float32)) func(context.Context, *tensor.Tensor) *tensor.Tensor {
	return func(_ context.Context, t *tensor.Tensor) *tensor.Tensor {
		w := append([]float32(nil), tensor.Slice[float32](t)...)
		for i := 0; i < len(w); i += n {
			round(w[i : i+n])
		}
		return tensor.FromFloat32(w, t.Shape...)
	}
}

func half(f float32) float32 { return tensor.F16ToF32(tensor.F32ToF16(f)) }

// extreme returns the weight of largest magnitude, with its sign.
func extreme(w []float32) (largest float32) {
	for _, v := range w {
		if math.Abs(float64(v)) > math.Abs(float64(largest)) {
			largest = v
		}
	}
	return largest
}

func inverse(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

// q8_0 is ggml's: blocks of 32, d = max|w| / 127 in F16, q = round(w / d).
func q8_0(w []float32) {
	d := float32(math.Abs(float64(extreme(w)))) / 127
	inv := inverse(d)
	for i, v := range w {
		w[i] = float32(math.Round(float64(v*inv))) * half(d)
	}
}

// q4_0 is ggml's: blocks of 32, d = the weight of largest magnitude / -8 in F16,
// q = floor(w / d + 8.5), at most 15, for the weight (q - 8) · d.
func q4_0(w []float32) {
	d := extreme(w) / -8
	inv := inverse(d)
	for i, v := range w {
		q := min(15, math.Floor(float64(v*inv+8.5)))
		w[i] = float32(q-8) * half(d)
	}
}

// bounds are formats of package quant with the best scale that a search in float64
// finds: what its quick choice leaves.
func bounds() []format {
	return []format{
		{"INT8 bound", 8.25, blocks(64, func(w []float32) { search(w, 127, 127) })},
		{"INT4 bound", 4.5, blocks(32, func(w []float32) { search(w, 8, 7) })},
	}
}

// search rounds to -low..high with the best of 80 scales, each refined twice.
func search(w []float32, low, high float64) {
	const scales = 40
	largest := float64(extreme(w))
	best, bestErr := float32(0), math.Inf(1)
	for i := range 2 * scales {
		scale := largest / low * (0.7 + float64(i%scales)/scales*0.5)
		if i >= scales {
			scale = -scale
		}
		for range 3 {
			s := half(float32(scale))
			if e := squaredError(w, float64(s), low, high); e < bestErr {
				best, bestErr = s, e
			}
			scale = refined(w, float64(s), low, high)
		}
	}
	for i, v := range w {
		w[i] = float32(nearest(float64(v), float64(best), low, high) * float64(best))
	}
}

func nearest(v, scale, low, high float64) float64 {
	if scale == 0 {
		return 0
	}
	return min(high, max(-low, math.RoundToEven(v/scale)))
}

func squaredError(w []float32, scale, low, high float64) (sum float64) {
	for _, v := range w {
		d := float64(v) - nearest(float64(v), scale, low, high)*scale
		sum += d * d
	}
	return sum
}

// refined returns the scale of least squares for the integers that scale gives.
func refined(w []float32, scale, low, high float64) float64 {
	wq, qq := 0.0, 0.0
	for _, v := range w {
		q := nearest(float64(v), scale, low, high)
		wq, qq = wq+float64(v)*q, qq+q*q
	}
	if qq == 0 {
		return scale
	}
	return wq / qq
}
