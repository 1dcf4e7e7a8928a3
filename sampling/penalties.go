// SPDX-License-Identifier: Apache-2.0

package sampling

import "fmt"

// penalties weakens tokens the request has already seen. It keeps nothing between calls, so a
// truncated or forked request needs no bookkeeping: 32,768 tokens are read in tens of microseconds.
type penalties struct {
	vocab      int
	repetition float32  // 1 is off
	presence   float32  // 0 is off
	frequency  float32  // 0 is off
	seen       []uint64 // [ceil(vocab/64)] bits, all zero between calls
	counts     []uint32 // [vocab], all zero between calls; nil without frequency
}

func newPenalties(p Params, vocab int) *penalties {
	r := &penalties{
		vocab:      vocab,
		repetition: float32(p.RepetitionPenalty),
		presence:   float32(p.PresencePenalty),
		frequency:  float32(p.FrequencyPenalty),
		seen:       make([]uint64, (vocab+63)/64),
	}
	if r.repetition == 0 {
		r.repetition = 1
	}
	if r.frequency != 0 {
		r.counts = make([]uint32, vocab)
	}
	return r
}

// Process applies the repetition penalty once to each token of the request, then the frequency and
// presence penalties to the tokens of the completion.
//
//	logits  [vocab]
func (p *penalties) Process(logits []float32, s *State) error {
	for i, id := range s.Tokens {
		if uint(id) >= uint(len(logits)) {
			return fmt.Errorf("sampling: token (%d) at position %d is not in the vocabulary (%d)",
				id, i, len(logits))
		}
	}
	if p.repetition != 1 {
		p.repeat(logits, s.Tokens)
	}
	if p.frequency != 0 {
		p.frequent(logits, s.Completion())
	}
	if p.presence != 0 {
		p.present(logits, s.Completion())
	}
	return nil
}

// repeat divides or multiplies by the repetition penalty, whichever lowers the logit.
func (p *penalties) repeat(logits []float32, tokens []int32) {
	for _, id := range tokens {
		if !p.mark(id) {
			logits[id] = p.repeated(logits[id])
		}
	}
	clear(p.seen)
}

// repeated returns the logit of a token of the request.
func (p *penalties) repeated(x float32) float32 {
	if x < 0 {
		return x * p.repetition
	}
	return x / p.repetition
}

// frequent subtracts the frequency penalty times the count of each token.
func (p *penalties) frequent(logits []float32, completion []int32) {
	for _, id := range completion {
		p.counts[id]++
	}
	for _, id := range completion {
		// The conversion keeps the product from being fused with the difference. A count of zero
		// says that the token's first occurrence was already dealt with.
		logits[id] -= float32(p.frequency * float32(p.counts[id]))
		p.counts[id] = 0
	}
}

// present subtracts the presence penalty once from each token.
func (p *penalties) present(logits []float32, completion []int32) {
	for _, id := range completion {
		if !p.mark(id) {
			logits[id] -= p.presence
		}
	}
	clear(p.seen)
}

// mark remembers a token and reports whether it was known.
func (p *penalties) mark(id int32) bool {
	word, bit := &p.seen[uint32(id)/64], uint64(1)<<(uint32(id)%64)
	known := *word&bit != 0
	*word |= bit
	return known
}

func (p *penalties) markAll(ids []int32) {
	for _, id := range ids {
		p.mark(id)
	}
}

// marked reports whether a token is remembered.
func (p *penalties) marked(id int32) bool {
	return p.seen[uint32(id)/64]&(1<<(uint32(id)%64)) != 0
}
