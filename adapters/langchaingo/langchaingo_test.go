// SPDX-License-Identifier: Apache-2.0

package langchaingo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tmc/langchaingo/chains"
	"github.com/tmc/langchaingo/embeddings"
	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/prompts"
	"github.com/tmc/langchaingo/testing/llmtest"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/adapters/langchaingo"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/zentest"
)

func Example() {
	ctx := context.Background()
	m, err := nano.Load(ctx)
	if err != nil {
		panic(err)
	}
	defer m.Close()
	// snippet: use
	llm := langchaingo.New(m)
	text, err := llms.GenerateFromSinglePrompt(ctx, llm, "What is the capital of France?", llms.WithTemperature(0))
	// end: use
	fmt.Println(text, err)
	// Output: The capital of France is Paris. <nil>
}

// polite is a Generator that says hello, and calls a tool where it has one.
type polite struct{}

func (polite) Generate(context.Context, zen.Request) (*zen.Response, error) { panic("not used") }

func (polite) Stream(_ context.Context, req zen.Request) iter.Seq2[zen.Chunk, error] {
	return func(yield func(zen.Chunk, error) bool) {
		text := "Hello"
		if len(req.Tools) > 0 {
			var f struct{ Name string }
			if err := json.Unmarshal(req.Tools[0].Function, &f); err != nil {
				yield(zen.Chunk{}, err)
				return
			}
			text = `<tool_call>{"name": "` + f.Name + `", "arguments": {"location": "Paris"}}</tool_call>`
		}
		yield(zen.Chunk{Text: text, FinishReason: zen.FinishStop, Usage: zen.Usage{PromptTokens: 3, CompletionTokens: 2, TotalTokens: 5}}, nil)
	}
}

// The framework's own suite.
func TestLLM(t *testing.T) { llmtest.TestLLM(t, langchaingo.New(polite{})) }

func TestStreamsAndCounts(t *testing.T) {
	m, err := nano.Load(t.Context())
	require.NoError(t, err)
	defer m.Close()
	llm := langchaingo.New(m)
	var streamed strings.Builder
	messages := []llms.MessageContent{
		llms.TextParts(llms.ChatMessageTypeHuman, "What is the capital of Spain?"),
		llms.TextParts(llms.ChatMessageTypeAI, "The capital of Spain is Madrid."),
		llms.TextParts(llms.ChatMessageTypeHuman, "And of Norway?"),
	}
	resp, err := llm.GenerateContent(t.Context(), messages, llms.WithTemperature(0), llms.WithMaxTokens(40),
		llms.WithStreamingFunc(func(_ context.Context, chunk []byte) error {
			streamed.Write(chunk)
			return nil
		}))
	require.NoError(t, err)
	choice := resp.Choices[0]
	require.Equal(t, "The capital of Norway is Oslo.", choice.Content)
	require.Equal(t, choice.Content, streamed.String())
	require.Equal(t, "stop", choice.StopReason)
	require.Positive(t, choice.GenerationInfo["PromptTokens"])

	enough := errors.New("enough")
	_, err = llm.GenerateContent(t.Context(), messages, llms.WithStreamingFunc(func(context.Context, []byte) error { return enough }))
	require.ErrorIs(t, err, enough)

	chain := chains.NewLLMChain(llm, prompts.NewPromptTemplate("What is {{.a}} plus {{.b}}?", []string{"a", "b"}))
	text, err := chains.Call(t.Context(), chain, map[string]any{"a": 17, "b": 25}, chains.WithTemperature(0))
	require.NoError(t, err)
	require.Equal(t, "17 + 25 = 42", text["text"])

	embedder, err := embeddings.NewEmbedder(llm)
	require.NoError(t, err)
	vectors, err := embedder.EmbedDocuments(t.Context(), []string{"a cat", "a dog"})
	require.NoError(t, err)
	want, err := m.Embed(t.Context(), []string{"a cat", "a dog"}, zen.EmbedOptions{})
	require.NoError(t, err)
	require.Equal(t, want.Vectors, vectors)
}

