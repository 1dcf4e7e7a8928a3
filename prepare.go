// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/sampling"
)

const maxTopLogprobs = 100

// prepare checks a request and readies its prompt, sampler and ends.
func (m *Model) prepare(req *Request) (g *generation, err error) {
	prompt, err := m.Encode(*req)
	if err != nil {
		return nil, err
	}
	if len(prompt) == 0 {
		return nil, invalid("prompt", "%q has no tokens", req.Prompt)
	}
	g = &generation{
		logprobs:    req.Logprobs,
		topLogprobs: req.TopLogprobs,
		state:       sampling.State{PromptTokens: len(prompt)},
	}
	if g.limit, err = m.limit(req, len(prompt)); err != nil {
		return nil, err
	}
	if g.drafts = m.options.draftTokens; req.DraftTokens != nil {
		g.drafts = *req.DraftTokens
	}
	if g.drafts < 0 {
		return nil, invalid("draft_tokens", "%d is negative", g.drafts)
	}
	g.state.Tokens = append(make([]int32, 0, len(prompt)+g.limit), prompt...)
	if err := m.prepareEnds(g, req); err != nil {
		return nil, err
	}
	if err := m.prepareSampler(g, req); err != nil {
		return nil, err
	}
	switch {
	case req.TopLogprobs < 0 || req.TopLogprobs > maxTopLogprobs:
		return nil, invalid("top_logprobs", "%d is not in 0..%d", req.TopLogprobs, maxTopLogprobs)
	case req.TopLogprobs > 0 && !req.Logprobs:
		return nil, invalid("top_logprobs", "%d without logprobs", req.TopLogprobs)
	case req.Logprobs:
		g.raw = make([]float32, m.config.VocabSize)
	}
	return g, nil
}

// Encode returns the prompt of a request as tokens: what Usage.PromptTokens
// counts and the model reads.
func (m *Model) Encode(req Request) ([]int32, error) {
	given := 0
	for _, set := range []bool{len(req.Messages) > 0, req.Prompt != "", len(req.Tokens) > 0} {
		if set {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, invalid("messages", "%d of messages, prompt and tokens are set, want exactly one", given)
	case len(req.Tools) > 0 && len(req.Messages) == 0:
		return nil, invalid("tools", "%d tools without messages", len(req.Tools))
	case len(req.Messages) > 0:
		return m.encodeMessages(req.Messages, req.Tools)
	case req.Prompt != "":
		return m.encodeText("prompt", req.Prompt)
	}
	return req.Tokens, m.checkTokens("tokens", req.Tokens)
}

// checkTokens reports the first token that is not one of the vocabulary's.
func (m *Model) checkTokens(field string, tokens []int32) error {
	for i, id := range tokens {
		if id < 0 || int(id) >= m.config.VocabSize {
			return invalid(field, "token %d at %d, the vocabulary has %d", id, i, m.config.VocabSize)
		}
	}
	return nil
}

func (m *Model) encodeMessages(messages []Message, tools []Tool) ([]int32, error) {
	if m.chat == nil {
		return nil, m.chatErr
	}
	ids, err := m.chat.Encode(nil, m.tokenizer, messages, tools)
	if err != nil {
		return nil, &RequestError{Field: "messages", Err: err}
	}
	return ids, nil
}

func (m *Model) encodeText(field, text string) ([]int32, error) {
	if m.tokenizer == nil {
		return nil, m.chatErr
	}
	ids, err := m.tokenizer.Encode(nil, text)
	if err != nil {
		return nil, &RequestError{Field: field, Err: err}
	}
	return m.tokenizer.AddSpecial(ids), nil
}

// limit returns the most tokens the answer can have.
func (m *Model) limit(req *Request, prompt int) (int, error) {
	if req.MaxTokens < 0 {
		return 0, invalid("max_tokens", "%d is negative", req.MaxTokens)
	}
	if prompt >= m.context {
		return 0, &ContextLengthError{PromptTokens: prompt, ContextLength: m.context}
	}
	limit := m.context - prompt
	switch gen := m.generation; {
	case req.MaxTokens > 0:
		limit = min(limit, req.MaxTokens)
	case gen.MaxNewTokens != nil:
		limit = min(limit, *gen.MaxNewTokens)
	case gen.MaxLength != nil:
		limit = min(limit, max(1, *gen.MaxLength-prompt))
	}
	return limit, nil
}

// prepareEnds sets what ends the answer: tokens and strings.
func (m *Model) prepareEnds(g *generation, req *Request) (err error) {
	if err := m.checkTokens("stop_token_ids", req.StopTokens); err != nil {
		return err
	}
	g.ends = slices.Clone(req.StopTokens)
	if !req.IgnoreEOS {
		g.ends = append(g.ends, m.eos()...)
	}
	stops := req.Stop
	if len(stops) == 0 {
		stops = m.generation.StopStrings
	}
	if m.tokenizer == nil {
		if len(stops) > 0 {
			return m.chatErr
		}
		return nil
	}
	g.decoder = m.tokenizer.NewDecoder()
	if g.stop, err = sampling.NewStopMatcher(stops); err != nil {
		return &RequestError{Field: "stop", Err: err}
	}
	return nil
}

// eos returns the tokens that end a sequence: generation_config.json's, else
// config.json's.
func (m *Model) eos() []int32 {
	if len(m.generation.EOSTokenIDs) > 0 {
		return m.generation.EOSTokenIDs
	}
	return m.config.EOSTokenIDs
}

// prepareSampler sets the standard chain, or the caller's sampler after the
// caller's processors.
func (m *Model) prepareSampler(g *generation, req *Request) error {
	processors := slices.Clone(req.Processors)
	if i := slices.Index(processors, nil); i >= 0 {
		return invalid("processors", "%d of %d is nil", i+1, len(processors))
	}
	if req.MinTokens < 0 || req.MinTokens > g.limit {
		return invalid("min_tokens", "%d is not in 0..%d, the most tokens of this answer", req.MinTokens, g.limit)
	}
	if req.MinTokens > 0 {
		processors = append(processors, sampling.MinTokens(req.MinTokens, g.ends...))
	}
	if req.Sampler != nil {
		if field := req.chainField(); field != "" {
			return invalid(field, "set beside a sampler, which replaces it")
		}
		g.sampler = &customSampler{processors, req.Sampler}
		return nil
	}
	params, err := m.params(req)
	if err != nil {
		return err
	}
	if params.Temperature > 0 {
		g.seed = params.Seed
	}
	g.sampler, err = sampling.New(params, m.config.VocabSize, processors...)
	if err != nil {
		return &RequestError{Field: "sampling", Err: err}
	}
	return nil
}

// chainField returns the JSON key of a set field that only the standard chain
// reads, or "".
func (r *Request) chainField() string {
	switch {
	case r.Temperature != nil:
		return "temperature"
	case r.TopK != nil:
		return "top_k"
	case r.TopP != nil:
		return "top_p"
	case r.MinP != nil:
		return "min_p"
	case r.TypicalP != nil:
		return "typical_p"
	case r.RepetitionPenalty != nil:
		return "repetition_penalty"
	case r.PresencePenalty != 0:
		return "presence_penalty"
	case r.FrequencyPenalty != 0:
		return "frequency_penalty"
	case len(r.LogitBias) > 0:
		return "logit_bias"
	case r.Seed != nil:
		return "seed"
	}
	return ""
}

// params returns the chain's settings: the request's, else the checkpoint's.
func (m *Model) params(req *Request) (p sampling.Params, err error) {
	gen := m.generation
	p = sampling.Params{
		TopK:              first(req.TopK, gen.TopK),
		TopP:              first(req.TopP, gen.TopP),
		MinP:              first(req.MinP, gen.MinP),
		TypicalP:          first(req.TypicalP, gen.TypicalP),
		RepetitionPenalty: first(req.RepetitionPenalty, gen.RepetitionPenalty),
		PresencePenalty:   req.PresencePenalty,
		FrequencyPenalty:  req.FrequencyPenalty,
		LogitBias:         req.LogitBias,
		Seed:              rand.Uint64(),
	}
	switch sampled := gen.DoSample != nil && *gen.DoSample; {
	case req.Temperature != nil:
		p.Temperature = *req.Temperature
	case sampled && gen.Temperature != nil:
		p.Temperature = *gen.Temperature
	case sampled:
		p.Temperature = 1
	}
	if req.Seed != nil {
		p.Seed = *req.Seed
	}
	// The chain takes zero for unset; here it was set.
	for field, v := range map[string]*float64{
		"top_p": req.TopP, "typical_p": req.TypicalP, "repetition_penalty": req.RepetitionPenalty,
	} {
		if v != nil && *v == 0 {
			return p, invalid(field, "0 is out of range")
		}
	}
	return p, nil
}

// first returns the first value that is set, or zero.
func first[T any](values ...*T) (zero T) {
	for _, v := range values {
		if v != nil {
			return *v
		}
	}
	return zero
}

// customSampler is the caller's sampler behind the caller's processors.
type customSampler struct {
	processors []sampling.LogitProcessor
	sampler    sampling.Sampler
}

func (c *customSampler) Sample(logits []float32, s *sampling.State) (int32, error) {
	for _, p := range c.processors {
		if err := p.Process(logits, s); err != nil {
			return 0, err
		}
	}
	return c.sampler.Sample(logits, s)
}

func timings(t *engine.Times) Timings {
	between := func(from, to time.Time) time.Duration {
		if from.IsZero() || to.IsZero() {
			return 0
		}
		return to.Sub(from)
	}
	return Timings{
		Queue:   between(t.Submitted, t.Started),
		Prefill: between(t.Started, t.FirstRow),
		Decode:  between(t.FirstRow, t.Latest),
	}
}
