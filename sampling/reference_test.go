// SPDX-License-Identifier: Apache-2.0

package sampling_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/zenlm/zen/sampling"
)

// The plain reference: every filter sorts the whole vocabulary and computes in float64.

// softmax returns the probabilities of the logits that are kept; nil keeps all.
func softmax(logits []float32, temperature float64, kept []bool) []float64 {
	top := math.Inf(-1)
	for i, x := range logits {
		if kept[i] {
			top = max(top, float64(x))
		}
	}
	probs, sum := make([]float64, len(logits)), 0.0
	for i, x := range logits {
		if kept[i] {
			probs[i] = math.Exp((float64(x) - top) / temperature)
			sum += probs[i]
		}
	}
	for i := range probs {
		probs[i] /= sum
	}
	return probs
}

// descending returns the kept ids by falling logit, lower ids first among equals.
func descending(logits []float32, kept []bool) []int {
	var ids []int
	for i := range logits {
		if kept[i] {
			ids = append(ids, i)
		}
	}
	sort.SliceStable(ids, func(a, b int) bool { return logits[ids[a]] > logits[ids[b]] })
	return ids
}

func referenceTopK(logits []float32, kept []bool, k int) {
	ids := descending(logits, kept)
	if k == 0 || k >= len(ids) {
		return
	}
	for _, id := range ids[k:] {
		kept[id] = logits[id] == logits[ids[k-1]]
	}
}

func referenceTopP(logits []float32, temperature float64, kept []bool, p float64) {
	probs, before := softmax(logits, temperature, kept), 0.0
	for _, id := range descending(logits, kept) {
		kept[id] = before < p
		before += probs[id]
	}
}

func referenceMinP(logits []float32, temperature float64, kept []bool, p float64) {
	probs := softmax(logits, temperature, kept)
	top := slices.Max(probs)
	for i := range kept {
		kept[i] = kept[i] && probs[i] >= p*top
	}
}

func referenceTypical(logits []float32, temperature float64, kept []bool, p float64) {
	probs, entropy := softmax(logits, temperature, kept), 0.0
	for _, q := range probs {
		if q > 0 {
			entropy -= q * math.Log(q)
		}
	}
	off := func(id int) float64 { return math.Abs(-math.Log(probs[id]) - entropy) }
	ids := descending(logits, kept)
	sort.SliceStable(ids, func(a, b int) bool { return off(ids[a]) < off(ids[b]) })
	sum, limit := 0.0, 0.0
	for _, id := range ids {
		limit = off(id)
		if sum += probs[id]; sum >= p {
			break
		}
	}
	for _, id := range ids {
		kept[id] = off(id) <= limit
	}
}

// reference returns the distribution the filters of p leave.
func reference(p sampling.Params, logits []float32) []float64 {
	kept := make([]bool, len(logits))
	for i, x := range logits {
		kept[i] = !math.IsInf(float64(x), -1)
	}
	referenceTopK(logits, kept, p.TopK)
	if p.TopP > 0 && p.TopP < 1 {
		referenceTopP(logits, p.Temperature, kept, p.TopP)
	}
	if p.MinP > 0 {
		referenceMinP(logits, p.Temperature, kept, p.MinP)
	}
	if p.TypicalP > 0 && p.TypicalP < 1 {
		referenceTypical(logits, p.Temperature, kept, p.TypicalP)
	}
	return softmax(logits, p.Temperature, kept)
}

// normalLogits returns n logits of a normal distribution.
func normalLogits(seed uint64, n int, deviation float64) []float32 {
	r, logits := rand.New(rand.NewPCG(seed, 0)), make([]float32, n)
	for i := range logits {
		logits[i] = float32(deviation * r.NormFloat64())
	}
	return logits
}
