// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"encoding/json"

	"github.com/zenlm/zen/tokenizer"
)

// textQuery is the body of a request to continue a text.
type textQuery struct {
	query
	top *int // the logprobs asked for
}

func (q *textQuery) fields() fields {
	f := q.query.fields()
	f["prompt"] = q.prompt
	f["logprobs"] = integer(0, 20, set(&q.top))
	f["best_of"] = only("1")
	f["echo"] = only("false")
	f["suffix"] = only()
	return f
}

// prompt reads a text, tokens, or a list of one of either.
func (q *textQuery) prompt(at string, raw json.RawMessage) error {
	var list []json.RawMessage
	switch kind(raw) {
	case '"':
		return text(&q.Prompt)(at, raw)
	case '[':
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
	default:
		return badRequest(at, "want a string or tokens, got %s", describe(raw))
	}
	if len(list) > 0 && isNumber(list[0]) {
		return elements(token(&q.Tokens))(at, raw)
	}
	if len(list) != 1 {
		return unsupported(at, "%d prompts, want one", len(list))
	}
	if kind(list[0]) == '[' {
		return elements(token(&q.Tokens))(at+"[0]", list[0])
	}
	return text(&q.Prompt)(at+"[0]", list[0])
}

// completionTokens is the most tokens of a completion that does not say, as OpenAI
// has it.
const completionTokens = 16

func (s *Server) completions(ctx context.Context, c *call) error {
	q := &textQuery{}
	if err := document(c.body, q.fields()); err != nil {
		return err
	}
	if q.Prompt == "" && len(q.Tokens) == 0 {
		return badRequest("prompt", "missing or empty")
	}
	if q.top != nil {
		q.Logprobs, q.TopLogprobs = true, *q.top
	}
	if q.maxTokens == nil {
		q.maxTokens = new(completionTokens)
		if limit := s.options.maxTokens; limit > 0 {
			*q.maxTokens = min(limit, completionTokens)
		}
	}
	if err := q.check(s); err != nil {
		return err
	}
	f := &textFormat{head: s.head("cmpl-", "text_completion"), usage: q.usage, logprobs: q.Logprobs, tokens: s.tokenizer()}
	return s.answer(ctx, c, &q.query, f)
}

// textFormat is text_completion, whole and in a stream.
type textFormat struct {
	head
	usage    bool // in a stream
	logprobs bool
	tokens   tokenizer.Tokenizer // nil without logprobs
	offset   int                 // characters told of in logprobs
}

type textChoice struct {
	Text         string        `json:"text"`
	Index        int           `json:"index"`
	Logprobs     *textLogprobs `json:"logprobs"`
	FinishReason *string       `json:"finish_reason"`
}

type textCompletion struct {
	head
	Choices []textChoice `json:"choices"`
}

type textWithUsage struct {
	textCompletion
	Usage *usage `json:"usage"`
}

func (f *textFormat) whole(p piece) any {
	return textWithUsage{f.choice(p), newUsage(p.usage)}
}

func (f *textFormat) events(p piece, _ bool) (events []any) {
	if p.text == "" && len(p.logprobs) == 0 && p.finish == "" {
		return nil
	}
	if !f.usage {
		return []any{f.choice(p)}
	}
	events = append(events, textWithUsage{f.choice(p), nil})
	if p.finish != "" {
		events = append(events, textWithUsage{textCompletion{f.head, []textChoice{}}, newUsage(p.usage)})
	}
	return events
}

func (f *textFormat) choice(p piece) textCompletion {
	choice := textChoice{Text: p.text, Logprobs: f.logprobsOf(p)}
	if p.finish != "" {
		choice.FinishReason = &p.finish
	}
	return textCompletion{f.head, []textChoice{choice}}
}
