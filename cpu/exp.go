// SPDX-License-Identifier: Apache-2.0

package cpu

import "math"

// exp returns eˣ with a relative error below 2⁻²⁷, so that its float32 is within
// 1 unit in the last place; 0 and infinity beyond ±700.
//
// x = n·ln 2 + r with |r| <= ln 2 / 2, and eʳ is its Taylor polynomial of degree
// 7, whose remainder is below r⁸/8!·e^|r| < 2⁻²⁷.
func exp(x float64) float64 {
	const (
		limit = 700 // 2ⁿ is a normal float64
		log2e = 1 / math.Ln2
		shift = 3 << 51 // adding it rounds to an integer, left in the low 51 bits
	)
	switch {
	case x < -limit:
		return 0
	case x > limit:
		return math.Inf(1)
	case x != x:
		return x
	}
	t := x*log2e + shift
	n := int64(math.Float64bits(t)<<13) >> 13
	r := x - (t-shift)*math.Ln2
	p := 1 + r*(1+r*(1./2+r*(1./6+r*(1./24+r*(1./120+r*(1./720+r*(1./5040)))))))
	return p * math.Float64frombits(uint64(n+1023)<<52)
}
