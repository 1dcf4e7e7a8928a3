// SPDX-License-Identifier: Apache-2.0

package sampling

import "math"

// Logprob is a token and its natural log-probability.
type Logprob struct {
	Token   int32   `json:"token"`
	Logprob float32 `json:"logprob"`
}

// Logprobs returns the log-probability of chosen and of the n most probable tokens, most probable
// first and the lower id first among equals.
//
// They are log-softmax of the logits as given. Given the logits as the model computed them, before
// any processor or temperature, they are vLLM's default (logprobs_mode raw_logprobs). Sample edits
// its logits, so a caller who asks afterwards keeps a copy.
//
// top is dst[:0] extended; nothing is allocated when cap(dst) >= n. It has fewer than n entries
// when the vocabulary is smaller or tokens are forbidden: a logit of -Inf is never in top, and as
// chosen gives -Inf. NaN or +Inf among the logits gives NaN; a chosen outside the vocabulary gives
// NaN too.
//
//	logits  [vocab], not changed
func Logprobs(dst []Logprob, logits []float32, chosen int32, n int) (
	chosenLogprob float32, top []Logprob,
) {
	norm := logSumExp(logits)
	top = topLogits(dst[:0], logits, n)
	for i := range top {
		top[i].Logprob = float32(float64(top[i].Logprob) - norm)
	}
	if uint(chosen) >= uint(len(logits)) {
		return float32(math.NaN()), top
	}
	return float32(float64(logits[chosen]) - norm), top
}

// logSumExp returns ln(sum(e^logits)): NaN for logits that are not finite.
//
//	logits  [vocab]
func logSumExp(logits []float32) float64 {
	_, largest, err := argmax(logits)
	if err != nil {
		return math.NaN()
	}
	var w [blockLen]float64
	sum, sc := 0.0, newScale(largest, 1)
	for from := 0; from < len(logits); from += blockLen {
		x := logits[from:min(from+blockLen, len(logits))]
		sc.weights(w[:len(x)], x)
		for _, v := range w[:len(x)] {
			sum += v
		}
	}
	return float64(largest) + math.Log(sum)
}

// topLogits appends the n largest finite logits to dst, largest first.
//
//	logits  [vocab]
func topLogits(dst []Logprob, logits []float32, n int) []Logprob {
	n = min(n, len(logits))
	if n <= 0 {
		return dst
	}
	bound := float32(math.Inf(-1)) // logits up to here are not among the n largest so far
	for i, x := range logits {
		if !(x > bound) {
			continue
		}
		if len(dst) < n {
			dst = append(dst, Logprob{int32(i), x})
			up(dst, len(dst)-1)
		} else {
			dst[0] = Logprob{int32(i), x}
			down(dst, 0)
		}
		if len(dst) == n {
			bound = dst[0].Logprob
		}
	}
	for end := len(dst) - 1; end > 0; end-- {
		dst[0], dst[end] = dst[end], dst[0]
		down(dst[:end], 0)
	}
	return dst
}

// worse orders the heap of topLogits: its root is the entry to give up first.
func worse(a, b Logprob) bool {
	return a.Logprob < b.Logprob || a.Logprob == b.Logprob && a.Token > b.Token
}

func up(h []Logprob, i int) {
	for parent := (i - 1) / 2; i > 0 && worse(h[i], h[parent]); parent = (i - 1) / 2 {
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func down(h []Logprob, i int) {
	for child := 2*i + 1; child < len(h); child = 2*i + 1 {
		if child+1 < len(h) && worse(h[child+1], h[child]) {
			child++
		}
		if !worse(h[child], h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
