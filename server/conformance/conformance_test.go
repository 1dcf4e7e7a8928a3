// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/server"
	"github.com/zenlm/zen/zentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const model = "zen-nano"

// snippet: client

// client returns OpenAI's client for a server at url.
func client(url, key string) openai.Client {
	return openai.NewClient(option.WithBaseURL(url+"/v1"), option.WithAPIKey(key))
}

// end: client

// serve starts a server over g and returns a client of it.
func serve(t *testing.T, g zen.Generator, opts ...server.Option) openai.Client {
	t.Helper()
	h, err := server.Handler(g, append([]server.Option{server.WithModel(model), server.WithKeys("key")}, opts...)...)
	require.NoError(t, err)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c := client(srv.URL, "key")
	c.Options = append(c.Options, option.WithHTTPClient(srv.Client()))
	return openai.NewClient(c.Options...)
}

func loadNano(t *testing.T) *zen.Model {
	t.Helper()
	m, err := nano.Load(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

func ask(question string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:       model,
		Messages:    []openai.ChatCompletionMessageParamUnion{openai.UserMessage(question)},
		Temperature: openai.Float(0),
	}
}

func TestChat(t *testing.T) {
	c := serve(t, loadNano(t))
	params := ask("What is the capital of France?")
	params.MaxCompletionTokens = openai.Int(50)
	params.Logprobs, params.TopLogprobs = openai.Bool(true), openai.Int(3)
	params.Seed, params.TopP, params.N = openai.Int(-7), openai.Float(0.9), openai.Int(1)
	params.PresencePenalty, params.FrequencyPenalty = openai.Float(0), openai.Float(0)
	params.LogitBias = map[string]int64{"1": -100}
	params.User, params.Store = openai.String("u"), openai.Bool(false)
	params.Metadata = shared.Metadata{"a": "b"}
	got, err := c.Chat.Completions.New(t.Context(), params)
	require.NoError(t, err)
	require.Equal(t, "The capital of France is Paris.", got.Choices[0].Message.Content)
	require.Equal(t, "stop", got.Choices[0].FinishReason)
	require.EqualValues(t, 18, got.Usage.PromptTokens)
	require.EqualValues(t, 9, got.Usage.CompletionTokens)
	require.EqualValues(t, "chat.completion", got.Object)
	require.Equal(t, model, got.Model)
	require.InDelta(t, time.Now().Unix(), got.Created, 60)
	require.Len(t, got.Choices[0].Logprobs.Content, 8)
	for _, token := range got.Choices[0].Logprobs.Content {
		require.Len(t, token.TopLogprobs, 3)
		require.LessOrEqual(t, token.Logprob, 0.0)
	}
	next := append(params.Messages, got.Choices[0].Message.ToParam(), openai.UserMessage("And of Norway?"))
	params.Messages = next
	got, err = c.Chat.Completions.New(t.Context(), params)
	require.NoError(t, err)
	require.Equal(t, "The capital of Norway is Oslo.", got.Choices[0].Message.Content)
}

func TestChatStream(t *testing.T) {
	c := serve(t, loadNano(t))
	params := ask("Tell me a short story about a fox.")
	params.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	stream := c.Chat.Completions.NewStreaming(t.Context(), params)
	defer stream.Close()
	var acc openai.ChatCompletionAccumulator
	chunks, finished := 0, false
	for stream.Next() {
		require.True(t, acc.AddChunk(stream.Current()))
		if text, ok := acc.JustFinishedContent(); ok {
			finished = true
			require.NotEmpty(t, text)
		}
		chunks++
	}
	require.NoError(t, stream.Err())
	require.True(t, finished)
	require.Greater(t, chunks, 20)
	require.Equal(t, "stop", acc.Choices[0].FinishReason)

	params.StreamOptions = openai.ChatCompletionStreamOptionsParam{}
	whole, err := c.Chat.Completions.New(t.Context(), params)
	require.NoError(t, err)
	require.Equal(t, whole.Choices[0].Message.Content, acc.Choices[0].Message.Content)
	require.Equal(t, whole.Usage.TotalTokens, acc.Usage.TotalTokens)
}

func TestToolCalls(t *testing.T) {
	const text = "Let me see.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>"
	fake := zentest.Script(zentest.Text(text), zentest.Text(strings.Split(text, "")...), zentest.Text("Sunny."))
	c := serve(t, fake)
	params := ask("What is the weather in Paris?")
	params.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name: "weather", Description: openai.String("of a city"),
		Parameters: shared.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}},
	})}
	got, err := c.Chat.Completions.New(t.Context(), params)
	require.NoError(t, err)
	message := got.Choices[0].Message
	require.Equal(t, "Let me see.", message.Content)
	require.Equal(t, "tool_calls", got.Choices[0].FinishReason)
	require.Len(t, message.ToolCalls, 1)
	require.Equal(t, "weather", message.ToolCalls[0].Function.Name)
	require.JSONEq(t, `{"city":"Paris"}`, message.ToolCalls[0].Function.Arguments)

	stream := c.Chat.Completions.NewStreaming(t.Context(), params)
	defer stream.Close()
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		require.True(t, acc.AddChunk(stream.Current()))
	}
	require.NoError(t, stream.Err())
	require.Equal(t, "Let me see.", acc.Choices[0].Message.Content)
	require.Equal(t, "weather", acc.Choices[0].Message.ToolCalls[0].Function.Name)
	require.JSONEq(t, `{"city":"Paris"}`, acc.Choices[0].Message.ToolCalls[0].Function.Arguments)

	params.Messages = append(params.Messages, message.ToParam(), openai.ToolMessage("sunny", message.ToolCalls[0].ID))
	got, err = c.Chat.Completions.New(t.Context(), params)
	require.NoError(t, err)
	require.Equal(t, "Sunny.", got.Choices[0].Message.Content)
	sent := fake.Requests()[2]
	require.Equal(t, message.ToolCalls[0].ID, sent.Messages[2].ToolCallID)
	require.Equal(t, "sunny", sent.Messages[2].Content)
}

