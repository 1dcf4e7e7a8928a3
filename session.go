// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/kvcache"
)

// Session is a text whose keys and values stay in the cache: for decoding loops
// of one's own, for trying several continuations, for a prefix kept across
// requests. Its calls queue like requests. Calls from several goroutines follow
// one another. Close frees its memory.
type Session struct {
	model *Model

	mu       sync.Mutex
	sequence *kvcache.Sequence // nil once closed
	tokens   []int32           // [length]
	logits   []float32         // [vocab] after the last token
}

// NewSession returns an empty session. The caller closes it.
func (m *Model) NewSession() (*Session, error) {
	s := &Session{model: m}
	err := m.engine.Call(func(c *kvcache.Cache) error {
		s.sequence = c.NewSequence()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Prefill appends tokens, at least one, and returns the logits [vocab] of the
// token after them, which the session keeps and changes with the next call. After
// an error the session is as before.
func (s *Session) Prefill(ctx context.Context, tokens []int32) ([]float32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(ctx, tokens); err != nil {
		return nil, err
	}
	tokens = slices.Clone(tokens)
	done := make(chan error, 1)
	err := s.model.engine.Submit(&engine.Task{
		Ctx:       ctx,
		Sequence:  s.sequence,
		Tokens:    tokens,
		FirstRow:  len(tokens) - 1,
		Positions: len(s.tokens) + len(tokens),
		Row: func(logits []float32) (bool, error) {
			s.logits = append(s.logits[:0], logits...)
			return false, nil
		},
		Finished: func(err error) { done <- err },
	})
	if err == nil {
		err = <-done
	}
	if err != nil {
		return nil, err
	}
	s.tokens = append(s.tokens, tokens...)
	return s.logits, nil
}

// Next appends one token; see Prefill.
func (s *Session) Next(ctx context.Context, token int32) ([]float32, error) {
	return s.Prefill(ctx, []int32{token})
}

// Len returns the number of tokens.
func (s *Session) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tokens)
}

// Tokens returns a copy of the tokens.
func (s *Session) Tokens() []int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tokens)
}

// Fork returns a session of the same text, which goes its own way. The two share
// memory up to here. The caller closes it.
func (s *Session) Fork() (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &Session{model: s.model, tokens: slices.Clone(s.tokens)}
	err := s.call(func(*kvcache.Cache) error {
		f.sequence = s.sequence.Fork()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Truncate keeps the first n tokens.
func (s *Session) Truncate(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 0 || n > len(s.tokens) {
		return fmt.Errorf("%w: truncate to %d of %d tokens", ErrInvalidRequest, n, len(s.tokens))
	}
	err := s.call(func(*kvcache.Cache) error {
		s.sequence.Truncate(n)
		return nil
	})
	if err == nil {
		s.tokens = s.tokens[:n]
	}
	return err
}

// Close frees the session's memory. It may be called again, and after the model's
// Close.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sequence == nil {
		return nil
	}
	// A closed model has freed the whole cache.
	_ = s.call(func(*kvcache.Cache) error {
		s.sequence.Close()
		return nil
	})
	s.sequence = nil
	return nil
}

// call runs f on the engine's goroutine; s.mu is held.
func (s *Session) call(f func(*kvcache.Cache) error) error {
	if s.sequence == nil {
		return fmt.Errorf("%w: session", ErrClosed)
	}
	return s.model.engine.Call(f)
}

// check reports why tokens cannot be appended; s.mu is held.
func (s *Session) check(ctx context.Context, tokens []int32) error {
	if s.sequence == nil {
		return fmt.Errorf("%w: session", ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(tokens) == 0 {
		return invalid("tokens", "none")
	}
	if n := len(s.tokens) + len(tokens); n > s.model.context {
		return &ContextLengthError{PromptTokens: n, ContextLength: s.model.context}
	}
	return s.model.checkTokens("tokens", tokens)
}
