// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/zenlm/zen/internal/engine"
)

// Pooling is how the hidden states of a text's tokens become one vector.
type Pooling string

// The poolings.
const (
	// PoolMean is the mean over all tokens. It suits models that were not trained
	// to embed.
	PoolMean Pooling = "mean"
	// PoolLast is the last token's state, which models trained to embed with
	// causal attention use.
	PoolLast Pooling = "last"
)

// EmbedOptions say how to embed. The zero value is the mean over tokens at unit
// length.
type EmbedOptions struct {
	// Pooling is PoolMean where it is "".
	Pooling Pooling `json:"pooling,omitempty"`
	// Raw keeps the pooled vector's length instead of dividing by it.
	Raw bool `json:"raw,omitempty"`
}

// Embeddings are the vectors of some texts.
type Embeddings struct {
	// Vectors has one of hidden_size numbers for each text, in order.
	Vectors [][]float32 `json:"vectors"`
	// Usage counts the texts' tokens as those of a prompt.
	Usage Usage `json:"usage"`
}

// TextError says which of several texts an error is about. It matches what Err
// matches.
type TextError struct {
	Index int // among the texts of the call
	Err   error
}

// Error returns the index and the reason.
func (e *TextError) Error() string { return fmt.Sprintf("zen: text %d: %v", e.Index, e.Err) }

// Unwrap returns the reason.
func (e *TextError) Unwrap() error { return e.Err }

// Embed returns a vector for each text: its final hidden states, pooled. Texts are
// encoded as raw text and share steps with each other and with other requests, on
// which their vectors do not depend. Texts that are empty or exceed the context
// are reported all at once, before anything is computed, each as a *TextError.
// When ctx is done embedding ends within one step.
func (m *Model) Embed(ctx context.Context, texts []string, opts EmbedOptions) (*Embeddings, error) {
	tokens := make([][]int32, len(texts))
	var errs []error
	for i, text := range texts {
		ids, err := m.encodeText("text", text)
		if err != nil {
			errs = append(errs, &TextError{i, err})
		}
		tokens[i] = ids
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return m.EmbedTokens(ctx, tokens, opts)
}

// EmbedTokens returns a vector for each of some texts given as tokens; see Embed.
func (m *Model) EmbedTokens(ctx context.Context, texts [][]int32, opts EmbedOptions) (*Embeddings, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := m.checkEmbed(texts, opts); err != nil {
		return nil, err
	}
	e := &Embeddings{Vectors: make([][]float32, len(texts))}
	if err := m.embedAll(ctx, texts, opts, e.Vectors); err != nil {
		return nil, err
	}
	for _, tokens := range texts {
		e.Usage.PromptTokens += len(tokens)
	}
	e.Usage.TotalTokens = e.Usage.PromptTokens
	return e, nil
}

// embedAll fills vectors. The engine's queue is for all callers: no more texts of
// one call are in it than can run at once.
func (m *Model) embedAll(ctx context.Context, texts [][]int32, opts EmbedOptions, vectors [][]float32) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, m.options.maxActive)
	for i, tokens := range texts {
		slots <- struct{}{}
		if ctx.Err() != nil {
			<-slots
			break
		}
		p := newPooler(opts, len(tokens), m.config.HiddenSize)
		finished := func(err error) {
			if err != nil {
				cancel(&TextError{i, err})
			}
			vectors[i] = p.vector()
			<-slots
		}
		if err := m.engine.Submit(p.task(ctx, tokens, finished)); err != nil {
			finished(err)
		}
	}
	for range cap(slots) { // every text has ended
		slots <- struct{}{}
	}
	if cause := context.Cause(ctx); cause == nil || errors.As(cause, new(*TextError)) {
		return cause
	}
	return ctx.Err()
}

// Embedder returns a function that embeds one text, as vector stores want it;
// chromem-go takes it for its EmbeddingFunc as it is.
func (m *Model) Embedder(opts EmbedOptions) func(ctx context.Context, text string) ([]float32, error) {
	return func(ctx context.Context, text string) ([]float32, error) {
		e, err := m.Embed(ctx, []string{text}, opts)
		if err != nil {
			return nil, err
		}
		return e.Vectors[0], nil
	}
}

// checkEmbed reports every text that cannot be embedded.
func (m *Model) checkEmbed(texts [][]int32, opts EmbedOptions) error {
	switch opts.Pooling {
	case "", PoolMean, PoolLast:
	default:
		return invalid("pooling", "%q, want %q or %q", opts.Pooling, PoolMean, PoolLast)
	}
	var errs []error
	for i, tokens := range texts {
		err := m.checkTokens("tokens", tokens)
		switch {
		case len(tokens) == 0:
			err = invalid("text", "it has no tokens")
		case len(tokens) > m.context:
			err = &ContextLengthError{PromptTokens: len(tokens), ContextLength: m.context}
		}
		if err != nil {
			errs = append(errs, &TextError{i, err})
		}
	}
	return errors.Join(errs...)
}

// pooler makes one vector of hidden states that come in pieces.
type pooler struct {
	opts EmbedOptions
	rows int       // to come
	sum  []float64 // [hidden]
}

// newPooler returns the pooler of a text of that many tokens.
func newPooler(opts EmbedOptions, tokens, hidden int) *pooler {
	p := &pooler{opts: opts, rows: tokens, sum: make([]float64, hidden)}
	if opts.Pooling == PoolLast {
		p.rows = 1
	}
	return p
}

// task returns the work of one text.
func (p *pooler) task(ctx context.Context, tokens []int32, finished func(error)) *engine.Task {
	return &engine.Task{
		Ctx: ctx, Tokens: tokens, FirstRow: len(tokens) - p.rows, Positions: len(tokens),
		Hidden: p.add, Finished: finished,
	}
}

// add adds rows in the order of their positions, so that the sum's bits do not
// depend on how they were cut into steps.
//
//	states  [n, hidden]
func (p *pooler) add(states []float32) error {
	for ; len(states) > 0; states = states[len(p.sum):] {
		for i := range p.sum {
			p.sum[i] += float64(states[i])
		}
	}
	// A sum of finite numbers is far from overflow in float64: this finds NaN and
	// infinity of any row.
	for _, v := range p.sum {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: hidden state %v", ErrNonFinite, v)
		}
	}
	return nil
}

// vector returns the pooled vector once all rows have come.
func (p *pooler) vector() []float32 {
	scale := 1 / float64(p.rows)
	if !p.opts.Raw {
		square := 0.0
		for _, v := range p.sum {
			square += v * v
		}
		if square > 0 {
			scale = 1 / math.Sqrt(square)
		}
	}
	out := make([]float32, len(p.sum))
	for i, v := range p.sum {
		out[i] = float32(v * scale)
	}
	return out
}
