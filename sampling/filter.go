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
	x       []float32 // [n]
	at      []int32   // [n] positions; nil when they are consecutive
	from    int       // first position
	weights [blockLen]float64
	keys    [blockLen]uint32
	xs      [blockLen]float32 // what x points to unless everything is kept
	ats     [blockLen]int32   // what at points to
}

// load fills b with the kept logits of positions [from, from+blockLen) and their weights, and
// returns how many there are. It may leave in logits of -Inf, which weigh nothing.
func (b *block) load(s *kept, from int) int {
	row := s.logits[from:min(from+blockLen, len(s.logits))]
	if s.low == -math.MaxFloat32 && s.high == math.MaxFloat32 {
		b.x, b.at, b.from = row, nil, from
	} else {
		n := b.narrow(s, row, from)
		b.x, b.at = b.xs[:n], b.ats[:n]
	}
	s.scale.weights(b.weights[:len(b.x)], b.x)
	return len(b.x)
}

// narrow copies the kept logits of row and their positions, and returns how many there are.
func (b *block) narrow(s *kept, row []float32, from int) (n int) {
	low, high, last := s.low, s.high, s.last-from
	for i, x := range row {
		if x < low || x > high || x == low && i > last {
			continue
		}
		b.xs[n&(blockLen-1)], b.ats[n&(blockLen-1)] = x, int32(from+i)
		n++
	}
	return n
}

// position returns the position of the i-th logit.
func (b *block) position(i int) int32 {
	if b.at == nil {
		return int32(b.from + i)
	}
	return b.at[i]
}

// filters narrows sets. All of its fields are scratch.
type filters struct {
	block      block
	mass       [bins]float64 // all zero but between histogram and cross
	used       [2]uint32     // the lowest and the highest bin histogram touched
	candidates []float32     // [min(vocab, maxCandidates)]
	ids        []int32       // [min(vocab, maxCandidates)] their tokens
}

// compact copies what is kept of a whole row to the candidates, if there is room for all of it.
func (f *filters) compact(s *kept) {
	if s.ids != nil {
		return
	}
	n, b := 0, &f.block
	for from := 0; from < len(s.logits); from += blockLen {
		m := b.narrow(s, s.logits[from:min(from+blockLen, len(s.logits))], from)
		if n+m > len(f.candidates) {
			return
		}
		copy(f.candidates[n:], b.xs[:m])
		copy(f.ids[n:], b.ats[:m])
		n += m
	}
	s.logits, s.ids, s.last = f.candidates[:n], f.ids[:n], n
}

// topP keeps the smallest set of largest logits that holds the share p of the mass, the lower
// positions first among equals.
func (f *filters) topP(s *kept, p float64) {
	// All tokens that weigh less than (1-p)·mass/n together hold less than 1-p, so the last one
	// kept weighs at least that. The half allows for rounding.
	mass := f.total(s)
	f.minP(s, (1-p)*mass/float64(len(s.logits))/2)
	f.compact(s)
	f.reach(s, p*mass)
}

// reach keeps the smallest set of largest logits that holds a mass, the lower positions first
// among equals.
func (f *filters) reach(s *kept, mass float64) {
	within := *s
	pick := selection{above: 32, target: mass}
	for _, shift := range radixShifts {
		f.histogram(&within, &pick, shift, nil)
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
	mass, mean, variance := f.moments(s)
	// Chebyshev's inequality: the share 1-p at most lies farther off than this radius, so none of
	// that is kept. The factor allows for rounding.
	radius := float64(1.001 * math.Sqrt(variance/(1-p)))
	s.near(mean, distanceKey(mean+radius, mean))
	f.compact(s)
	pick := selection{above: 32, target: p * mass}
	for _, shift := range radixShifts {
		f.histogram(s, &pick, shift, &mean)
		f.cross(&pick, shift)
		// Logits farther off than the digits found so far are no longer needed, nor are they kept.
		s.near(mean, pick.prefix|(1<<shift-1))
	}
}

// total returns the mass of the set.
func (f *filters) total(s *kept) (mass float64) {
	for from := 0; from < len(s.logits); from += blockLen {
		n := f.block.load(s, from)
		for _, w := range f.block.weights[:n] {
			mass += w
		}
	}
	return mass
}

// moments returns the mass of the set, and the mean and the variance of the exponents, in steps.
func (f *filters) moments(s *kept) (mass, mean, variance float64) {
	b, first, second := &f.block, 0.0, 0.0
	for from := 0; from < len(s.logits); from += blockLen {
		n := b.load(s, from)
		for i, w := range b.weights[:n] {
			if w == 0 { // the exponent may be infinite
				continue
			}
			y := s.scale.y(b.x[i])
			wy := float64(w * y)
			mass, first = mass+w, first+wy
			second += float64(wy * y)
		}
	}
	mean = first / mass
	return mass, mean, max(0, second/mass-float64(mean*mean))
}

// selection is the progress of a radix selection by mass: the smallest key at which the mass of all
// keys up to it reaches target.
type selection struct {
	prefix uint32  // the digits found, in place
	above  uint    // bits of prefix from this one up are known
	before float64 // mass of the keys below prefix
	target float64
}

// histogram adds up the mass of each digit at shift over the keys that share the digits found. Keys
// put large logits first, or, given a mean, those near it.
func (f *filters) histogram(s *kept, pick *selection, shift uint, mean *float64) {
	b := &f.block
	lowest, highest := uint32(bins-1), uint32(0)
	for from := 0; from < len(s.logits); from += blockLen {
		n := b.load(s, from)
		b.fillKeys(s.scale, mean)
		for i, w := range b.weights[:n] {
			if key := b.keys[i]; key>>pick.above == pick.prefix>>pick.above {
				d := digit(key, shift)
				f.mass[d] += w
				lowest, highest = min(lowest, d), max(highest, d)
			}
		}
	}
	f.used = [2]uint32{lowest, highest}
}

// fillKeys computes the keys of the logits in b.
func (b *block) fillKeys(sc scale, mean *float64) {
	if mean == nil {
		for i, x := range b.x {
			b.keys[i] = ^orderKey(x)
		}
		return
	}
	for i, x := range b.x {
		b.keys[i] = distanceKey(sc.y(x), *mean)
	}
}

// cross extends pick by the digit in which the mass reaches the target. Rounding can leave the sum
// of the digits just below it; the last digit that has mass is the answer then.
func (f *filters) cross(pick *selection, shift uint) {
	found, before, sum := uint32(0), pick.before, pick.before
	for d := f.used[0]; d <= f.used[1]; d++ {
		m := f.mass[d&(bins-1)]
		f.mass[d&(bins-1)] = 0
		if m == 0 || sum >= pick.target && sum > pick.before {
			continue
		}
		found, before = d, sum
		sum += m
	}
	pick.prefix |= found << shift
	pick.above, pick.before = shift, before
}

// distanceKey orders exponents by their distance from the mean, rounded to float32.
func distanceKey(y, mean float64) uint32 {
	return math.Float32bits(float32(math.Abs(y - mean)))
}
