// SPDX-License-Identifier: Apache-2.0

package tokenizer_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tokenizer"
)

func offered() []tokenizer.Tool {
	return []tokenizer.Tool{
		{Type: "function", Function: json.RawMessage(`{"name":"weather","parameters":{"type":"object"}}`)},
		{Type: "function", Function: json.RawMessage(`{"name":"time"}`)},
	}
}

// Each text is cut at every byte, and byte for byte: the same comes out.
func TestCallsAreFound(t *testing.T) {
	const paris = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Pa\\u0072is\",  \"d\": 1.0}}\n</tool_call>"
	const parisCall = `weather {"city": "Pa\u0072is",  "d": 1.0}`
	for name, c := range map[string]struct {
		text, want string
		calls      []string
	}{
		"one":              {paris, "", []string{parisCall}},
		"space around":     {"\n" + paris + "\n", "", []string{parisCall}},
		"text before":      {"Let me look.\n" + paris, "Let me look.", []string{parisCall}},
		"text after":       {paris + "\nDone.", "\nDone.", []string{parisCall}},
		"two":              {paris + "\n<tool_call>{\"name\":\"time\"}</tool_call>", "", []string{parisCall, "time {}"}},
		"two around text":  {paris + " and " + paris, " and", []string{parisCall, parisCall}},
		"a tag in a value": {`<tool_call>{"name":"time","arguments":{"a":"<tool_call"}}</tool_call>`, "", []string{`time {"a":"<tool_call"}`}},
		"begun twice":      {"<tool_call> <tool_call>{\"name\":\"time\"}</tool_call>", "<tool_call>", []string{"time {}"}},

		"another tool":     {`<tool_call>{"name":"rm","arguments":{}}</tool_call>`, `<tool_call>{"name":"rm","arguments":{}}</tool_call>`, nil},
		"no name":          {`<tool_call>{"arguments":{}}</tool_call>`, `<tool_call>{"arguments":{}}</tool_call>`, nil},
		"another case":     {`<tool_call>{"Name":"time"}</tool_call>`, `<tool_call>{"Name":"time"}</tool_call>`, nil},
		"null":             {`<tool_call>null</tool_call>`, `<tool_call>null</tool_call>`, nil},
		"not JSON":         {"<tool_call>\nweather(Paris)\n</tool_call> ", "<tool_call>\nweather(Paris)\n</tool_call> ", nil},
		"text arguments":   {`<tool_call>{"name":"time","arguments":"now"}</tool_call>`, `<tool_call>{"name":"time","arguments":"now"}</tool_call>`, nil},
		"one more field":   {`<tool_call>{"name":"time","id":1}</tool_call>`, `<tool_call>{"name":"time","id":1}</tool_call>`, nil},
		"trailing garbage": {`<tool_call>{"name":"time"}}</tool_call>`, `<tool_call>{"name":"time"}}</tool_call>`, nil},
		"not ended":        {"Hm <tool_call>\n{\"name\": \"time\"", "Hm <tool_call>\n{\"name\": \"time\"", nil},
		"an end alone":     {"a</tool_call>b ", "a</tool_call>b ", nil},
		"almost":           {"1 < 2, <tool> <tool_cal", "1 < 2, <tool> <tool_cal", nil},
		"only text":        {"Hé 🎈\n\n", "Hé 🎈\n\n", nil},
	} {
		pieces := [][]string{strings.Split(c.text, "")}
		for i := range len(c.text) + 1 {
			pieces = append(pieces, []string{c.text[:i], c.text[i:]})
		}
		for _, cut := range pieces {
			p := tokenizer.NewCallParser(offered())
			text, calls := "", []string(nil)
			for _, s := range cut {
				plain, found := p.Push(s)
				text += plain
				for _, call := range found {
					require.Equal(t, "function", call.Type)
					calls = append(calls, call.Function.Name+" "+string(call.Function.Arguments))
				}
			}
			text += p.Flush()
			require.Equal(t, c.want, text, "%s: %q", name, cut)
			require.Equal(t, c.calls, calls, "%s: %q", name, cut)
		}
		none := tokenizer.NewCallParser(nil)
		plain, calls := none.Push(c.text)
		require.Equal(t, c.text, plain+none.Flush())
		require.Empty(t, calls)
	}
}

// What is found can be rendered again.
func TestCallsAreTheReverseOfTheTemplate(t *testing.T) {
	chat := chatFor(t, "qwen2.5")
	want := []tokenizer.ToolCall{
		{Type: "function", Function: tokenizer.FunctionCall{Name: "weather", Arguments: json.RawMessage(`{"city": "Ulm", "days": [1, 2]}`)}},
		{Type: "function", Function: tokenizer.FunctionCall{Name: "time", Arguments: json.RawMessage(`{}`)}},
	}
	text, err := chat.Render([]tokenizer.Message{{Role: "user", Content: "?"}, {Role: "assistant", Content: "Well.", ToolCalls: want}}, nil)
	require.NoError(t, err)
	_, answer, _ := strings.Cut(text, "<|im_start|>assistant\n")
	answer, _, _ = strings.Cut(answer, "<|im_end|>")
	p := tokenizer.NewCallParser(offered())
	plain, calls := p.Push(answer)
	require.Equal(t, "Well.", plain+p.Flush())
	require.Equal(t, want, calls)
}
