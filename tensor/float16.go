// SPDX-License-Identifier: Apache-2.0

package tensor

import "math"

// Conversions between float32 and the 16-bit types. Widening is exact, narrowing
// rounds to nearest, ties to even; NaN stays NaN.

const (
	f32Infinity = 0x7f800000
	f32Quiet    = 0x00400000
	sign16      = 0x8000
)

// F16ToF32 returns the value of a binary16.
func F16ToF32(h uint16) float32 {
	const rebias = (127 - 15) << 23
	sign, abs := uint32(h&sign16)<<16, uint32(h&^sign16)<<13
	switch {
	case abs >= 0x7c00<<13: // infinity and NaN
		return math.Float32frombits(sign | abs | f32Infinity)
	case abs < 0x0400<<13: // subnormal: 2⁻¹⁴ + x is normal, and the sum is exact
		const least = rebias + 1<<23
		v := math.Float32frombits(least+abs) - math.Float32frombits(least)
		return math.Float32frombits(sign | math.Float32bits(v))
	}
	return math.Float32frombits(sign | abs + rebias)
}

// F32ToF16 returns the binary16 nearest to f.
func F32ToF16(f float32) uint16 {
	const (
		overflow  = 0x477ff000 // 65520: halfway between the largest value and the next
		smallest  = 0x38800000 // 2⁻¹⁴, the smallest normal value
		halfBits  = 0x3f000000 // 0.5, whose unit in the last place is binary16's least value
		unbiasing = (127 - 15) << 23
	)
	bits := math.Float32bits(f)
	sign, abs := uint16(bits>>16)&sign16, bits&^(1<<31)
	switch {
	case abs > f32Infinity:
		return sign | 0x7e00 | uint16(abs>>13)&0x3ff
	case abs >= overflow:
		return sign | 0x7c00
	case abs < smallest:
		sum := math.Float32frombits(abs) + 0.5 // rounds as wanted
		return sign | uint16(math.Float32bits(sum)-halfBits)
	}
	return sign | uint16((abs-unbiasing+0xfff+abs>>13&1)>>13)
}

// BF16ToF32 returns the value of a bfloat16.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 returns the bfloat16 nearest to f.
func F32ToBF16(f float32) uint16 {
	bits := math.Float32bits(f)
	if bits&^(1<<31) > f32Infinity {
		return uint16((bits | f32Quiet) >> 16)
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
