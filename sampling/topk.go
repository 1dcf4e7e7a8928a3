// SPDX-License-Identifier: Apache-2.0

package sampling

import "math"

// topK finds the k-th largest logit in one pass with one comparison per logit: values above the
// largest known lower bound are collected, and whenever the buffer is full the k largest of it
// give the next bound. Each cut costs O(len(buffer)) and makes room for at least half of it unless
// k is near the vocabulary, so the whole is linear in the worst case.
type topK struct {
	k      int
	buffer []float32 // [min(vocab, max(1024, 2k))] scratch
	counts [bins]uint32
}

func newTopK(k, vocab int) *topK {
	size := vocab
	if k < vocab/2 {
		size = min(vocab, max(1024, 2*k))
	}
	return &topK{k: k, buffer: make([]float32, size)}
}

// threshold returns the largest logit and the k-th largest finite one, or the lowest float32 when
// there are fewer than k.
//
//	logits  [vocab], vocab >= k
func (t *topK) threshold(logits []float32) (top, kth float32, err error) {
	bound, buffer, n := float32(math.Inf(-1)), t.buffer, 0
	for i, x := range logits {
		if x <= bound {
			continue
		}
		if !(x <= math.MaxFloat32) { // NaN, which is never <= bound, or +Inf
			return 0, 0, &NonFiniteError{Token: int32(i), Value: x}
		}
		if n == len(buffer) {
			bound, n = t.cut(buffer)
			if x <= bound {
				continue
			}
		}
		buffer[n] = x
		n++
	}
	if n == 0 {
		return 0, 0, &NonFiniteError{Token: -1, Value: bound}
	}
	top = buffer[0]
	for _, x := range buffer[1:n] {
		top = max(top, x)
	}
	if n < t.k {
		return top, -math.MaxFloat32, nil
	}
	return top, kthLargest(buffer[:n], t.k, &t.counts), nil
}

// cut leaves the k largest values in buffer and returns the smallest of them, and k.
func (t *topK) cut(buffer []float32) (bound float32, n int) {
	bound = kthLargest(buffer, t.k, &t.counts)
	for _, x := range buffer {
		if x > bound {
			buffer[n] = x
			n++
		}
	}
	for ; n < t.k; n++ {
		buffer[n] = bound
	}
	return bound, n
}
