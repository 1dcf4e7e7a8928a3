// SPDX-License-Identifier: Apache-2.0

// Package langchaingo lets a zen model be used in programs made with langchaingo, as
// its llms.Model and as the client of its embedder.
package langchaingo

import (
	"context"
	"errors"
	"strconv"

	"github.com/tmc/langchaingo/callbacks"
	"github.com/tmc/langchaingo/embeddings"
	"github.com/tmc/langchaingo/llms"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/tokenizer"
)

// LLM is a zen model as an llms.Model. It is safe for concurrent use.
type LLM struct {
	// CallbacksHandler is told of calls, unless it is nil.
	CallbacksHandler callbacks.Handler

	generator zen.Generator
}

var (
	_ llms.Model                = (*LLM)(nil)
	_ embeddings.EmbedderClient = (*LLM)(nil)
	_ callbacks.HandlerHaver    = (*LLM)(nil)
)

// New returns g, such as a *zen.Model, as an llms.Model. It does not close g.
func New(g zen.Generator) *LLM { return &LLM{generator: g} }

// GetCallbackHandler returns CallbacksHandler.
func (l *LLM) GetCallbackHandler() callbacks.Handler { return l.CallbacksHandler }

// Call answers one message of the user.
func (l *LLM) Call(ctx context.Context, prompt string, options ...llms.CallOption) (string, error) {
	return llms.GenerateFromSinglePrompt(ctx, l, prompt, options...)
}

// GenerateContent answers a conversation. An option that would change the answer and
// is not implemented is an error that names it. What is unset comes from the
// checkpoint; WithTemperature(0) is greedy.
//
// A tool is called where the model writes a call in the form its chat template asks
// for; see tokenizer.CallParser. A streaming function is given text, not calls; its
// error ends the request.
func (l *LLM) GenerateContent(
	ctx context.Context, messages []llms.MessageContent, options ...llms.CallOption,
) (*llms.ContentResponse, error) {
	if l.CallbacksHandler != nil {
		l.CallbacksHandler.HandleLLMGenerateContentStart(ctx, messages)
	}
	resp, err := l.generate(ctx, messages, options)
	if l.CallbacksHandler == nil {
		return resp, err
	}
	if err != nil {
		l.CallbacksHandler.HandleLLMError(ctx, err)
	} else {
		l.CallbacksHandler.HandleLLMGenerateContentEnd(ctx, resp)
	}
	return resp, err
}

func (l *LLM) generate(ctx context.Context, messages []llms.MessageContent, options []llms.CallOption) (*llms.ContentResponse, error) {
	opts := readOptions(options)
	req, err := request(opts)
	if err != nil {
		return nil, err
	}
	if req.Messages, err = conversation(messages); err != nil {
		return nil, err
	}
	parser := tokenizer.NewCallParser(req.Tools)
	choice := &llms.ContentChoice{}
	var usage zen.Usage
	var calls []zen.ToolCall
	for chunk, err := range l.generator.Stream(ctx, req) {
		if err != nil {
			return nil, err
		}
		text, found := parser.Push(chunk.Text)
		if chunk.FinishReason != "" {
			text += parser.Flush()
		}
		choice.Content += text
		calls = append(calls, found...)
		choice.StopReason, usage = string(chunk.FinishReason), chunk.Usage
		if err := stream(ctx, opts, text); err != nil {
			return nil, err
		}
	}
	for i, c := range calls {
		call := llms.ToolCall{ID: "call_" + strconv.Itoa(i), Type: c.Type,
			FunctionCall: &llms.FunctionCall{Name: c.Function.Name, Arguments: string(c.Function.Arguments)}}
		choice.ToolCalls = append(choice.ToolCalls, call)
		choice.FuncCall = choice.ToolCalls[0].FunctionCall
		choice.StopReason = "tool_calls"
	}
	choice.GenerationInfo = map[string]any{"PromptTokens": usage.PromptTokens, "CompletionTokens": usage.CompletionTokens,
		"TotalTokens": usage.TotalTokens, "CachedTokens": usage.CachedTokens}
	return &llms.ContentResponse{Choices: []*llms.ContentChoice{choice}}, nil
}

func stream(ctx context.Context, opts *llms.CallOptions, text string) error {
	if text == "" {
		return nil
	}
	if opts.StreamingReasoningFunc != nil {
		if err := opts.StreamingReasoningFunc(ctx, nil, []byte(text)); err != nil {
			return err
		}
	}
	if opts.StreamingFunc != nil {
		return opts.StreamingFunc(ctx, []byte(text))
	}
	return nil
}

// CreateEmbedding returns a vector of unit length for each text.
func (l *LLM) CreateEmbedding(ctx context.Context, texts []string) ([][]float32, error) {
	m, ok := l.generator.(interface {
		Embed(ctx context.Context, texts []string, opts zen.EmbedOptions) (*zen.Embeddings, error)
	})
	if !ok {
		return nil, errors.New("langchaingo: the model has no embeddings")
	}
	e, err := m.Embed(ctx, texts, zen.EmbedOptions{})
	if err != nil {
		return nil, err
	}
	return e.Vectors, nil
}
