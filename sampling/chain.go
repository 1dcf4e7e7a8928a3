// SPDX-License-Identifier: Apache-2.0

package sampling

import (
	"fmt"
	"math"
)

// maxCandidates bounds the tokens that are copied out of the row once top_k or top_p has ruled out
// the rest. More than that are left in place, which costs time and no memory.
const maxCandidates = 4096

// Chain is the standard Sampler: biases, penalties, the caller's processors, filters and a draw, in
// the order the package documents. It serves one request and is not safe for concurrent use.
type Chain struct {
	params     Params
	vocab      int
	processors []LogitProcessor
	random     stream
	topK       *topK // nil when off
	filters    *filters
	sums       []float64 // [ceil(vocab/blockLen)] mass of each block
	parts      []float64 // scratch of massBelow
	partIDs    []int32   // scratch of samplePart
}

// New returns the chain for one request. vocab is the length of its logits. The extra processors
// run after the penalties and before the temperature, in the order given; they belong to the chain
// from then on. Everything the chain needs is allocated here: about 80 KB for a vocabulary of
// 151,936, up to 8 bytes for each of TopK, and 4 per token of the vocabulary with a frequency
// penalty; SampleFrom takes some 20 KB more when it first draws from a part.
func New(p Params, vocab int, extra ...LogitProcessor) (*Chain, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if vocab < 1 || vocab > math.MaxInt32 {
		return nil, fmt.Errorf("sampling: vocabulary (%d) is not in [1, %d]", vocab, math.MaxInt32)
	}
	c := &Chain{params: p, vocab: vocab, random: stream{seed: p.Seed}}
	if err := c.addProcessors(extra); err != nil {
		return nil, err
	}
	c.params.LogitBias = nil // copied
	if p.Temperature == 0 {
		return c, nil
	}
	c.filters = &filters{
		candidates: make([]float32, min(vocab, maxCandidates)),
		ids:        make([]int32, min(vocab, maxCandidates)),
	}
	c.sums = make([]float64, (vocab+blockLen-1)/blockLen)
	if p.TopK > 0 && p.TopK < vocab {
		c.topK = newTopK(p.TopK, vocab)
	}
	return c, nil
}

func (c *Chain) addProcessors(extra []LogitProcessor) error {
	p := c.params
	if len(p.LogitBias) > 0 {
		b, err := newBias(p, c.vocab)
		if err != nil {
			return err
		}
		c.processors = append(c.processors, b)
	}
	repeats := p.RepetitionPenalty != 0 && p.RepetitionPenalty != 1
	if repeats || p.PresencePenalty != 0 || p.FrequencyPenalty != 0 {
		c.processors = append(c.processors, newPenalties(p, c.vocab))
	}
	for i, e := range extra {
		if e == nil {
			return fmt.Errorf("sampling: processor %d of %d is nil", i, len(extra))
		}
		c.processors = append(c.processors, e)
	}
	return nil
}

// Sample picks the next token. It leaves in logits what the processors made of them. An error of a
// processor is returned as it is; NaN, +Inf and a row without a finite logit give [ErrNonFinite].
// A nil state is an empty one.
//
//	logits  [vocab]
func (c *Chain) Sample(logits []float32, s *State) (int32, error) {
	if len(logits) != c.vocab {
		return -1, fmt.Errorf("sampling: %d logits, want %d", len(logits), c.vocab)
	}
	if s == nil {
		s = new(State)
	}
	for _, p := range c.processors {
		if err := p.Process(logits, s); err != nil {
			return -1, err
		}
	}
	if c.params.Temperature == 0 {
		return Greedy{}.Sample(logits, s)
	}
	set, err := c.filter(logits)
	if err != nil {
		return -1, err
	}
	return c.draw(&set), nil
}

// Draws returns how many random numbers the chain has used: one per token sampled.
func (c *Chain) Draws() uint64 { return c.random.draws }

// Seek moves to a position in the chain's random numbers, as Draws returned it. With it a request
// that was saved, forked or truncated continues as the original would have.
func (c *Chain) Seek(draws uint64) { c.random.draws = draws }

// filter returns the logits that may be drawn.
func (c *Chain) filter(logits []float32) (kept, error) {
	set, err := c.largest(logits)
	if err == nil {
		c.narrow(&set)
	}
	return set, err
}

// narrow applies what follows top_k.
func (c *Chain) narrow(set *kept) {
	if c.nucleus() {
		c.filters.topP(set, c.params.TopP)
	}
	if p := c.params.MinP; p > 0 {
		c.filters.minP(set, p)
	}
	if c.typical() {
		c.filters.typicalP(set, c.params.TypicalP)
	}
}

// largest returns the set top_k keeps, or every finite logit without it.
func (c *Chain) largest(logits []float32) (kept, error) {
	if c.topK == nil {
		_, top, err := argmax(logits)
		return everything(logits, newScale(top, c.params.Temperature)), err
	}
	top, kth, err := c.topK.threshold(logits)
	if err != nil {
		return kept{}, err
	}
	set := everything(logits, newScale(top, c.params.Temperature))
	set.raise(kth)
	c.filters.compact(&set)
	return set, nil
}

// draw picks a token of the set in proportion to its weight: the first, in id order, at which the
// running sum of the weights passes a uniform share of the whole.
func (c *Chain) draw(s *kept) int32 {
	total := c.sum(s)
	id, _ := c.at(s, c.random.float()*total)
	return id
}

// sum returns the mass of the set, and leaves that of its blocks in c.sums.
func (c *Chain) sum(s *kept) (total float64) {
	b := &c.filters.block
	for from := 0; from < len(s.logits); from += blockLen {
		n, sum := b.load(s, from), 0.0
		for _, w := range b.weights[:n] {
			sum += w
		}
		c.sums[from/blockLen] = sum
		total += sum
	}
	return total
}

// at returns the token at which the running sum of the weights passes share, after sum, and how
// far the share is from where another token begins.
func (c *Chain) at(s *kept, share float64) (id int32, margin float64) {
	b := &c.filters.block
	at, rest := walk(c.sums[:(len(s.logits)+blockLen-1)/blockLen], share)
	n := b.load(s, at*blockLen)
	i, rest := walk(b.weights[:n], rest)
	return s.token(b.position(i)), min(rest, b.weights[i]-rest)
}

// walk returns the first position at which the running sum of w passes share, and what was left of
// the share before it. Rounding can leave the whole sum short of it; the last positive weight is
// the answer then. At least one weight must be positive.
func walk(w []float64, share float64) (at int, rest float64) {
	for i, x := range w {
		if x == 0 {
			continue
		}
		at, rest = i, share
		if share < x {
			break
		}
		share -= x
	}
	return at, rest
}