func TestCompletions(t *testing.T) {
	m := loadNano(t)
	c := serve(t, m)
	params := openai.CompletionNewParams{
		Model: model, Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("Once upon a time")},
		Temperature: openai.Float(0), MaxTokens: openai.Int(12), Logprobs: openai.Int(2),
		Stop: openai.CompletionNewParamsStopUnion{OfStringArray: []string{"zebra"}},
	}
	want, err := m.Generate(t.Context(), zen.Request{Prompt: "Once upon a time", Temperature: zen.Greedy(), MaxTokens: 12})
	require.NoError(t, err)
	got, err := c.Completions.New(t.Context(), params)
	require.NoError(t, err)
	require.Equal(t, want.Text, got.Choices[0].Text)
	require.EqualValues(t, "length", got.Choices[0].FinishReason)
	require.Len(t, got.Choices[0].Logprobs.Tokens, 12)
	require.Len(t, got.Choices[0].Logprobs.TopLogprobs[0], 2)

	stream := c.Completions.NewStreaming(t.Context(), params)
	defer stream.Close()
	text := ""
	for stream.Next() {
		text += stream.Current().Choices[0].Text
	}
	require.NoError(t, stream.Err())
	require.Equal(t, want.Text, text)
}

func TestEmbeddings(t *testing.T) {
	m := loadNano(t)
	c := serve(t, m)
	texts := []string{"a cat", "a dog"}
	want, err := m.Embed(t.Context(), texts, zen.EmbedOptions{})
	require.NoError(t, err)
	got, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: model, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: texts},
		Dimensions: openai.Int(256), EncodingFormat: openai.EmbeddingNewParamsEncodingFormatFloat,
	})
	require.NoError(t, err)
	require.Len(t, got.Data, 2)
	for i, d := range got.Data {
		require.EqualValues(t, i, d.Index)
		for j, v := range d.Embedding {
			require.Equal(t, want.Vectors[i][j], float32(v))
		}
	}
	require.EqualValues(t, want.Usage.PromptTokens, got.Usage.PromptTokens)
}

func TestModels(t *testing.T) {
	c := serve(t, zentest.Script())
	page, err := c.Models.List(t.Context())
	require.NoError(t, err)
	require.Len(t, page.Data, 1)
	require.Equal(t, model, page.Data[0].ID)
	one, err := c.Models.Get(t.Context(), model)
	require.NoError(t, err)
	require.Equal(t, page.Data[0].Created, one.Created)
	_, err = c.Models.Get(t.Context(), "other")
	require.Equal(t, 404, problem(t, err).StatusCode)
}

// problem returns the client's form of an error.
func problem(t *testing.T, err error) *openai.Error {
	t.Helper()
	var e *openai.Error
	require.True(t, errors.As(err, &e), "%v", err)
	return e
}

func TestErrors(t *testing.T) {
	c := serve(t, loadNano(t), server.WithMaxTokens(100))
	for name, tc := range map[string]struct {
		change func(*openai.ChatCompletionNewParams)
		status int
		code   string
		param  string
	}{
		"range":    {func(p *openai.ChatCompletionNewParams) { p.Temperature = openai.Float(3) }, 400, "invalid_value", "temperature"},
		"n":        {func(p *openai.ChatCompletionNewParams) { p.N = openai.Int(2) }, 400, "unsupported", "n"},
		"limit":    {func(p *openai.ChatCompletionNewParams) { p.MaxCompletionTokens = openai.Int(101) }, 400, "invalid_value", "max_tokens"},
		"unknown":  {func(p *openai.ChatCompletionNewParams) { p.SetExtraFields(map[string]any{"beams": 4}) }, 400, "unknown_field", "beams"},
		"model":    {func(p *openai.ChatCompletionNewParams) { p.Model = "gpt-5" }, 404, "model_not_found", "model"},
		"effort":   {func(p *openai.ChatCompletionNewParams) { p.ReasoningEffort = "high" }, 400, "unsupported", "reasoning_effort"},
		"no tools": {tools, 400, "invalid_value", "messages"},
		"long": {func(p *openai.ChatCompletionNewParams) {
			p.Messages[0] = openai.UserMessage(strings.Repeat("word ", 600))
		}, 400, "context_length_exceeded", ""},
		"json mode": {jsonMode, 400, "unsupported", "response_format.type"},
	} {
		params := ask("hi")
		tc.change(&params)
		_, err := c.Chat.Completions.New(t.Context(), params)
		e := problem(t, err)
		require.Equal(t, tc.status, e.StatusCode, name)
		require.Equal(t, []string{tc.code, tc.param, "invalid_request_error"}, []string{e.Code, e.Param, e.Type}, name)
		require.NotEmpty(t, e.Message)

		stream := c.Chat.Completions.NewStreaming(t.Context(), params)
		require.False(t, stream.Next())
		require.Equal(t, e.Code, problem(t, stream.Err()).Code, name)
		require.NoError(t, stream.Close())
	}
	_, err := c.Chat.Completions.New(t.Context(), ask("hi"), option.WithAPIKey("wrong"))
	require.Equal(t, 401, problem(t, err).StatusCode)
	require.Equal(t, "invalid_api_key", problem(t, err).Code)
}