func TestRequestReachesTheModel(t *testing.T) {
	fake := zentest.Script(zentest.Text("Well, ", "<tool_call>\n{\"name\": \"time\", ", "\"arguments\": {\"zone\": \"CET\"}}\n</tool_call>"), zentest.Text("Noon."))
	llm := langchaingo.New(fake)
	messages := []llms.MessageContent{llms.TextParts(llms.ChatMessageTypeSystem, "Be brief."), llms.TextParts(llms.ChatMessageTypeHuman, "Time", "now?")}
	tool := llms.Tool{Type: "function", Function: &llms.FunctionDefinition{Name: "time", Description: "tells it", Parameters: map[string]any{"type": "object"}}}
	resp, err := llm.GenerateContent(t.Context(), messages, llms.WithTools([]llms.Tool{tool}), llms.WithTemperature(0.5), llms.WithTopK(3), llms.WithTopP(0.75),
		llms.WithSeed(7), llms.WithStopWords([]string{"x"}), llms.WithRepetitionPenalty(1.25), llms.WithPresencePenalty(0.5), llms.WithFrequencyPenalty(-0.5),
		llms.WithMaxTokens(9), llms.WithToolChoice("auto"))
	require.NoError(t, err)
	choice := resp.Choices[0]
	require.Equal(t, "Well,", choice.Content)
	require.Equal(t, "tool_calls", choice.StopReason)
	require.Equal(t, []llms.ToolCall{{ID: "call_0", Type: "function",
		FunctionCall: &llms.FunctionCall{Name: "time", Arguments: `{"zone": "CET"}`}}}, choice.ToolCalls)
	require.Equal(t, choice.ToolCalls[0].FunctionCall, choice.FuncCall)
	require.Equal(t, zen.Request{
		Messages:    []zen.Message{zen.System("Be brief."), zen.User("Time\nnow?")},
		Tools:       []zen.Tool{{Type: "function", Function: json.RawMessage(`{"name":"time","description":"tells it","parameters":{"type":"object"}}`)}},
		Temperature: new(0.5), TopK: new(3), TopP: new(0.75), Seed: new(uint64(7)), Stop: []string{"x"}, RepetitionPenalty: new(1.25),
		PresencePenalty: 0.5, FrequencyPenalty: -0.5, MaxTokens: 9,
	}, fake.Requests()[0])

	messages = append(messages,
		llms.MessageContent{Role: llms.ChatMessageTypeAI, Parts: []llms.ContentPart{llms.TextPart(choice.Content), choice.ToolCalls[0]}},
		llms.MessageContent{Role: llms.ChatMessageTypeTool, Parts: []llms.ContentPart{llms.ToolCallResponse{ToolCallID: "call_0", Name: "time", Content: "12:00"}}})
	_, err = llm.GenerateContent(t.Context(), messages)
	require.NoError(t, err)
	sent := fake.Requests()[1]
	require.Nil(t, sent.Temperature, "unset, not zero")
	require.Nil(t, sent.Seed)
	require.Equal(t, zen.Message{Role: "assistant", Content: "Well,", ToolCalls: sent.Messages[2].ToolCalls}, sent.Messages[2])
	require.JSONEq(t, `"{\"zone\": \"CET\"}"`, string(sent.Messages[2].ToolCalls[0].Function.Arguments))
	require.Equal(t, zen.Message{Role: "tool", Name: "time", ToolCallID: "call_0", Content: "12:00"}, sent.Messages[3])
}

func TestWhatIsNotDoneIsRefused(t *testing.T) {
	llm := langchaingo.New(zentest.Script(zentest.Fail(zen.ErrOverloaded)))
	hi := []llms.MessageContent{llms.TextParts(llms.ChatMessageTypeHuman, "hi")}
	for name, opt := range map[string]llms.CallOption{
		"N": llms.WithN(2), "CandidateCount": llms.WithCandidateCount(2), "MinLength": llms.WithMinLength(3), "MaxLength": llms.WithMaxLength(3),
		"JSONMode": llms.WithJSONMode(), "ResponseMIMEType": llms.WithResponseMIMEType("application/json"), "Metadata": llms.WithMetadata(map[string]any{"a": 1}),
		"Functions": llms.WithFunctions([]llms.FunctionDefinition{{Name: "f"}}), "ToolChoice": llms.WithToolChoice("required"),
		"strict": llms.WithTools([]llms.Tool{{Type: "function", Function: &llms.FunctionDefinition{Name: "f", Strict: true}}}),
		"tool 0": llms.WithTools([]llms.Tool{{Type: "code"}}),
	} {
		_, err := llm.GenerateContent(t.Context(), hi, opt)
		require.ErrorIs(t, err, zen.ErrUnsupported, name)
		require.ErrorContains(t, err, name)
	}
	for name, message := range map[string]llms.MessageContent{
		"ImageURLContent": {Role: llms.ChatMessageTypeHuman, Parts: []llms.ContentPart{llms.ImageURLPart("x")}},
		"function":        llms.TextParts(llms.ChatMessageTypeFunction, "x"),
		"beside":          {Role: llms.ChatMessageTypeTool, Parts: []llms.ContentPart{llms.ToolCallResponse{}, llms.TextPart("x")}},
	} {
		_, err := llm.GenerateContent(t.Context(), []llms.MessageContent{message})
		require.ErrorIs(t, err, zen.ErrUnsupported, name)
		require.ErrorContains(t, err, name)
	}
	_, err := llm.Call(t.Context(), "hi")
	require.ErrorIs(t, err, zen.ErrOverloaded)
	_, err = llm.CreateEmbedding(t.Context(), []string{"a"})
	require.ErrorContains(t, err, "no embeddings")
}
