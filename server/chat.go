// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"encoding/json"

	"github.com/zenlm/zen"
)

// chatQuery is the body of a request for a conversation's next message.
type chatQuery struct {
	query
	noTools bool // the model is not to call any
}

func (q *chatQuery) fields() fields {
	f := q.query.fields()
	f["messages"] = elements(message(&q.Messages))
	f["max_completion_tokens"] = integer(1, most, set(&q.maxCompletion))
	f["logprobs"] = boolean(&q.Logprobs)
	f["top_logprobs"] = integer(0, 20, put(&q.TopLogprobs))
	f["tools"] = elements(tool(&q.Tools))
	f["tool_choice"] = q.toolChoice
	f["parallel_tool_calls"] = only("true")
	f["response_format"] = fields{"type": only(`"text"`)}.object
	f["modalities"] = only(`["text"]`)
	f["verbosity"] = only(`"medium"`)
	f["prediction"] = ignored // a guess at the answer, for speed
	for _, name := range []string{"audio", "function_call", "functions", "moderation", "reasoning_effort", "web_search_options"} {
		f[name] = only()
	}
	return f
}

func (q *chatQuery) toolChoice(at string, raw json.RawMessage) error {
	q.noTools = string(raw) == `"none"`
	return only(`"auto"`, `"none"`)(at, raw)
}

func (s *Server) chat(ctx context.Context, c *call) error {
	q := &chatQuery{query: query{callable: true}}
	if err := document(c.body, q.fields()); err != nil {
		return err
	}
	if err := q.check(s); err != nil {
		return err
	}
	if len(q.Messages) == 0 {
		return badRequest("messages", "missing")
	}
	if q.TopLogprobs > 0 && !q.Logprobs {
		return badRequest("top_logprobs", "%d without logprobs", q.TopLogprobs)
	}
	if q.noTools {
		q.Tools = nil
	}
	f := &chatFormat{head: s.head("chatcmpl-", "chat.completion"), usage: q.usage, logprobs: q.Logprobs, tokens: s.tokenizer()}
	if q.stream {
		f.head.Object += ".chunk"
	}
	return s.answer(ctx, c, &q.query, f)
}

// head is what every object of an answer begins with.
type head struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
}

// usage counts tokens as OpenAI does.
type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
	Details          struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

func newUsage(u zen.Usage) *usage {
	out := &usage{PromptTokens: u.PromptTokens, CompletionTokens: u.CompletionTokens, TotalTokens: u.TotalTokens}
	out.Details.CachedTokens = u.CachedTokens
	return out
}
