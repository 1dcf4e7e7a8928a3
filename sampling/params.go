// SPDX-License-Identifier: Apache-2.0

package sampling

import (
	"fmt"
	"math"
	"slices"
)

// Params are the settings of the standard chain. The zero value is greedy decoding. In every field
// zero means off, so a caller whose own zero means something else resolves that first.
type Params struct {
	// Temperature divides the logits. Zero picks the largest logit; TopK, TopP, MinP, TypicalP and
	// Seed then have no effect.
	Temperature float64 `json:"temperature,omitempty"`
	// TopK keeps the TopK most probable tokens and any that equal the last of them.
	TopK int `json:"top_k,omitempty"`
	// TopP in (0, 1] keeps the smallest set of most probable tokens that holds this mass.
	TopP float64 `json:"top_p,omitempty"`
	// MinP in [0, 1] keeps tokens at least MinP times as probable as the most probable.
	MinP float64 `json:"min_p,omitempty"`
	// TypicalP in (0, 1] keeps the tokens whose surprise is nearest the entropy, until they hold
	// this mass (Meister et al. 2022, Locally Typical Sampling).
	TypicalP float64 `json:"typical_p,omitempty"`
	// RepetitionPenalty in [0.01, 100] weakens tokens of the prompt and the completion when above
	// one and strengthens them when below.
	RepetitionPenalty float64 `json:"repetition_penalty,omitempty"`
	// PresencePenalty in [-2, 2] is subtracted from every token the completion holds.
	PresencePenalty float64 `json:"presence_penalty,omitempty"`
	// FrequencyPenalty in [-2, 2] is subtracted once per occurrence in the completion.
	FrequencyPenalty float64 `json:"frequency_penalty,omitempty"`
	// LogitBias in [-100, 100] is added to the logits of these tokens. New keeps no reference.
	LogitBias map[int32]float64 `json:"logit_bias,omitempty"`
	// Seed selects the stream of random numbers. Every value, zero too, is a seed like any other.
	Seed uint64 `json:"seed,omitempty"`
}

// Validate reports the first parameter that is out of range, by its JSON key and value. NaN is
// always out of range.
func (p Params) Validate() error {
	if !(p.Temperature >= 0 && p.Temperature <= math.MaxFloat64) {
		return fmt.Errorf("sampling: temperature (%v) is not a finite number of at least 0",
			p.Temperature)
	}
	if p.TopK < 0 {
		return fmt.Errorf("sampling: top_k (%d) is negative", p.TopK)
	}
	for _, r := range []struct {
		key      string
		value    float64
		low      float64
		high     float64
		interval string
	}{
		{"top_p", p.TopP, 0, 1, "(0, 1]"},
		{"min_p", p.MinP, 0, 1, "[0, 1]"},
		{"typical_p", p.TypicalP, 0, 1, "(0, 1]"},
		{"repetition_penalty", p.RepetitionPenalty, 0.01, 100, "[0.01, 100]"},
		{"presence_penalty", p.PresencePenalty, -2, 2, "[-2, 2]"},
		{"frequency_penalty", p.FrequencyPenalty, -2, 2, "[-2, 2]"},
	} {
		if r.value != 0 && !(r.value >= r.low && r.value <= r.high) {
			return fmt.Errorf("sampling: %s (%v) is not in %s", r.key, r.value, r.interval)
		}
	}
	return p.validateBias()
}

func (p Params) validateBias() error {
	for _, id := range p.biased() {
		if id < 0 {
			return fmt.Errorf("sampling: logit_bias: token (%d) is negative", id)
		}
		if b := p.LogitBias[id]; !(b >= -100 && b <= 100) {
			return fmt.Errorf("sampling: logit_bias: bias of token %d (%v) is not in [-100, 100]", id, b)
		}
	}
	return nil
}

// biased returns the tokens of LogitBias in ascending order, so that errors do not depend on the
// order of a map.
func (p Params) biased() []int32 {
	ids := make([]int32, 0, len(p.LogitBias))
	for id := range p.LogitBias {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
