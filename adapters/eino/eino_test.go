// SPDX-License-Identifier: Apache-2.0

package eino_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/bytedance/sonic"
	"github.com/cloudwego/eino/components/embedding"
	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/components/prompt"
	"github.com/cloudwego/eino/components/tool"
	"github.com/cloudwego/eino/components/tool/utils"
	"github.com/cloudwego/eino/compose"
	"github.com/cloudwego/eino/flow/agent/react"
	"github.com/cloudwego/eino/schema"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/adapters/eino"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/zentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func Example() {
	ctx := context.Background()
	m, err := nano.Load(ctx)
	if err != nil {
		panic(err)
	}
	defer m.Close()
	// snippet: use
	chat := eino.NewChatModel(m)
	answer, err := chat.Generate(ctx, []*schema.Message{schema.UserMessage("What is the capital of France?")}, model.WithTemperature(0))
	// end: use
	fmt.Println(answer.Content, err)
	// Output: The capital of France is Paris. <nil>
}

func hi() []*schema.Message { return []*schema.Message{schema.UserMessage("hi")} }

func TestStreamsInAChain(t *testing.T) {
	m, err := nano.Load(t.Context())
	require.NoError(t, err)
	defer m.Close()
	chain, err := compose.NewChain[map[string]any, *schema.Message]().
		AppendChatTemplate(prompt.FromMessages(schema.FString, schema.UserMessage("What is {a} plus {b}?"))).
		AppendChatModel(eino.NewChatModel(m)).
		Compile(t.Context())
	require.NoError(t, err)
	input := map[string]any{"a": 17, "b": 25}
	greedy := compose.WithChatModelOption(model.WithTemperature(0))
	whole, err := chain.Invoke(t.Context(), input, greedy)
	require.NoError(t, err)
	require.Equal(t, "17 + 25 = 42", whole.Content)
	require.Equal(t, "stop", whole.ResponseMeta.FinishReason)
	require.Positive(t, whole.ResponseMeta.Usage.PromptTokens)

	reader, err := chain.Stream(t.Context(), input, greedy)
	require.NoError(t, err)
	defer reader.Close()
	var pieces []*schema.Message
	for {
		message, err := reader.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		pieces = append(pieces, message)
	}
	require.Greater(t, len(pieces), 3)
	joined, err := schema.ConcatMessages(pieces)
	require.NoError(t, err)
	require.Equal(t, whole.Content, joined.Content)
	require.Equal(t, whole.ResponseMeta.Usage.TotalTokens, joined.ResponseMeta.Usage.TotalTokens)
}

func TestClosingTheReaderEndsTheRequest(t *testing.T) {
	m, err := nano.Load(t.Context())
	require.NoError(t, err)
	defer m.Close()
	reader, err := eino.NewChatModel(m).Stream(t.Context(), hi(), eino.WithRequest(func(r *zen.Request) { r.IgnoreEOS = true }))
	require.NoError(t, err)
	_, err = reader.Recv()
	require.NoError(t, err)
	reader.Close()
	require.Eventually(t, func() bool { return m.Stats().Running == 0 }, time.Minute, time.Millisecond)
}

// The framework's agent calls a tool and answers with what it says.
func TestAgentUsesATool(t *testing.T) {
	type question struct {
		City string `json:"city"`
	}
	weather, err := utils.InferTool("weather", "tells the weather", func(_ context.Context, q question) (string, error) { return "sunny in " + q.City, nil })
	require.NoError(t, err)
	fake := zentest.Script(
		zentest.Text("Let me see. ", "<tool_call>\n{\"name\": \"weather\", ", "\"arguments\": {\"city\": \"Ulm\"}}\n</tool_call>"),
		zentest.Text("It is sunny."),
	)
	agent, err := react.NewAgent(t.Context(), &react.AgentConfig{ToolCallingModel: eino.NewChatModel(fake),
		ToolsConfig: compose.ToolsNodeConfig{Tools: []tool.BaseTool{weather}}})
	require.NoError(t, err)
	answer, err := agent.Generate(t.Context(), []*schema.Message{schema.SystemMessage("Be brief."), schema.UserMessage("How is Ulm?")})
	require.NoError(t, err)
	require.Equal(t, "It is sunny.", answer.Content)

	sent := fake.Requests()
	require.Len(t, sent, 2)
	require.Len(t, sent[0].Tools, 1)
	var function struct {
		Name, Description string
		Parameters        struct{ Properties map[string]any }
	}
	require.NoError(t, json.Unmarshal(sent[0].Tools[0].Function, &function))
	require.Equal(t, "weather", function.Name)
	require.Contains(t, function.Parameters.Properties, "city")
	require.Equal(t, zen.System("Be brief."), sent[1].Messages[0])
	require.Equal(t, "weather", sent[1].Messages[2].ToolCalls[0].Function.Name)
	require.Equal(t, "tool", sent[1].Messages[3].Role)
	require.Contains(t, sent[1].Messages[3].Content, "sunny in Ulm")
}

