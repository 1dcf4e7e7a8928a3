// SPDX-License-Identifier: Apache-2.0

package sampling

import "math"

// Weights: 2^y for y <= 0, the same bits on every platform. math.Exp has assembly on some
// architectures, and the compiler may fuse a product with a sum, which an explicit conversion to
// float64 forbids.
//
// y = n/128 + r/128 with n an integer and r in [-1/2, 1/2]; then 2^y is a table entry times a
// power of two times e^(r·ln2/128), a polynomial of degree four. Relative error below 2e-15.

const (
	steps = 128 // table entries per octave

	stepsPerNat = 0x1.71547652b82fep+7 // 128/ln(2): table steps in a factor of e

	// lowest is where weights become zero, in steps: 2^-1000.
	lowest = -1000 * steps

	// roundMagic added to a float64 of small magnitude rounds it to an integer, ties to even, and
	// leaves the integer in the low bits.
	roundMagic = 0x1.8p52
)

// exp2Poly holds (ln2/128)^k / k! for k = 1..4.
const (
	exp2Poly1 = 0x1.62e42fefa39efp-8
	exp2Poly2 = 0x1.ebfbdff82c58fp-17
	exp2Poly3 = 0x1.c6b08d704a0cp-26
	exp2Poly4 = 0x1.3b2ab6fba4e77p-35
)

// scale turns logits into powers of two: a logit x weighs 2^(y/128) with y = (x - top)·perUnit, in
// steps. The top logit weighs exactly one.
type scale struct {
	top     float64
	perUnit float64 // stepsPerNat / temperature, finite
}

func newScale(top float32, temperature float64) scale {
	return scale{float64(top), min(stepsPerNat/temperature, math.MaxFloat64)}
}

// y returns the exponent of x in steps. It never decreases as x grows.
func (s scale) y(x float32) float64 {
	return float64((float64(x) - s.top) * s.perUnit)
}

// weight returns what weights computes for one logit.
func (s scale) weight(x float32) float64 {
	var w [1]float64
	s.weights(w[:], []float32{x})
	return w[0]
}

// weights computes the weight of each logit. A logit of -Inf weighs nothing.
//
//	w  [n]
//	x  [n]  none above s.top
func (s scale) weights(w []float64, x []float32) {
	w = w[:len(x)]
	top, perUnit := s.top, s.perUnit
	for i, v := range x {
		y := float64((float64(v) - top) * perUnit)
		if y < lowest {
			w[i] = 0
			continue
		}
		k := y + roundMagic
		r := y - (k - roundMagic)
		p := float64(exp2Poly4*r) + exp2Poly3
		p = float64(p*r) + exp2Poly2
		p = float64(p*r) + exp2Poly1
		p = float64(p*r) + 1
		n := int64(math.Float64bits(k)) - magicBits
		power := math.Float64bits(exp2Table[n&(steps-1)]) + uint64(n>>7)<<52
		w[i] = p * math.Float64frombits(power)
	}
}

// magicBits is math.Float64bits(roundMagic).
const magicBits = 0x4338000000000000
