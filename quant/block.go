// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"math"

	"github.com/zenlm/zen/tensor"
)

//go:generate sh -c "cd _gen && go run . -out ../quant_amd64.s -stubs ../quant_stubs_amd64.go -pkg quant && sed -i '1i // SPDX-License-Identifier: Apache-2.0' ../quant_amd64.s ../quant_stubs_amd64.go"

// blockQ8 quantises 64 weights to -127..127 and returns the F16 scale, the one that
// brings the largest of them to the end of the range.
func blockQ8(q *[block]int8, w *[block]float32) uint16 {
	largest := extreme(w[:])
	scale := tensor.F32ToF16(largest / 127)
	quantize(q[:], w[:], scale, -127, 127)
	return scale &^ 0x8000
}

// divisors are what the weight of largest magnitude, with its sign, may become in
// four bits. Most blocks do best when it is clipped a little or lies a little
// inside; of these eight the best leaves an error within 0.2 % of a search over
// twenty.
var divisors = [8]float32{-9, -8.5, -8, -7.5, -7, 7, 7.5, 8}

// blockQ4 quantises 32 weights to -8..7 and returns the F16 scale: the one of
// smallest squared error among those that divisors give, each refined by least
// squares.
func blockQ4(q *[half]int8, w *[half]float32) uint16 {
	largest := extreme(w[:])
	if largest != largest {
		quantize(q[:], w[:], f16NaN, -8, 7)
		return f16NaN
	}
	var scale, err [8]float32
	for i, d := range divisors {
		scale[i] = largest / d
	}
	fit(w, &scale, &err)
	best := 0
	for i, e := range err {
		if e < err[best] {
			best = i
		}
	}
	s := tensor.F32ToF16(scale[best])
	quantize(q[:], w[:], s, -8, 7)
	return s
}

const f16NaN = 0x7e00

// quantize writes the integers of w for a scale. A negative scale of a Q8 block,
// which stores its magnitude, has come from a negative weight: the sign drops out.
func quantize(q []int8, w []float32, scale uint16, low, high float32) {
	s := tensor.F16ToF32(scale)
	if low == -high {
		s = float32(math.Abs(float64(s)))
	}
	if s == 0 || s != s {
		clear(q)
		return
	}
	roundAll(q, w, 1/s, low, high)
}

// fitGeneric refines each scale by least squares over the integers it gives, both
// rounded to F16, and sets err to Σ(w - q·scale)² of the result.
func fitGeneric(w *[half]float32, scale, err *[8]float32) {
	for c := range scale {
		s := tensor.F16ToF32(tensor.F32ToF16(scale[c]))
		inv := 1 / s
		var wq, qq float32
		for _, x := range w {
			q := round(x, inv, -8, 7)
			wq += float32(x * q)
			qq += float32(q * q)
		}
		if qq != 0 {
			s = tensor.F16ToF32(tensor.F32ToF16(wq / qq))
		}
		inv = 1 / s
		err[c] = 0
		for _, x := range w {
			d := x - float32(round(x, inv, -8, 7)*s)
			err[c] += float32(d * d)
		}
		scale[c] = s
	}
}

// roundGeneric sets q to the integers nearest to w·inv, within bounds.
func roundGeneric(q []int8, w []float32, inv, low, high float32) {
	for i, x := range w {
		q[i] = int8(round(x, inv, low, high))
	}
}

// round returns the nearest integer to x·inv, ties to even, within bounds, and low
// for NaN.
func round(x, inv, low, high float32) float32 {
	const shift = 3 << 22 // where a float32 has no fraction bits left
	v := float32(float32(x*inv)+shift) - shift
	if !(v > low) {
		v = low
	}
	if !(v < high) {
		v = high
	}
	return v
}

// extreme returns the value of largest magnitude, with its sign, or NaN where one
// is not finite.
func extreme(w []float32) float32 {
	const sign, infinity = 1 << 31, 0x7f800000
	largest := uint32(0)
	for _, x := range w {
		b := math.Float32bits(x)
		if b&^sign > largest&^sign {
			largest = b
		}
	}
	if largest&^sign >= infinity {
		return float32(math.NaN())
	}
	return math.Float32frombits(largest)
}
