// SPDX-License-Identifier: Apache-2.0

//go:build !arm64

package simd

import "math"

// FMA returns a·b + c, rounded once.
func FMA(a, b, c float32) float32 { return fma(a, b, c) }

func fma(a, b, c float32) float32 {
	// The product is exact. What the sum loses in float64 makes its last bit odd, so
	// that rounding it again to float32 sees that something was lost.
	x, y := float64(a)*float64(b), float64(c)
	sum := x + y
	d := sum - x
	lost := (x - (sum - d)) + (y - d)
	if bits := math.Float64bits(sum); (lost < 0 || lost > 0) && bits&1 == 0 {
		if (lost > 0) == (sum > 0) {
			bits++
		} else {
			bits--
		}
		sum = math.Float64frombits(bits)
	}
	return float32(sum)
}
