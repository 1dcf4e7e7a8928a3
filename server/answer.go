// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"time"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/tokenizer"
)

// Finish reasons beside those of package zen.
const (
	finishFilter = "content_filter"
	finishTools  = "tool_calls"
)

// piece is a part of an answer as it goes out; the whole answer is one too.
type piece struct {
	text     string
	calls    []toolCall
	tokens   []int32
	logprobs []zen.TokenLogprob

	finish string // of the last piece
	stop   string
	usage  zen.Usage
	seed   uint64
}

func (p *piece) add(q piece) {
	p.text += q.text
	p.calls = append(p.calls, q.calls...)
	p.tokens = append(p.tokens, q.tokens...)
	p.logprobs = append(p.logprobs, q.logprobs...)
	p.finish, p.stop, p.usage, p.seed = q.finish, q.stop, q.usage, q.seed
}

// format gives answers their JSON.
type format interface {
	// whole returns the body of an answer that is not streamed.
	whole(p piece) any
	// events returns those of a piece of a stream; first is the stream's first.
	events(p piece, first bool) []any
}

// head begins the objects of a new answer.
func (s *Server) head(prefix, object string) head {
	return head{ID: prefix + rand.Text(), Object: object, Created: time.Now().Unix(), Model: s.options.names[0]}
}

// answer asks the model and writes what it says, in one piece or in many.
func (s *Server) answer(ctx context.Context, c *call, q *query, f format) error {
	if q.Logprobs && s.tokenizer() == nil {
		return unsupported("logprobs", "the model has no tokenizer")
	}
	for _, inspect := range s.options.inspect {
		if err := inspect(ctx, &q.Request); err != nil {
			return err
		}
	}
	var all piece
	first := true
	for p, err := range s.pieces(ctx, c, q) {
		if err != nil {
			return err
		}
		if !q.stream {
			all.add(p)
			continue
		}
		if first {
			c.stream()
		}
		if events := f.events(p, first); len(events) > 0 {
			if err := c.event(events...); err != nil {
				return err
			}
		}
		first = false
	}
	if q.stream {
		return c.done()
	}
	return c.reply(200, f.whole(all))
}

// pieces yields the answer's pieces, or its error last. The last piece has the finish
// reason.
func (s *Server) pieces(ctx context.Context, c *call, q *query) iter.Seq2[piece, error] {
	return func(yield func(piece, error) bool) {
		a := &answering{server: s, call: c, req: q.Request, filter: passing{}, calls: tokenizer.NewCallParser(nil)}
		if q.callable {
			a.calls = tokenizer.NewCallParser(q.Tools)
		}
		if s.options.filter != nil {
			a.filter, a.filtered = s.options.filter(), true
		}
		for chunk, err := range s.generator.Stream(ctx, q.Request) {
			var p piece
			if err == nil {
				c.chunk()
				p, err = a.piece(chunk)
			}
			s.noteHealth(err)
			if err != nil {
				yield(piece{}, err)
				return
			}
			if !yield(p, nil) || p.finish != "" {
				return
			}
		}
		yield(piece{}, errors.New("server: the model's answer has no end"))
	}
}

// noteHealth notes whether the model still answers.
func (s *Server) noteHealth(err error) {
	if sick := errors.Is(err, zen.ErrClosed) || errors.Is(err, zen.ErrPanic); sick != s.sick.Load() {
		s.sick.Store(sick)
	}
}

// answering is an answer on its way through filter and tools.
type answering struct {
	server   *Server
	call     *call
	req      zen.Request
	filter   TextFilter
	filtered bool
	calls    *tokenizer.CallParser
	tokens   int
	called   bool // a tool, by now
}

// piece returns what goes out for a chunk of the model's.
func (a *answering) piece(chunk zen.Chunk) (piece, error) {
	a.tokens += len(chunk.Tokens)
	text, err := a.filter.Push(chunk.Text)
	last := chunk.FinishReason != ""
	if last && err == nil {
		var rest string
		rest, err = a.filter.Flush()
		text += rest
	}
	p := piece{tokens: chunk.Tokens, logprobs: chunk.Logprobs, finish: string(chunk.FinishReason),
		stop: chunk.StopString, usage: chunk.Usage, seed: chunk.Seed}
	if a.filtered {
		p.tokens = nil
	}
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		p.finish, p.stop = finishFilter, ""
		if !last {
			p.usage = a.usage()
		}
	case err != nil:
		return piece{}, err
	}
	var found []zen.ToolCall
	p.text, found = a.calls.Push(text)
	if p.finish != "" {
		p.text += a.calls.Flush()
	}
	p.calls = toolCalls(found)
	a.called = a.called || len(p.calls) > 0
	if p.finish == string(zen.FinishStop) && a.called {
		p.finish = finishTools
	}
	if p.finish != "" {
		a.report(p, chunk.Timings)
	}
	return p, nil
}

// usage counts the tokens of an answer that a filter ended.
func (a *answering) usage() zen.Usage {
	u := zen.Usage{CompletionTokens: a.tokens}
	if m, ok := a.server.generator.(tokenized); ok {
		if prompt, err := m.Encode(a.req); err == nil {
			u.PromptTokens = len(prompt)
		}
	}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	return u
}

func (a *answering) report(p piece, t zen.Timings) {
	r := &a.call.report
	r.FinishReason, r.Usage, r.Timings = p.finish, p.usage, t
}
