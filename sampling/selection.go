// SPDX-License-Identifier: Apache-2.0

package sampling

import "math"

// Radix selection over the bits of float32: the key of a logit is an integer in the same order, and
// a histogram of its top 11 bits, then the next 11, then the last 10 leads to the exact element in
// three passes whatever the values are.

const (
	radixBits = 11
	bins      = 1 << radixBits
)

// radixShifts are the positions of the three digits, the last one of ten bits.
var radixShifts = [3]uint{32 - radixBits, 32 - 2*radixBits, 0}

// digit returns the digit of key at a shift of radixShifts.
func digit(key uint32, shift uint) uint32 {
	return key >> shift & (bins - 1) & digitMask(shift)
}

// digitMask is all ones but for the last digit, which has ten bits.
func digitMask(shift uint) uint32 {
	if shift == 0 {
		return 1<<(32-2*radixBits) - 1
	}
	return bins - 1
}

// orderKey maps float32 to uint32 in the same order, with -0 equal to 0.
func orderKey(x float32) uint32 {
	b := math.Float32bits(x)
	if b == 1<<31 {
		b = 0
	}
	return b ^ (uint32(int32(b)>>31) | 1<<31)
}

// keyOrder is the inverse of orderKey.
func keyOrder(key uint32) float32 {
	return math.Float32frombits(key ^ (uint32(^int32(key)>>31) | 1<<31))
}

// kthLargest returns the k-th largest value, duplicates counted.
//
//	values  [n]     no NaN; 1 <= k <= n
//	counts  [bins]  scratch, all zero between calls
func kthLargest(values []float32, k int, counts *[bins]uint32) float32 {
	var prefix uint32
	rest := uint32(k)
	above := uint(32) // the bits from above upwards are known and equal prefix
	for _, shift := range radixShifts {
		lowest, highest := uint32(bins-1), uint32(0)
		for _, x := range values {
			// A shift by 32 gives zero, so that the first pass takes every value.
			if key := orderKey(x); key>>above == prefix>>above {
				d := digit(key, shift)
				counts[d]++
				lowest, highest = min(lowest, d), max(highest, d)
			}
		}
		d := highest
		for d > lowest && counts[d] < rest {
			rest -= counts[d]
			d--
		}
		clear(counts[lowest : highest+1])
		prefix |= d << shift
		above = shift
	}
	return keyOrder(prefix)
}

// lowestWhere returns the smallest finite float32 for which holds is true. holds must be false up
// to some point and true from there on, and true for hi.
func lowestWhere(hi float32, holds func(float32) bool) float32 {
	lo, up := orderKey(-math.MaxFloat32), orderKey(hi)
	for lo < up {
		mid := lo + (up-lo)/2
		if holds(keyOrder(mid)) {
			up = mid
		} else {
			lo = mid + 1
		}
	}
	return keyOrder(up)
}
