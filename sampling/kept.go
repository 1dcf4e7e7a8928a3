// SPDX-License-Identifier: Apache-2.0

package sampling

import "math"

// kept is the set of rows the filters have kept so far.
type kept struct {
	logits []float32 // [n] the row, or the top_k candidates in id order
	ids    []int32   // [n] their tokens; nil when position and token are the same
	low    float32
	high   float32
	last   int // of the logits equal to low, those at positions up to last are kept
	scale  scale
}

// everything returns the set of all finite logits of a row.
func everything(logits []float32, sc scale) kept {
	return kept{
		logits: logits, low: -math.MaxFloat32, high: math.MaxFloat32, last: len(logits), scale: sc,
	}
}

// raise forgets logits below t.
func (s *kept) raise(t float32) {
	if t > s.low {
		s.low, s.last = t, len(s.logits)
	}
}

// near narrows s to the logits whose distance key is at most key: those from the first that is no
// farther below the mean to the last that is no farther above it.
func (s *kept) near(mean float64, key uint32) {
	from := lowestWhere(s.high, func(x float32) bool {
		y := s.scale.y(x)
		return y >= mean || distanceKey(y, mean) <= key
	})
	beyond := func(x float32) bool {
		y := s.scale.y(x)
		return y > mean && distanceKey(y, mean) > key
	}
	if beyond(s.high) {
		s.high = math.Nextafter32(lowestWhere(s.high, beyond), float32(math.Inf(-1)))
	}
	s.raise(from)
}

// lastEqual returns the position of the kept logit equal to t that completes a count, at least one,
// or of the last of them when there are fewer.
func (s *kept) lastEqual(t float32, count float64) int {
	last, found := 0, 0.0
	for i, x := range s.logits {
		if x == t && (t != s.low || i <= s.last) {
			last = i
			if found++; found >= count {
				break
			}
		}
	}
	return last
}

// token returns the token at a position.
func (s *kept) token(at int32) int32 {
	if s.ids == nil {
		return at
	}
	return s.ids[at]
}
