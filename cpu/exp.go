// SPDX-License-Identifier: Apache-2.0

package cpu

import "math"

// exp returns eˣ within 2 units in the last place, which includes subnormal
// results, 0 and infinity.
//
// x = n·ln 2 + r with |r| <= ln 2 / 2. eʳ is 1 + r + r²·q(r), where q is the
// polynomial of degree 4 whose relative error, 2⁻²⁸, is the least. ln 2 is split
// so that n times its upper part is exact (Cody and Waite 1980, chapter 6).
//
// It stays in float32 because conversions would tie an iteration of the
// caller's loop to the one before: CVTSS2SD keeps half of its destination.
func exp(x float32) float32 {
	const (
		least, most = -104, 89 // beyond them 0 and infinity
		log2e       = 1 / math.Ln2
		ln2Hi       = 0.693359375
		ln2Lo       = math.Ln2 - ln2Hi
		shift       = 3 << 22 // adding it rounds to an integer, left in the low bits
		shiftBits   = 0x4b400000
	)
	if x < least {
		return 0
	}
	if x > most {
		return float32(math.Inf(1))
	}
	t := x*log2e + shift
	n := int32(math.Float32bits(t)) - shiftBits
	t -= shift // NaN from here on if x is
	r := x - t*ln2Hi - t*ln2Lo
	s := r * r
	q := 0.49999993 + r*0.1666652 + s*(0.04166839+r*0.008368745+s*0.001381454)
	p := 1 + (r + s*q)
	// Two steps: 2ⁿ itself may be too large or too small for a float32.
	return p * power2(n>>1) * power2(n-n>>1)
}

// power2 returns 2ⁿ for -126 <= n <= 127.
func power2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }
