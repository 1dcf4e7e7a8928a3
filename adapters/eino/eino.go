// SPDX-License-Identifier: Apache-2.0

// Package eino lets a zen model be used in programs made with Eino, as its chat model
// with tools and as its embedder.
package eino

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/cloudwego/eino/components/embedding"
	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/schema"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/tokenizer"
)

// ChatModel is a zen model as Eino's chat model. It is safe for concurrent use.
//
// An option that would change the answer and is not implemented is an error that names
// it; what is unset comes from the checkpoint. A tool is called where the model writes a call
// in the form its chat template asks for; see tokenizer.CallParser.
type ChatModel struct {
	generator zen.Generator
	tools     []*schema.ToolInfo
}

var _ model.ToolCallingChatModel = (*ChatModel)(nil)

// NewChatModel returns g, such as a *zen.Model, as a chat model. It does not close g.
func NewChatModel(g zen.Generator) *ChatModel { return &ChatModel{generator: g} }

// WithTools returns the model with tools in place of those it has.
func (m *ChatModel) WithTools(tools []*schema.ToolInfo) (model.ToolCallingChatModel, error) {
	return &ChatModel{m.generator, tools}, nil
}

// WithRequest is an option for what Eino has none for: edit changes the request before
// the model gets it.
func WithRequest(edit func(*zen.Request)) model.Option {
	return model.WrapImplSpecificOptFn(func(e *edits) { *e = append(*e, edit) })
}

type edits []func(*zen.Request)

// Generate answers a conversation.
func (m *ChatModel) Generate(ctx context.Context, input []*schema.Message, opts ...model.Option) (*schema.Message, error) {
	req, err := m.request(input, opts)
	if err != nil {
		return nil, err
	}
	var all []*schema.Message
	for message, err := range m.messages(ctx, req) {
		if err != nil {
			return nil, err
		}
		all = append(all, message)
	}
	return schema.ConcatMessages(all)
}

// Stream answers a conversation piece by piece. The caller closes the reader, which
// ends the request.
func (m *ChatModel) Stream(
	ctx context.Context, input []*schema.Message, opts ...model.Option,
) (*schema.StreamReader[*schema.Message], error) {
	req, err := m.request(input, opts)
	if err != nil {
		return nil, err
	}
	reader, writer := schema.Pipe[*schema.Message](1)
	go func() {
		defer writer.Close()
		defer func() {
			if p := recover(); p != nil {
				writer.Send(nil, fmt.Errorf("%w: %v", zen.ErrPanic, p))
			}
		}()
		for message, err := range m.messages(ctx, req) {
			if writer.Send(message, err) {
				return // nobody reads any more
			}
		}
	}()
	return reader, nil
}

// messages yields the pieces of the answer, or its error last.
func (m *ChatModel) messages(ctx context.Context, req zen.Request) iter.Seq2[*schema.Message, error] {
	return func(yield func(*schema.Message, error) bool) {
		parser := tokenizer.NewCallParser(req.Tools)
		calls := 0
		for chunk, err := range m.generator.Stream(ctx, req) {
			if err != nil {
				yield(nil, err)
				return
			}
			text, found := parser.Push(chunk.Text)
			if chunk.FinishReason != "" {
				text += parser.Flush()
			}
			message := schema.AssistantMessage(text, toolCalls(found, calls))
			calls += len(found)
			if chunk.FinishReason != "" {
				message.ResponseMeta = meta(chunk, calls)
			} else if text == "" && len(found) == 0 {
				continue
			}
			if !yield(message, nil) {
				return
			}
		}
	}
}

func toolCalls(found []zen.ToolCall, before int) (calls []schema.ToolCall) {
	for i, f := range found {
		n := before + i
		calls = append(calls, schema.ToolCall{Index: &n, ID: "call_" + strconv.Itoa(n), Type: f.Type,
			Function: schema.FunctionCall{Name: f.Function.Name, Arguments: string(f.Function.Arguments)}})
	}
	return calls
}

func meta(last zen.Chunk, calls int) *schema.ResponseMeta {
	reason := string(last.FinishReason)
	if calls > 0 {
		reason = "tool_calls"
	}
	return &schema.ResponseMeta{FinishReason: reason, Usage: &schema.TokenUsage{
		PromptTokens:       last.Usage.PromptTokens,
		PromptTokenDetails: schema.PromptTokenDetails{CachedTokens: last.Usage.CachedTokens},
		CompletionTokens:   last.Usage.CompletionTokens,
		TotalTokens:        last.Usage.TotalTokens,
	}}
}

// Embedder is a zen model as Eino's embedder. It is safe for concurrent use.
type Embedder struct {
	model   *zen.Model
	options zen.EmbedOptions
}

var _ embedding.Embedder = (*Embedder)(nil)

// NewEmbedder returns m as an embedder. It does not close m.
func NewEmbedder(m *zen.Model, opts zen.EmbedOptions) *Embedder { return &Embedder{m, opts} }

// EmbedStrings returns a vector for each text.
func (e *Embedder) EmbedStrings(ctx context.Context, texts []string, opts ...embedding.Option) ([][]float64, error) {
	if name := embedding.GetCommonOptions(nil, opts...).Model; name != nil {
		return nil, errors.New("eino: option Model: an embedder has one model")
	}
	result, err := e.model.Embed(ctx, texts, e.options)
	if err != nil {
		return nil, err
	}
	vectors := make([][]float64, len(result.Vectors))
	for i, vector := range result.Vectors {
		vectors[i] = make([]float64, len(vector))
		for j, v := range vector {
			vectors[i][j] = float64(v)
		}
	}
	return vectors, nil
}
