// SPDX-License-Identifier: Apache-2.0

package cpu

import "math"

// Conversions between float32 and the 16-bit types. Widening is exact, narrowing
// rounds to nearest, ties to even; NaN stays NaN.

const (
	f32Infinity = 0x7f800000
	f32Quiet    = 0x00400000
	sign16      = 0x8000
)

// f16ToF32 returns the value of a binary16.
func f16ToF32(h uint16) float32 {
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

// f32ToF16 returns the binary16 nearest to f.
func f32ToF16(f float32) uint16 {
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

// bf16ToF32 returns the value of a bfloat16.
func bf16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// f32ToBF16 returns the bfloat16 nearest to f.
func f32ToBF16(f float32) uint16 {
	bits := math.Float32bits(f)
	if bits&^(1<<31) > f32Infinity {
		return uint16((bits | f32Quiet) >> 16)
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// f16Normal reports whether h is neither zero, subnormal, infinite nor NaN: its
// exponent is neither 0 nor 31.
func f16Normal(h uint16) bool { return (h+1<<10)&0x7800 != 0 }

// f16NormalToF32 is f16ToF32 of a normal value: sign extension leaves the sign
// where float32 has it.
func f16NormalToF32(h uint16) float32 {
	return math.Float32frombits(uint32(int16(h))<<13&0x8fffe000 + (127-15)<<23)
}

// widenF16 widens four elements at once where all are normal, as most weights
// are.
func widenF16(dst []float32, src []uint16) {
	for len(src) >= 4 && len(dst) >= 4 {
		d, s := (*[4]float32)(dst), (*[4]uint16)(src)
		if f16Normal(s[0]) && f16Normal(s[1]) && f16Normal(s[2]) && f16Normal(s[3]) {
			d[0], d[1] = f16NormalToF32(s[0]), f16NormalToF32(s[1])
			d[2], d[3] = f16NormalToF32(s[2]), f16NormalToF32(s[3])
		} else {
			for i, h := range s {
				d[i] = f16ToF32(h)
			}
		}
		dst, src = dst[4:], src[4:]
	}
	dst = dst[:len(src)]
	for i, h := range src {
		dst[i] = f16ToF32(h)
	}
}

func widenBF16(dst []float32, src []uint16) {
	for len(src) >= 8 && len(dst) >= 8 {
		d, s := (*[8]float32)(dst), (*[8]uint16)(src)
		d[0], d[1], d[2], d[3] = bf16ToF32(s[0]), bf16ToF32(s[1]), bf16ToF32(s[2]), bf16ToF32(s[3])
		d[4], d[5], d[6], d[7] = bf16ToF32(s[4]), bf16ToF32(s[5]), bf16ToF32(s[6]), bf16ToF32(s[7])
		dst, src = dst[8:], src[8:]
	}
	dst = dst[:len(src)]
	for i, h := range src {
		dst[i] = bf16ToF32(h)
	}
}

// i8Values is every int8 as float32. A load is twice as fast as CVTSI2SS, see
// BenchmarkKernel/widenI8.
var i8Values = func() (values [256]float32) {
	for i := range values {
		values[i] = float32(int8(i))
	}
	return values
}()

// widenI8 sets dst[i] = src[i] · scales[i/64], which float32 holds exactly.
func widenI8(dst []float32, src []int8, scales []uint16) {
	for _, h := range scales {
		scale := f16ToF32(h)
		block := src[:quantBlock]
		for len(block) >= 8 && len(dst) >= 8 {
			d, s := (*[8]float32)(dst), (*[8]int8)(block)
			d[0], d[1] = i8Values[uint8(s[0])]*scale, i8Values[uint8(s[1])]*scale
			d[2], d[3] = i8Values[uint8(s[2])]*scale, i8Values[uint8(s[3])]*scale
			d[4], d[5] = i8Values[uint8(s[4])]*scale, i8Values[uint8(s[5])]*scale
			d[6], d[7] = i8Values[uint8(s[6])]*scale, i8Values[uint8(s[7])]*scale
			dst, block = dst[8:], block[8:]
		}
		src = src[quantBlock:]
	}
}

func narrowF16(dst []uint16, src []float32) {
	dst = dst[:len(src)]
	for i, f := range src {
		dst[i] = f32ToF16(f)
	}
}

func narrowBF16(dst []uint16, src []float32) {
	dst = dst[:len(src)]
	for i, f := range src {
		dst[i] = f32ToBF16(f)
	}
}
