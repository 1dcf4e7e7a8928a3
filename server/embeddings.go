// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/zenlm/zen"
)

// Embedder is what a model that can embed has, as a *zen.Model.
type Embedder interface {
	// Embed returns a vector for each text.
	Embed(ctx context.Context, texts []string, opts zen.EmbedOptions) (*zen.Embeddings, error)
	// EmbedTokens returns a vector for each text, given as tokens.
	EmbedTokens(ctx context.Context, texts [][]int32, opts zen.EmbedOptions) (*zen.Embeddings, error)
}

// maxInputs is the most texts of a request for embeddings, as OpenAI has it.
const maxInputs = 2048

// embedQuery is the body of a request for embeddings.
type embedQuery struct {
	model      string
	texts      []string  // one of these two
	tokens     [][]int32 // is set
	format     string
	dimensions *int
}

func (q *embedQuery) fields() fields {
	return fields{
		"model":           text(&q.model),
		"input":           q.input,
		"encoding_format": text(&q.format),
		"dimensions":      integer(1, most, set(&q.dimensions)),
		"user":            ignored,
	}
}

// input reads a text, tokens, or a list of either.
func (q *embedQuery) input(at string, raw json.RawMessage) error {
	if kind(raw) != '[' {
		return textOrTexts(&q.texts)(at, raw)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	if len(list) == 0 || len(list) > maxInputs {
		return badRequest(at, "%d texts, want 1..%d", len(list), maxInputs)
	}
	row := func(at string, raw json.RawMessage) error {
		var ids []int32
		err := elements(token(&ids))(at, raw)
		q.tokens = append(q.tokens, ids)
		return err
	}
	switch {
	case isNumber(list[0]):
		return row(at, raw)
	case kind(list[0]) == '[':
		return elements(row)(at, raw)
	}
	return texts(&q.texts)(at, raw)
}

func (s *Server) embeddings(ctx context.Context, c *call) error {
	q := &embedQuery{format: "float"}
	if err := document(c.body, q.fields()); err != nil {
		return err
	}
	if err := s.checkModel(q.model); err != nil {
		return err
	}
	if q.format != "float" && q.format != "base64" {
		return unsupported("encoding_format", "%q, want float or base64", q.format)
	}
	if q.texts == nil && q.tokens == nil {
		return badRequest("input", "missing")
	}
	result, err := s.embed(ctx, q)
	s.noteHealth(err)
	if err != nil {
		return atInput(err)
	}
	for _, vector := range result.Vectors {
		if d := q.dimensions; d != nil && *d != len(vector) {
			return unsupported("dimensions", "%d, the model has %d and they are not cut", *d, len(vector))
		}
	}
	c.report.Usage = result.Usage
	return c.reply(http.StatusOK, s.embeddingList(result, q.format))
}

// embed passes the texts through the filters to the model.
func (s *Server) embed(ctx context.Context, q *embedQuery) (*zen.Embeddings, error) {
	m, ok := s.generator.(Embedder)
	if !ok {
		return nil, unsupported("model", "it has no embeddings")
	}
	for _, inspect := range s.options.inspect {
		for i := range q.texts {
			req := zen.Request{Prompt: q.texts[i]}
			if err := inspect(ctx, &req); err != nil {
				return nil, err
			}
			q.texts[i] = req.Prompt
		}
		for i := range q.tokens {
			req := zen.Request{Tokens: q.tokens[i]}
			if err := inspect(ctx, &req); err != nil {
				return nil, err
			}
			q.tokens[i] = req.Tokens
		}
	}
	if q.tokens != nil {
		return m.EmbedTokens(ctx, q.tokens, zen.EmbedOptions{})
	}
	return m.Embed(ctx, q.texts, zen.EmbedOptions{})
}

// atInput names the text that an error is about.
func atInput(err error) error {
	var text *zen.TextError
	if !errors.As(err, &text) {
		return err
	}
	p := *explain(text.Err)
	if p.status == http.StatusBadRequest {
		p.param = "input[" + strconv.Itoa(text.Index) + "]"
		p.cause = err
		return &p
	}
	return err
}

type embedding struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"` // []float32, or the base64 of their bytes
}

func (s *Server) embeddingList(result *zen.Embeddings, format string) any {
	list := struct {
		Object string      `json:"object"`
		Data   []embedding `json:"data"`
		Model  string      `json:"model"`
		Usage  struct {
			PromptTokens int `json:"prompt_tokens"`
			TotalTokens  int `json:"total_tokens"`
		} `json:"usage"`
	}{Object: "list", Model: s.options.names[0]}
	list.Usage.PromptTokens, list.Usage.TotalTokens = result.Usage.PromptTokens, result.Usage.TotalTokens
	for i, vector := range result.Vectors {
		e := embedding{Object: "embedding", Index: i, Embedding: vector}
		if format == "base64" {
			e.Embedding = base64.StdEncoding.EncodeToString(littleEndian(vector))
		}
		list.Data = append(list.Data, e)
	}
	return list
}

func littleEndian(vector []float32) []byte {
	out := make([]byte, 0, 4*len(vector))
	for _, v := range vector {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}
