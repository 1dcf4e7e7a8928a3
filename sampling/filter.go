// SPDX-License-Identifier: Apache-2.0

package sampling

import "math"

// The filters. top_k, top_p and min_p keep the largest logits, typical_p an interval of them, so
// what is kept is always an interval of logits, [low, high], and a last position among those that
// equal low. A filter narrows the interval; nothing is moved, marked or sorted.

// blockLen is how many logits are weighed at a time: their weights stay in the first-level cache.
const blockLen = 256

// block holds the kept logits among blockLen consecutive ones.
type block struct {
	x       [blockLen]float32
	at      [blockLen]int32 // positions
	weights [blockLen]float64
	keys    [blockLen]uint32
}

// load fills b with the kept logits of positions [from, from+blockLen) and their weights, and
// returns how many there are.
func (b *block) load(s *kept, from int) int {
	n, row := 0, s.logits[from:min(from+blockLen, len(s.logits))]
	low, high := s.low, s.high
	for i, x := range row {
		if x < low || x > high {
			continue
		}
		if x == low && from+i > s.last {
			continue
		}
		b.x[n&(blockLen-1)], b.at[n&(blockLen-1)] = x, int32(from+i)
		n++
	}
	s.scale.weights(b.weights[:n], b.x[:n])
	return n
}

// filters narrows sets. All of its fields are scratch.
type filters struct {
	block block
	mass  [bins]float64
}

// topP keeps the smallest set of largest logits that holds the share p of the mass, the lower
// positions first among equals.
func (f *filters) topP(s *kept, p float64) {
	within := *s
	pick := selection{above: 32}
	for level, shift := range radixShifts {
		mass := f.histogram(&within, &pick, shift, nil)
		if level == 0 {
			pick.target = p * mass
		}
		f.cross(&pick, shift)
		// The logits that share the digits found so far are the only ones still needed.
		within.raise(keyOrder(^(pick.prefix | (1<<shift - 1))))
		within.high = min(within.high, keyOrder(^pick.prefix))
	}
	t := keyOrder(^pick.prefix)
	last := s.lastEqual(t, (pick.target-pick.before)/s.scale.weight(t))
	s.low, s.last = t, last
}

// minP keeps the logits that weigh at least p; the largest weighs one.
func (f *filters) minP(s *kept, p float64) {
	s.raise(lowestWhere(float32(s.scale.top), func(x float32) bool {
		return s.scale.weight(x) >= p
	}))
}

// typicalP keeps the logits whose surprise is nearest the entropy, all equals included, until they
// hold the share p of the mass. With weight 2^(y/128) the surprise of a token less the entropy is
// (mean of y, minus y)·ln(2)/128: the normalisation cancels.
func (f *filters) typicalP(s *kept, p float64) {
	mass, moment := f.moments(s)
	mean := moment / mass
	pick := selection{above: 32, target: p * mass}
	for _, shift := range radixShifts {
		f.histogram(s, &pick, shift, &mean)
		f.cross(&pick, shift)
		// Logits farther off than the digits found so far are no longer needed, nor are they kept.
		s.near(mean, pick.prefix|(1<<shift-1))
	}
}

// moments returns the mass of the set and the sum of weight times exponent, in steps.
func (f *filters) moments(s *kept) (mass, moment float64) {
	b := &f.block
	for from := 0; from < len(s.logits); from += blockLen {
		n := b.load(s, from)
		for i, w := range b.weights[:n] {
			mass += w
			if w > 0 { // a zero weight may have an infinite exponent
				moment += float64(w * s.scale.y(b.x[i]))
			}
		}
	}
	return mass, moment
}

// selection is the progress of a radix selection by mass: the smallest key at which the mass of all
// keys up to it reaches target.
type selection struct {
	prefix uint32  // the digits found, in place
	above  uint    // bits of prefix from this one up are known
	before float64 // mass of the keys below prefix
	target float64
}

// histogram adds up the mass of each digit at shift over the keys that share the digits found, and
// returns the sum. Keys put large logits first, or, given a mean, those near it.
func (f *filters) histogram(s *kept, pick *selection, shift uint, mean *float64) (mass float64) {
	clear(f.mass[:])
	b := &f.block
	for from := 0; from < len(s.logits); from += blockLen {
		n := b.load(s, from)
		b.fillKeys(n, s.scale, mean)
		for i, w := range b.weights[:n] {
			if key := b.keys[i]; key>>pick.above == pick.prefix>>pick.above {
				f.mass[digit(key, shift)] += w
				mass += w
			}
		}
	}
	return mass
}

// fillKeys computes the keys of the n logits in b.
func (b *block) fillKeys(n int, sc scale, mean *float64) {
	if mean == nil {
		for i, x := range b.x[:n] {
			b.keys[i] = ^orderKey(x)
		}
		return
	}
	for i, x := range b.x[:n] {
		b.keys[i] = distanceKey(sc.y(x), *mean)
	}
}

// cross extends pick by the digit in which the mass reaches the target. Rounding can leave the sum
// of the digits just below it; the last digit that has mass is the answer then.
func (f *filters) cross(pick *selection, shift uint) {
	found, before, sum := 0, pick.before, pick.before
	for d, m := range f.mass {
		if m == 0 {
			continue
		}
		found, before = d, sum
		if sum += m; sum >= pick.target {
			break
		}
	}
	pick.prefix |= uint32(found) << shift
	pick.above, pick.before = shift, before
}

// distanceKey orders exponents by their distance from the mean, rounded to float32.
func distanceKey(y, mean float64) uint32 {
	return math.Float32bits(float32(math.Abs(y - mean)))
}
