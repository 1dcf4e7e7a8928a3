// SPDX-License-Identifier: Apache-2.0

package simd

import "math"

// Exp returns eˣ within 2 units in the last place, which includes subnormal
// results, 0 and infinity.
//
// x = n·ln 2 + r with |r| <= ln 2 / 2. eʳ is 1 + r + r²·q(r), where q is the
// polynomial of degree 4 whose relative error, 2⁻²⁸, is the least. ln 2 is split
// so that n times its upper part is exact (Cody and Waite 1980, chapter 6).
//
// Products are rounded before they are added, on every processor, so that the
// vector loops give the same bits.
func Exp(x float32) float32 {
	const (
		least, most = -104, 89 // beyond them the result is that at them, 0 or infinity
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
	t := float32(x*log2e) + shift
	n := int32(math.Float32bits(t)) - shiftBits
	t -= shift // NaN from here on if x is
	r := x - float32(t*ln2Hi) - float32(t*ln2Lo)
	s := float32(r * r)
	q := 0.49999993 + float32(r*0.1666652)
	q += float32(s * (0.04166839 + float32(r*0.008368745) + float32(s*0.001381454)))
	p := 1 + (r + float32(s*q))
	// Two steps: 2ⁿ itself may be too large or too small for a float32.
	return float32(p*power2(n>>1)) * power2(n-n>>1)
}

// power2 returns 2ⁿ for -126 <= n <= 127.
func power2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }
