// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"context"
	"slices"

	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/sampling"
)

// Score is the likelihood of a continuation.
type Score struct {
	// LogProb is the natural logarithm of the continuation's probability, the sum
	// over Tokens.
	LogProb float64 `json:"logprob"`
	// Tokens are the continuation's, each given those before it.
	Tokens []Logprob `json:"tokens"`
}

// Score returns the log-likelihood of continuation after prompt. Both are encoded
// as raw text, apart, so that no token spans the two. When ctx is done scoring
// ends within one step.
func (m *Model) Score(ctx context.Context, prompt, continuation string) (*Score, error) {
	before, err := m.encodeText("prompt", prompt)
	if err != nil {
		return nil, err
	}
	after, err := m.tokenizer.Encode(nil, continuation)
	if err != nil {
		return nil, &RequestError{Field: "continuation", Err: err}
	}
	return m.ScoreTokens(ctx, before, after)
}

// ScoreTokens returns the log-likelihood of the tokens of continuation after those
// of prompt, which has at least one.
func (m *Model) ScoreTokens(ctx context.Context, prompt, continuation []int32) (*Score, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tokens := slices.Concat(prompt, continuation)
	if len(prompt) == 0 || len(continuation) == 0 {
		return nil, invalid("tokens", "%d of the prompt and %d of the continuation, want at least one of each",
			len(prompt), len(continuation))
	}
	if len(tokens) > m.context {
		return nil, &ContextLengthError{PromptTokens: len(tokens), ContextLength: m.context}
	}
	if err := m.checkTokens("tokens", tokens); err != nil {
		return nil, err
	}
	score := &Score{Tokens: make([]Logprob, 0, len(continuation))}
	done := make(chan error, 1)
	err := m.engine.Submit(&engine.Task{
		Ctx:       ctx,
		Tokens:    tokens[:len(tokens)-1],
		FirstRow:  len(prompt) - 1,
		Positions: len(tokens) - 1,
		Row: func(logits []float32) (bool, error) {
			return false, score.add(logits, continuation[len(score.Tokens)])
		},
		Finished: func(err error) { done <- err },
	})
	if err != nil {
		return nil, err
	}
	if err := <-done; err != nil {
		return nil, err
	}
	return score, nil
}

// add appends the log-probability that logits [vocab] give a token.
func (s *Score) add(logits []float32, token int32) error {
	p, _ := sampling.Logprobs(nil, logits, token, 0)
	if p != p {
		return ErrNonFinite
	}
	s.LogProb += float64(p)
	s.Tokens = append(s.Tokens, Logprob{Token: token, Logprob: p})
	return nil
}
