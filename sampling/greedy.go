// SPDX-License-Identifier: Apache-2.0

package sampling

import "math"

// Greedy is the Sampler that picks the largest logit and the lowest id among equals. It has no
// state and is safe for concurrent use.
type Greedy struct{}

// Sample returns the token with the largest logit. It does not change logits. NaN, +Inf and a row
// without a finite logit give [ErrNonFinite].
//
//	logits  [vocab]
func (Greedy) Sample(logits []float32, _ *State) (int32, error) {
	id, _, err := argmax(logits)
	return id, err
}

// argmax returns the first position of the largest logit, and that logit. The one comparison per
// logit also catches NaN, which is never <= anything, and +Inf.
//
//	logits  [vocab]
func argmax(logits []float32) (int32, float32, error) {
	best, at := float32(math.Inf(-1)), -1
	for i, x := range logits {
		if !(x <= best) {
			if !(x <= math.MaxFloat32) {
				return -1, 0, &NonFiniteError{Token: int32(i), Value: x}
			}
			best, at = x, i
		}
	}
	if at < 0 {
		return -1, 0, &NonFiniteError{Token: -1, Value: best}
	}
	return int32(at), best, nil
}
