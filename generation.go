// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"context"
	"fmt"
	"slices"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/sampling"
	"github.com/zenlm/zen/tokenizer"
)

// sink takes the chunks of an answer from the engine, one after the other, and its end:
// nil where it is complete. Neither waits.
type sink interface {
	push(c Chunk)
	finish(err error)
}

// generation is one request on its way. The engine's goroutine alone uses it
// once it is submitted, up to the end of out.
type generation struct {
	task engine.Task
	out  sink

	state   sampling.State // the prompt, then the answer
	sampler sampling.Sampler
	seed    uint64

	decoder *tokenizer.Decoder // nil without a tokenizer
	stop    *sampling.StopMatcher
	ends    []int32 // tokens that end the answer
	limit   int     // most tokens of the answer
	drafts  int     // most tokens to guess ahead

	logprobs    bool
	topLogprobs int
	raw         []float32 // [vocab] the model's logits, where logprobs are wanted

	pending Chunk // not yet given out, but for:
	tokens  parts[int32]
	probs   parts[TokenLogprob]
	tops    parts[Logprob] // of probs
	top     []Logprob      // scratch
	finish  FinishReason
}

// start checks a request and queues it.
func (m *Model) start(ctx context.Context, req *Request, out sink) (*generation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g, err := m.prepare(req)
	if err != nil {
		return nil, err
	}
	g.out = out
	g.task = engine.Task{
		Ctx:         ctx,
		Priority:    req.Priority,
		Tokens:      g.state.Tokens,
		FirstRow:    len(g.state.Tokens) - 1,
		Positions:   len(g.state.Tokens) + g.limit,
		DraftTokens: g.drafts,
		Row:         g.row,
		Finished: func(err error) {
			if g.tokens.len() > 0 { // an error cut the answer off
				g.give()
			}
			m.finished(ctx, g, err)
			g.out.finish(err)
		},
	}
	if chain, ok := g.sampler.(*sampling.Chain); ok && chain.TakesCandidates() && !g.logprobs {
		g.task.Temperature, g.task.MinCandidates = chain.PartsAt(), chain.MinCandidates()
		g.task.Candidates = func(c backend.Candidates) (ok, more bool, err error) {
			id, ok := chain.SampleFrom(sampling.Candidates(c), &g.state)
			return ok, ok && g.accept(id), nil
		}
	}
	if err := m.engine.Submit(&g.task); err != nil {
		return nil, err
	}
	return g, nil
}

// finished counts and logs a request that has ended.
func (m *Model) finished(ctx context.Context, g *generation, err error) {
	u, t := g.usage(), g.timings()
	m.counters.requests.Add(1)
	m.counters.promptTokens.Add(int64(u.PromptTokens))
	m.counters.completionTokens.Add(int64(u.CompletionTokens))
	m.options.logger.DebugContext(ctx, "zen: finished", "prompt", u.PromptTokens, "completion", u.CompletionTokens,
		"reason", g.finish, "queue", t.Queue, "prefill", t.Prefill, "decode", t.Decode, "err", err)
}

// row samples the next token and gives out the text that is certain by now.
//
//	logits  [vocab]
func (g *generation) row(logits []float32) (more bool, err error) {
	if g.logprobs {
		copy(g.raw, logits)
	}
	id, err := g.sampler.Sample(logits, &g.state)
	if err != nil {
		return false, err
	}
	if id < 0 || int(id) >= len(logits) {
		return false, fmt.Errorf("zen: the sampler returned token %d of %d", id, len(logits))
	}
	return g.accept(id), nil
}

// accept adds the next token to the answer and reports whether it goes on.
func (g *generation) accept(id int32) (more bool) {
	g.state.Tokens = append(g.state.Tokens, id)
	g.task.Tokens = g.state.Tokens
	g.tokens.add(id)
	if g.logprobs {
		g.probs.add(g.logprob(id))
	}
	g.advance(id)
	if g.finish != "" {
		g.describe(&g.pending)
		g.give()
		return false
	}
	if g.pending.Text != "" || g.logprobs || g.decoder == nil {
		g.give()
	}
	return true
}

// advance adds the token's text to the pending chunk and sees whether the answer
// ends with it.
func (g *generation) advance(id int32) {
	if slices.Contains(g.ends, id) {
		g.finish = FinishStop
		g.flush()
		return
	}
	if g.decoder != nil && g.text(g.decoder.Next(id)) {
		return
	}
	if len(g.state.Tokens)-g.state.PromptTokens == g.limit {
		g.finish = FinishLength
		g.flush()
	}
}

// text adds decoded text to the pending chunk and reports whether it held a stop
// string.
func (g *generation) text(s string) (stopped bool) {
	s, stopped = g.stop.Push(s)
	g.pending.Text += s
	if stopped {
		g.finish = FinishStop
		g.pending.StopString = g.stop.Matched()
	}
	return stopped
}

// flush adds the text held back at the end of an answer.
func (g *generation) flush() {
	if g.decoder != nil && !g.text(g.decoder.Flush()) {
		g.pending.Text += g.stop.Flush()
	}
}

// give hands the pending chunk to the caller.
func (g *generation) give() {
	g.pending.Tokens, g.pending.Logprobs = g.tokens.take(), g.probs.take()
	g.out.push(g.pending)
	g.pending = Chunk{}
}

// describe sets what the last chunk says of the whole answer.
func (g *generation) describe(c *Chunk) {
	c.FinishReason, c.Usage, c.Seed, c.Timings = g.finish, g.usage(), g.seed, g.timings()
}

func (g *generation) logprob(id int32) TokenLogprob {
	p, top := sampling.Logprobs(g.top[:0], g.raw, id, g.topLogprobs)
	for _, l := range top {
		g.tops.add(l)
	}
	g.top = top
	return TokenLogprob{Logprob: Logprob{Token: id, Logprob: p}, Top: g.tops.take()}
}

func (g *generation) usage() Usage {
	n := len(g.state.Tokens)
	return Usage{
		PromptTokens: g.state.PromptTokens, CompletionTokens: n - g.state.PromptTokens, TotalTokens: n,
		CachedTokens: g.task.Cached,
	}
}

func (g *generation) timings() Timings { return timings(&g.task.Times) }
