// SPDX-License-Identifier: Apache-2.0

package zengenkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/firebase/genkit/go/ai"
	"github.com/firebase/genkit/go/genkit"
	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	zengenkit "github.com/zenlm/zen/adapters/genkit"
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
	g := genkit.Init(ctx, genkit.WithPlugins(&zengenkit.Plugin{Models: map[string]zen.Generator{"nano": m}}))
	text, err := genkit.GenerateText(ctx, g, ai.WithModelName("zen/nano"), ai.WithPrompt("What is the capital of France?"),
		ai.WithConfig(&zengenkit.Config{Temperature: zen.Greedy()}))
	// end: use
	fmt.Println(text, err)
	// Output: The capital of France is Paris. <nil>
}

func start(t *testing.T, g zen.Generator) *genkit.Genkit {
	t.Helper()
	return genkit.Init(t.Context(), genkit.WithDefaultModel("zen/m"),
		genkit.WithPlugins(&zengenkit.Plugin{Models: map[string]zen.Generator{"m": g}}))
}

func TestStreamsAndEmbeds(t *testing.T) {
	m, err := nano.Load(t.Context())
	require.NoError(t, err)
	defer m.Close()
	g := start(t, m)
	streamed := ""
	resp, err := genkit.Generate(t.Context(), g,
		ai.WithMessages(ai.NewUserTextMessage("What is the capital of Spain?"), ai.NewModelTextMessage("The capital of Spain is Madrid.")),
		ai.WithPrompt("And of Norway?"), ai.WithConfig(map[string]any{"temperature": 0, "maxOutputTokens": 40}),
		ai.WithStreaming(func(_ context.Context, chunk *ai.ModelResponseChunk) error {
			streamed += chunk.Text()
			return nil
		}))
	require.NoError(t, err)
	require.Equal(t, "The capital of Norway is Oslo.", resp.Text())
	require.Equal(t, resp.Text(), streamed)
	require.Equal(t, ai.FinishReasonStop, resp.FinishReason)
	require.Positive(t, resp.Usage.InputTokens)

	enough := errors.New("enough")
	_, err = genkit.Generate(t.Context(), g, ai.WithPrompt("hi"), ai.WithStreaming(func(context.Context, *ai.ModelResponseChunk) error { return enough }))
	require.ErrorIs(t, err, enough)

	got, err := genkit.Embed(t.Context(), g, ai.WithEmbedderName("zen/m"), ai.WithTextDocs("a cat", "a dog"))
	require.NoError(t, err)
	want, err := m.Embed(t.Context(), []string{"a cat", "a dog"}, zen.EmbedOptions{})
	require.NoError(t, err)
	for i, e := range got.Embeddings {
		require.Equal(t, want.Vectors[i], e.Embedding)
	}
}

// Genkit calls the tool that the model asks for and gives it the answer.
func TestUsesATool(t *testing.T) {
	type question struct {
		City string `json:"city"`
	}
	fake := zentest.Script(
		zentest.Text("Let me see. ", "<tool_call>\n{\"name\": \"weather\", ", "\"arguments\": {\"city\": \"Ulm\"}}\n</tool_call>"),
		zentest.Text("It is sunny."),
	)
	g := start(t, fake)
	weather := genkit.DefineTool(g, "weather", "tells the weather", func(_ *ai.ToolContext, q question) (string, error) {
		return "sunny in " + q.City, nil
	})
	resp, err := genkit.Generate(t.Context(), g, ai.WithSystem("Be brief."), ai.WithPrompt("How is Ulm?"), ai.WithTools(weather))
	require.NoError(t, err)
	require.Equal(t, "It is sunny.", resp.Text())
	sent := fake.Requests()
	require.Len(t, sent, 2)
	var function struct {
		Name, Description string
		Parameters        struct{ Properties map[string]any }
	}
	require.NoError(t, json.Unmarshal(sent[0].Tools[0].Function, &function))
	require.Equal(t, []string{"weather", "tells the weather"}, []string{function.Name, function.Description})
	require.Contains(t, function.Parameters.Properties, "city")
	last := sent[1].Messages
	require.Equal(t, zen.System("Be brief."), last[0])
	require.Equal(t, "Let me see.", last[2].Content)
	require.JSONEq(t, `{"city":"Ulm"}`, string(last[2].ToolCalls[0].Function.Arguments))
	require.Equal(t, zen.Message{Role: "tool", Name: "weather", ToolCallID: "call_0", Content: "sunny in Ulm"}, last[3])
}

func TestConfigReachesTheModel(t *testing.T) {
	fake := zentest.Script(zentest.Text("a"), zentest.Text("b"), zentest.Text("c"))
	g := start(t, fake)
	for _, config := range []any{
		&zengenkit.Config{MaxOutputTokens: 5, StopSequences: []string{"x"}, Temperature: zen.Greedy(), TopK: new(3), TopP: new(0.5), MinP: new(0.1),
			RepetitionPenalty: new(1.1), PresencePenalty: 1, FrequencyPenalty: -1, Seed: new(uint64(7))},
		&ai.GenerationCommonConfig{Temperature: 0.5, MaxOutputTokens: 6},
		nil,
	} {
		opts := []ai.GenerateOption{ai.WithPrompt("hi")}
		if config != nil {
			opts = append(opts, ai.WithConfig(config))
		}
		_, err := genkit.Generate(t.Context(), g, opts...)
		require.NoError(t, err)
	}
	messages := []zen.Message{zen.User("hi")}
	require.Equal(t, []zen.Request{
		{Messages: messages, MaxTokens: 5, Stop: []string{"x"}, Temperature: new(0.0), TopK: new(3), TopP: new(0.5), MinP: new(0.1),
			RepetitionPenalty: new(1.1), PresencePenalty: 1, FrequencyPenalty: -1, Seed: new(uint64(7))},
		{Messages: messages, Temperature: new(0.5), MaxTokens: 6},
		{Messages: messages},
	}, fake.Requests())
}

func TestJSONIsAskedForInThePrompt(t *testing.T) {
	type city struct {
		Name string `json:"name"`
	}
	fake := zentest.Script(zentest.Text(`{"name": "Ulm"}`))
	got, _, err := genkit.GenerateData[city](t.Context(), start(t, fake), ai.WithPrompt("A city?"))
	require.NoError(t, err)
	require.Equal(t, "Ulm", got.Name)
	require.Contains(t, fake.Requests()[0].Messages[0].Content, `"name"`)
}

func TestWhatIsNotDoneIsRefused(t *testing.T) {
	fake := zentest.Script(zentest.Fail(zen.ErrOverloaded))
	g := start(t, fake)
	for name, opt := range map[string]ai.GenerateOption{
		"version": ai.WithConfig(&ai.GenerationCommonConfig{Version: "2"}),
		"beams":   ai.WithConfig(map[string]any{"beams": 3}),
		"image":   ai.WithMessages(ai.NewUserMessage(ai.NewMediaPart("image/png", "data:,"))),
	} {
		_, err := genkit.Generate(t.Context(), g, ai.WithPrompt("hi"), opt)
		require.Error(t, err, name)
	}
	_, err := genkit.Generate(t.Context(), g, ai.WithPrompt("hi"), ai.WithToolChoice(ai.ToolChoiceRequired))
	require.Error(t, err)
	require.Empty(t, fake.Requests())
	_, err = genkit.Generate(t.Context(), g, ai.WithPrompt("hi"))
	require.ErrorIs(t, err, zen.ErrOverloaded)
}
