// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/zenlm/zen"
)

// query is what the requests for text have in common.
type query struct {
	zen.Request
	model         string
	stream        bool
	usage         bool // in a stream
	callable      bool // tool calls are looked for
	maxTokens     *int // by each of its two names
	maxCompletion *int
}

// fields returns those that every request for text may have.
func (q *query) fields() fields {
	return fields{
		"model":          text(&q.model),
		"stream":         boolean(&q.stream),
		"stream_options": q.streamOptions,

		"max_tokens":        integer(1, most, set(&q.maxTokens)),
		"temperature":       number(0, 2, set(&q.Temperature)),
		"top_p":             number(0, 1, set(&q.TopP)),
		"stop":              textOrTexts(&q.Stop),
		"seed":              seed(&q.Seed),
		"presence_penalty":  number(-2, 2, put(&q.PresencePenalty)),
		"frequency_penalty": number(-2, 2, put(&q.FrequencyPenalty)),
		"logit_bias":        q.logitBias,
		"n":                 only("1"),

		// zen's own.
		"top_k":              integer(0, most, set(&q.TopK)),
		"min_p":              number(0, 1, set(&q.MinP)),
		"typical_p":          number(0, 1, set(&q.TypicalP)),
		"repetition_penalty": number(0.01, 100, set(&q.RepetitionPenalty)),
		"min_tokens":         integer(0, most, put(&q.MinTokens)),
		"stop_token_ids":     elements(token(&q.StopTokens)),
		"ignore_eos":         boolean(&q.IgnoreEOS),

		// About the account, the bill or the speed, not the answer.
		"user":                   ignored,
		"metadata":               ignored,
		"store":                  ignored,
		"service_tier":           ignored,
		"safety_identifier":      ignored,
		"prompt_cache_key":       ignored,
		"prompt_cache_options":   ignored,
		"prompt_cache_retention": ignored,
	}
}

func (q *query) streamOptions(at string, raw json.RawMessage) error {
	return fields{
		"include_usage":       boolean(&q.usage),
		"include_obfuscation": ignored,
	}.object(at, raw)
}

func (q *query) logitBias(at string, raw json.RawMessage) error {
	var biases map[string]json.RawMessage
	if kind(raw) != '{' || json.Unmarshal(raw, &biases) != nil {
		return badRequest(at, "want an object, got %s", describe(raw))
	}
	q.LogitBias = map[int32]float64{}
	for _, name := range slices.Sorted(maps.Keys(biases)) {
		id, err := strconv.ParseInt(name, 10, 32)
		if err != nil || id < 0 || strconv.FormatInt(id, 10) != name {
			return badRequest(at, "%q is not a token id", name)
		}
		bias := func(v float64) { q.LogitBias[int32(id)] = v }
		if err := number(-100, 100, bias)(at+"."+name, biases[name]); err != nil {
			return err
		}
	}
	return nil
}

// check sees whether the fields go together, and applies the server's limits.
func (q *query) check(s *Server) error {
	if err := s.checkModel(q.model); err != nil {
		return err
	}
	if q.usage && !q.stream {
		return badRequest("stream_options", "given without stream")
	}
	asked := q.maxTokens
	if q.maxCompletion != nil {
		if asked != nil && *asked != *q.maxCompletion {
			return badRequest("max_tokens", "%d, while max_completion_tokens is %d", *asked, *q.maxCompletion)
		}
		asked = q.maxCompletion
	}
	limit := s.options.maxTokens
	switch {
	case asked == nil:
		q.MaxTokens = limit
	case limit > 0 && *asked > limit:
		return badRequest("max_tokens", "%d, the server's limit is %d", *asked, limit)
	default:
		q.MaxTokens = *asked
	}
	if !q.Logprobs {
		return nil
	}
	if s.options.filter != nil {
		return unsupported("logprobs", "not told by a server that filters its answers")
	}
	return nil
}

// checkModel refuses a model that is not the server's.
func (s *Server) checkModel(name string) error {
	if name == "" || slices.Contains(s.options.names, name) {
		return nil
	}
	return unknownModel(name)
}
