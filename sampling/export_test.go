// SPDX-License-Identifier: Apache-2.0

package sampling

// Kept runs the processors and filters of c on logits and returns the tokens that may be drawn, in
// ascending order, and their weights relative to the largest.
func (c *Chain) Kept(logits []float32, s *State) (ids []int32, weights []float64, err error) {
	for _, p := range c.processors {
		if err := p.Process(logits, s); err != nil {
			return nil, nil, err
		}
	}
	set, err := c.filter(logits)
	if err != nil {
		return nil, nil, err
	}
	b := &c.filters.block
	for from := 0; from < len(set.logits); from += blockLen {
		n := b.load(&set, from)
		for i, w := range b.weights[:n] {
			if w > 0 {
				ids, weights = append(ids, set.token(b.position(i))), append(weights, w)
			}
		}
	}
	return ids, weights, nil
}

// KthLargest exposes kthLargest.
func KthLargest(values []float32, k int) float32 {
	return kthLargest(values, k, new([bins]uint32))
}

// Weights exposes the weights of logits at a temperature.
func Weights(logits []float32, top float32, temperature float64) []float64 {
	w := make([]float64, len(logits))
	newScale(top, temperature).weights(w, logits)
	return w
}

// Exp2Table exposes exp2Table.
func Exp2Table() [steps]float64 { return exp2Table }

// Random returns the first n numbers of the stream of a seed.
func Random(seed uint64, n int) []uint64 {
	s, out := stream{seed: seed}, make([]uint64, n)
	for i := range out {
		out[i] = s.next()
	}
	return out
}