// tools offers one to a model whose template has no place for it.
func tools(p *openai.ChatCompletionNewParams) {
	p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "f"})}
}

func jsonMode(p *openai.ChatCompletionNewParams) {
	p.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONObject: &shared.ResponseFormatJSONObjectParam{}}
}

// A stream that breaks off is an error for the client, not a short answer.
func TestErrorInAStream(t *testing.T) {
	c := serve(t, zentest.Script(zentest.Fail(zen.ErrNonFinite, "half")))
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask("hi"))
	defer stream.Close()
	text := ""
	for stream.Next() {
		text += stream.Current().Choices[0].Delta.Content
	}
	require.Equal(t, "half", text)
	require.ErrorContains(t, stream.Err(), "internal_error")
}

func TestClientsRetriesGetThrough(t *testing.T) {
	replies := make([]zentest.Reply, 100)
	for i := range replies {
		replies[i] = zentest.Text("ok")
	}
	var ended ends
	c := serve(t, zentest.Script(replies...), server.WithRate(1, 1), server.WithObserver(&ended))
	for ended.limited.Load() == 0 { // the second waits for the rate, unless the machine is very slow
		_, err := c.Chat.Completions.New(t.Context(), ask("hi"))
		require.NoError(t, err)
	}
	var err error
	for err == nil {
		_, err = c.Chat.Completions.New(t.Context(), ask("hi"), option.WithMaxRetries(0))
	}
	require.Equal(t, 429, problem(t, err).StatusCode)
	require.Equal(t, "requests", problem(t, err).Type)

	c = serve(t, zentest.Script(zentest.Fail(zen.ErrOverloaded), zentest.Text("ok")), server.WithObserver(&ended))
	_, err = c.Chat.Completions.New(t.Context(), ask("hi")) // the first try finds the model busy
	require.NoError(t, err)
	require.EqualValues(t, 1, ended.busy.Load())
}

// ends counts requests by how they ended.
type ends struct{ limited, busy atomic.Int32 }

func (*ends) Begin(string)                      {}
func (*ends) Chunk(string, bool, time.Duration) {}
func (e *ends) End(r server.Report) {
	switch r.Status {
	case 429:
		e.limited.Add(1)
	case 503:
		e.busy.Add(1)
	}
}

func TestClosingAStreamEndsTheRequest(t *testing.T) {
	m := loadNano(t)
	c := serve(t, m)
	params := ask("Tell me a long story.")
	params.SetExtraFields(map[string]any{"ignore_eos": true})
	stream := c.Chat.Completions.NewStreaming(t.Context(), params)
	require.True(t, stream.Next())
	require.NoError(t, stream.Close())
	require.Eventually(t, func() bool { return m.Stats().Running == 0 }, time.Minute, time.Millisecond)

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, cancel)
	_, err := c.Chat.Completions.New(ctx, params)
	require.ErrorIs(t, err, context.Canceled)
	require.Eventually(t, func() bool { return m.Stats().Running == 0 }, time.Minute, time.Millisecond)
}

// What the client leaves unset or sets to null is unset for the model.
func TestNullIsUnset(t *testing.T) {
	fake := zentest.Script(zentest.Text("ok"))
	c := serve(t, fake)
	params := ask("hi")
	params.Temperature = param.Null[float64]()
	_, err := c.Chat.Completions.New(t.Context(), params)
	require.NoError(t, err)
	require.Nil(t, fake.Requests()[0].Temperature)
}

// The card's JSON, with the client's own way to other paths.
func TestCard(t *testing.T) {
	c := serve(t, loadNano(t))
	var got zen.Response
	require.NoError(t, c.Post(t.Context(), "generate", json.RawMessage(`{"messages":[{"role":"user","content":"What is 17 plus 25?"}],"temperature":0}`), &got))
	require.Equal(t, "17 + 25 = 42", got.Text)
}
