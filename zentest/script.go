// SPDX-License-Identifier: Apache-2.0

package zentest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zenlm/zen"
)

// ErrScript is matched by the error of a request for which a script has no reply.
var ErrScript = errors.New("zentest: the script has ended")

// Reply is a Fake's answer to one request.
type Reply struct {
	// Chunks are the pieces of the answer's text.
	Chunks []string
	// Delay passes before each chunk, or before the end when there are none. A
	// context that is done cuts it short.
	Delay time.Duration
	// Err ends the answer after the chunks.
	Err error

	// FinishReason is that of an answer without Err; "" means zen.FinishStop.
	FinishReason zen.FinishReason
	// Usage is what the answer counts. The zero value counts each chunk given as
	// a token of the completion and nothing as the prompt.
	Usage zen.Usage
}

// Text returns a reply of these chunks.
func Text(chunks ...string) Reply { return Reply{Chunks: chunks} }

// Fail returns a reply that fails with err after these chunks.
func Fail(err error, chunks ...string) Reply { return Reply{Chunks: chunks, Err: err} }

// Fake is a zen.Generator that follows a script: each request takes the next
// reply. It is safe for concurrent use; with testing/synctest delays take no time.
type Fake struct {
	replies []Reply

	mu       sync.Mutex
	requests []zen.Request
}

var _ zen.Generator = (*Fake)(nil)

// Script returns a Fake that gives these replies in order.
func Script(replies ...Reply) *Fake { return &Fake{replies: slices.Clone(replies)} }

// Requests returns the requests so far, in order, also those that found the
// script at its end.
func (f *Fake) Requests() []zen.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// Remaining returns the number of replies that no request has taken.
func (f *Fake) Remaining() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(0, len(f.replies)-len(f.requests))
}

// Generate returns the next reply whole. With its error comes the text before it,
// as a Model's.
func (f *Fake) Generate(ctx context.Context, req zen.Request) (*zen.Response, error) {
	reply, err := f.take(ctx, req)
	if err != nil {
		return nil, err
	}
	begin, text, given := time.Now(), strings.Builder{}, 0
	for chunk, chunkErr := range reply.chunks(ctx) {
		if err = chunkErr; err == nil {
			text.WriteString(chunk.Text)
			given++
		}
	}
	resp := &zen.Response{Text: text.String(), Usage: reply.usage(min(given, len(reply.Chunks))), Timings: zen.Timings{Decode: time.Since(begin)}}
	if err == nil {
		resp.FinishReason = reply.finish()
	}
	return resp, err
}

// Stream yields the next reply in its chunks. The request is made when the
// sequence is first ranged over; it can be ranged over once.
func (f *Fake) Stream(ctx context.Context, req zen.Request) iter.Seq2[zen.Chunk, error] {
	var used atomic.Bool
	return func(yield func(zen.Chunk, error) bool) {
		if used.Swap(true) {
			yield(zen.Chunk{}, errors.New("zentest: a stream can be ranged over once"))
			return
		}
		reply, err := f.take(ctx, req)
		if err != nil {
			yield(zen.Chunk{}, err)
			return
		}
		reply.chunks(ctx)(yield)
	}
}

// take records a request and returns its reply.
func (f *Fake) take(ctx context.Context, req zen.Request) (Reply, error) {
	if err := ctx.Err(); err != nil {
		return Reply{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	req.Messages = slices.Clone(req.Messages)
	f.requests = append(f.requests, req)
	n := len(f.requests)
	if n > len(f.replies) {
		return Reply{}, fmt.Errorf("%w: request %d, the replies are %d", ErrScript, n, len(f.replies))
	}
	return f.replies[n-1], nil
}

// chunks yields the reply. The last chunk says how it finished.
func (r Reply) chunks(ctx context.Context) iter.Seq2[zen.Chunk, error] {
	return func(yield func(zen.Chunk, error) bool) {
		texts := r.Chunks
		if len(texts) == 0 && r.Err == nil {
			texts = []string{""}
		}
		for i, text := range texts {
			if err := wait(ctx, r.Delay); err != nil {
				yield(zen.Chunk{}, err)
				return
			}
			chunk := zen.Chunk{Text: text}
			if i == len(texts)-1 && r.Err == nil {
				chunk.FinishReason, chunk.Usage = r.finish(), r.usage(len(r.Chunks))
			}
			if !yield(chunk, nil) {
				return
			}
		}
		if r.Err == nil {
			return
		}
		if len(texts) == 0 {
			if err := wait(ctx, r.Delay); err != nil {
				yield(zen.Chunk{}, err)
				return
			}
		}
		yield(zen.Chunk{}, r.Err)
	}
}

func (r Reply) finish() zen.FinishReason {
	if r.FinishReason == "" {
		return zen.FinishStop
	}
	return r.FinishReason
}

func (r Reply) usage(given int) zen.Usage {
	if r.Usage == (zen.Usage{}) {
		return zen.Usage{CompletionTokens: given, TotalTokens: given}
	}
	return r.Usage
}

// wait returns after d, or with ctx's error once that is done.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
