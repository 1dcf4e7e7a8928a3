// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
)

// Generator is the part of a Model that answers requests, for programs and tests
// that need no more; package zentest has others.
type Generator interface {
	// Generate returns the whole answer.
	Generate(ctx context.Context, req Request) (*Response, error)
	// Stream returns the answer as it is made.
	Stream(ctx context.Context, req Request) iter.Seq2[Chunk, error]
}

var _ Generator = (*Model)(nil)

// Generate answers a request. When ctx is done the answer ends within one step,
// and the error matches the context's. With an error that came after the start
// the response holds what was generated before it; otherwise it is nil.
func (m *Model) Generate(ctx context.Context, req Request) (*Response, error) {
	a := newAnswer()
	g, err := m.start(ctx, &req, a)
	if err != nil {
		return nil, err
	}
	if err := <-a.end; err != nil {
		var last Chunk
		g.describe(&last)
		a.response.add(last)
		return &a.response, err
	}
	return &a.response, nil
}

// Stream answers a request piece by piece. The sequence starts the request when
// it is first ranged over and is good for one range. It yields at most one error,
// last. The text of all chunks together is the answer. Breaking out of the loop
// cancels the request and frees its memory before the loop ends.
func (m *Model) Stream(ctx context.Context, req Request) iter.Seq2[Chunk, error] {
	var used atomic.Bool
	return func(yield func(Chunk, error) bool) {
		if used.Swap(true) {
			yield(Chunk{}, errors.New("zen: a stream can be ranged over once"))
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		out := newOutbox()
		if _, err := m.start(ctx, &req, out); err != nil {
			yield(Chunk{}, err)
			return
		}
		defer out.wait()
		defer cancel()
		for {
			chunk, err := out.next()
			if errors.Is(err, errEnd) || !yield(chunk, err) || err != nil {
				return
			}
		}
	}
}

// add appends all of a chunk but its text to the answer.
func (r *Response) add(c Chunk) {
	r.Tokens = append(r.Tokens, c.Tokens...)
	r.Logprobs = append(r.Logprobs, c.Logprobs...)
	r.FinishReason, r.StopString = c.FinishReason, c.StopString
	r.Usage, r.Seed, r.Timings = c.Usage, c.Seed, c.Timings
}
