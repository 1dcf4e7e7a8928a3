// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"github.com/zenlm/zen"
)

// maxDrafts bounds what a client may have guessed: rows of a step that others could use.
const maxDrafts = 64

// generate answers the model card's JSON: a zen.Request, with stream beside it, with a
// zen.Response or with events of zen.Chunk.
func (s *Server) generate(ctx context.Context, c *call) error {
	q := &query{}
	f := q.fields()
	for _, other := range []string{"n", "stream_options"} {
		delete(f, other)
	}
	f["messages"] = elements(message(&q.Messages))
	f["tools"] = elements(tool(&q.Tools))
	f["prompt"] = text(&q.Prompt)
	f["tokens"] = elements(token(&q.Tokens))
	f["logprobs"] = boolean(&q.Logprobs)
	f["top_logprobs"] = integer(0, 100, put(&q.TopLogprobs))
	f["draft_tokens"] = integer(0, maxDrafts, set(&q.DraftTokens))
	if err := document(c.body, f); err != nil {
		return err
	}
	if err := q.check(s); err != nil {
		return err
	}
	return s.answer(ctx, c, q, cardFormat{})
}

// cardFormat is zen.Response and zen.Chunk. Tool calls stay text.
type cardFormat struct{}

func (cardFormat) whole(p piece) any {
	return zen.Response{Text: p.text, Usage: p.usage, FinishReason: zen.FinishReason(p.finish), StopString: p.stop,
		Tokens: p.tokens, Logprobs: card(p.logprobs), Seed: p.seed}
}

func (cardFormat) events(p piece, _ bool) []any {
	return []any{zen.Chunk{Text: p.text, Usage: p.usage, FinishReason: zen.FinishReason(p.finish), StopString: p.stop,
		Tokens: p.tokens, Logprobs: card(p.logprobs), Seed: p.seed}}
}

// card returns log-probabilities that JSON can hold.
func card(list []zen.TokenLogprob) []zen.TokenLogprob {
	for i := range list {
		list[i].Logprob.Logprob = float32(finite(list[i].Logprob.Logprob))
		for j := range list[i].Top {
			list[i].Top[j].Logprob = float32(finite(list[i].Top[j].Logprob))
		}
	}
	return list
}
