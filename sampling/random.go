// SPDX-License-Identifier: Apache-2.0

package sampling

// stream is SplitMix64 (Steele, Lea and Flood 2014, Fast Splittable Pseudorandom Number
// Generators). The n-th number is a function of the seed and n alone, so a position in the stream
// is one counter.
type stream struct {
	seed  uint64
	draws uint64 // numbers taken so far
}

// next returns the next 64 bits.
func (s *stream) next() uint64 {
	s.draws++
	z := s.seed + s.draws*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// float returns the next number in [0, 1), a multiple of 2^-53.
func (s *stream) float() float64 {
	return float64(s.next()>>11) * 0x1p-53
}