func TestOptionsReachTheModel(t *testing.T) {
	fake := zentest.Script(zentest.Text("a"), zentest.Text("b"), zentest.Text("c"))
	tools := []*schema.ToolInfo{{Name: "one", Desc: "1"}, {Name: "two"}}
	chat, err := eino.NewChatModel(fake).WithTools(tools)
	require.NoError(t, err)
	_, err = chat.Generate(t.Context(), hi(), model.WithTemperature(0.7), model.WithTopP(0.9), model.WithMaxTokens(5), model.WithStop([]string{"x"}),
		model.WithToolChoice(schema.ToolChoiceAllowed, "one"), eino.WithRequest(func(r *zen.Request) { r.TopK = new(3) }))
	require.NoError(t, err)
	_, err = chat.Generate(t.Context(), hi(), model.WithToolChoice(schema.ToolChoiceForbidden))
	require.NoError(t, err)
	require.Equal(t, []zen.Request{
		{Messages: []zen.Message{zen.User("hi")}, Temperature: new(0.7), TopP: new(0.9), MaxTokens: 5, Stop: []string{"x"}, TopK: new(3),
			Tools: []zen.Tool{{Type: "function", Function: json.RawMessage(`{"name":"one","description":"1"}`)}}},
		{Messages: []zen.Message{zen.User("hi")}},
	}, fake.Requests())
}

func TestWhatIsNotDoneIsRefused(t *testing.T) {
	fake := zentest.Script(zentest.Fail(zen.ErrOverloaded, "half"), zentest.Fail(zen.ErrOverloaded, "half"))
	chat := eino.NewChatModel(fake)
	for name, opt := range map[string]model.Option{
		"Model": model.WithModel("other"), "ToolChoice": model.WithToolChoice(schema.ToolChoiceForced),
		"AllowedToolNames": model.WithToolChoice(schema.ToolChoiceAllowed, "none"),
	} {
		_, err := chat.Generate(t.Context(), hi(), opt)
		require.ErrorIs(t, err, zen.ErrUnsupported)
		require.ErrorContains(t, err, name)
		_, err = chat.Stream(t.Context(), hi(), opt)
		require.ErrorIs(t, err, zen.ErrUnsupported)
	}
	for _, message := range []*schema.Message{
		{Role: "developer"},
		{Role: schema.User, UserInputMultiContent: []schema.MessageInputPart{{Type: schema.ChatMessagePartTypeImageURL}}},
	} {
		_, err := chat.Generate(t.Context(), []*schema.Message{message})
		require.ErrorIs(t, err, zen.ErrUnsupported)
	}
	_, err := chat.Generate(t.Context(), hi())
	require.ErrorIs(t, err, zen.ErrOverloaded)
	reader, err := chat.Stream(t.Context(), hi())
	require.NoError(t, err)
	defer reader.Close()
	half, err := reader.Recv()
	require.NoError(t, err)
	require.Equal(t, "half", half.Content)
	_, err = reader.Recv()
	require.ErrorIs(t, err, zen.ErrOverloaded)
}

func TestEmbeds(t *testing.T) {
	m := zentest.Model(t)
	e := eino.NewEmbedder(m, zen.EmbedOptions{Pooling: zen.PoolLast})
	got, err := e.EmbedStrings(t.Context(), []string{"river", "the house"})
	require.NoError(t, err)
	want, err := m.Embed(t.Context(), []string{"river", "the house"}, zen.EmbedOptions{Pooling: zen.PoolLast})
	require.NoError(t, err)
	for i, vector := range want.Vectors {
		require.Len(t, got[i], len(vector))
		for j, v := range vector {
			require.InDelta(t, v, got[i][j], 0)
		}
	}
	_, err = e.EmbedStrings(t.Context(), []string{"a"}, embedding.WithModel("other"))
	require.ErrorContains(t, err, "Model")
	_, err = e.EmbedStrings(t.Context(), []string{""})
	require.ErrorIs(t, err, zen.ErrInvalidRequest)
}

// The version of sonic that Eino asks for does not know Go 1.26: this module raises it.
func TestSonicWorks(t *testing.T) {
	data, err := sonic.Marshal(map[string]int{"a": 1})
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, string(data))
}
