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
// requests. Its calls queue like requests, and take over what others have computed
// of the same text as requests do; see WithPrefixReuse. Calls from several
// goroutines follow one another. Close frees its memory.
type Session struct {
	model *Model

	mu       sync.Mutex
	sequence *kvcache.Sequence // nil once closed
	tokens   []int32           // [length]
	cached   int               // of the tokens ever appended, those taken over
	logits   []float32         // [vocab] after the last token
	task     engine.Task       // of each call in turn
	done     chan error        // its end
}

// NewSession returns an empty session. The caller closes it.
func (m *Model) NewSession() (*Session, error) {
	s := m.newSession(nil)
	err := m.engine.Call(func(c *kvcache.Cache) error {
		s.sequence = c.NewSequence()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// newSession returns a session of tokens, which it keeps, without a sequence.
func (m *Model) newSession(tokens []int32) *Session {
	s := &Session{model: m, tokens: tokens, done: make(chan error, 1)}
	s.task.Row = func(logits []float32) (bool, error) {
		s.logits = append(s.logits[:0], logits...)
		return false, nil
	}
	s.task.Finished = func(err error) { s.done <- err }
	return s
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
	length := len(s.tokens)
	s.tokens = append(s.tokens, tokens...)
	if err := s.feed(ctx); err != nil {
		s.tokens = s.tokens[:length]
		return nil, err
	}
	s.cached += s.task.Cached
	return s.logits, nil
}

// feed computes the tokens that the sequence does not hold; s.mu is held.
func (s *Session) feed(ctx context.Context) error {
	s.task = engine.Task{
		Ctx:       ctx,
		Sequence:  s.sequence,
		Tokens:    s.tokens,
		FirstRow:  len(s.tokens) - 1,
		Positions: len(s.tokens),
		Row:       s.task.Row,
		Finished:  s.task.Finished,
	}
	if err := s.model.engine.Submit(&s.task); err != nil {
		return err
	}
	return <-s.done
}

// Next appends one token; see Prefill. It allocates nothing but what the session
// grows by, now and then.
func (s *Session) Next(ctx context.Context, token int32) ([]float32, error) {
	return s.Prefill(ctx, []int32{token})
}

// Len returns the number of tokens.
func (s *Session) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tokens)
}

// CachedTokens returns how many of the tokens appended so far did not have to be
// computed; see WithPrefixReuse.
func (s *Session) CachedTokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cached
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
	f := s.model.newSession(slices.Clone(s.tokens))
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
