// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/zentest"
)

const weather = `"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}},` +
	`{"type":"function","function":{"name":"time"}}]`

// Every case is streamed in two pieces, cut at each byte that begins a character,
// byte for byte, and whole: the same comes out.
func TestToolCallsAreFound(t *testing.T) {
	const paris = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Pa\\u0072is\",  \"d\": 1.0}}\n</tool_call>"
	type found struct{ name, arguments string }
	parisCall := found{"weather", `{"city": "Pa\u0072is",  "d": 1.0}`}
	for name, c := range map[string]struct {
		text  string
		want  string
		calls []found
	}{
		"one":          {paris, "", []found{parisCall}},
		"space around": {"\n" + paris + "\n", "", []found{parisCall}},
		"text before":  {"Let me look.\n" + paris, "Let me look.", []found{parisCall}},
		"two":          {paris + "\n<tool_call>{\"name\":\"time\"}</tool_call>", "", []found{parisCall, {"time", "{}"}}},

		"another tool": {`<tool_call>{"name":"rm","arguments":{}}</tool_call>`, `<tool_call>{"name":"rm","arguments":{}}</tool_call>`, nil},
		"not JSON":     {"<tool_call>\nweather(Paris)\n</tool_call> ", "<tool_call>\nweather(Paris)\n</tool_call> ", nil},
		"not ended":    {"Hm <tool_call>\n{\"name\": \"time\"", "Hm <tool_call>\n{\"name\": \"time\"", nil},
		"almost":       {"1 < 2, <tool> <tool_cal", "1 < 2, <tool> <tool_cal", nil},
		"only text":    {"Hé 🎈\n\n", "Hé 🎈\n\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			scripts := [][]string{{c.text}, strings.Split(c.text, "")}
			for i := range c.text {
				scripts = append(scripts, []string{c.text[:i], c.text[i:]})
			}
			var replies []zentest.Reply
			for _, chunks := range scripts {
				replies = append(replies, zentest.Text(chunks...), zentest.Text(chunks...))
			}
			s := serve(t, zentest.Script(replies...))
			check := func(text string, calls []call, finish string) {
				t.Helper()
				require.Equal(t, c.want, text)
				var got []found
				ids := map[string]bool{}
				for i, call := range calls {
					require.Equal(t, "function", call.Type)
					require.Equal(t, i, call.Index)
					require.True(t, strings.HasPrefix(call.ID, "call_"))
					ids[call.ID] = true
					got = append(got, found{call.Function.Name, call.Function.Arguments})
				}
				require.Len(t, ids, len(calls))
				require.Equal(t, c.calls, got)
				require.Equal(t, len(calls) > 0, finish == "tool_calls", finish)
			}
			for range scripts {
				check(streamed(t, s.post(t, "/v1/chat/completions", say("?", weather, `"stream":true`)).events(t)))
				r := s.post(t, "/v1/chat/completions", say("?", weather))
				choice := parse[completion](t, r).Choices[0]
				for i := range choice.Message.ToolCalls {
					require.NotContains(t, r.body, `"index":1`)
					choice.Message.ToolCalls[i].Index = i
				}
				text := ""
				if choice.Message.Content != nil {
					text = *choice.Message.Content
				}
				require.Equal(t, c.want == "" && len(c.calls) > 0, choice.Message.Content == nil)
				check(text, choice.Message.ToolCalls, choice.FinishReason)
			}
		})
	}
}

func TestWithoutToolsTheFormIsText(t *testing.T) {
	const text = "<tool_call>\n{\"name\": \"time\"}\n</tool_call>"
	s := serve(t, zentest.Script(zentest.Text(text), zentest.Text(text), zentest.Text(text)))
	for _, more := range []string{`"user":""`, weather + `,"tool_choice":"none"`, `"tools":[]`} {
		got := parse[completion](t, s.post(t, "/v1/chat/completions", say("?", more))).Choices[0]
		require.Equal(t, text, *got.Message.Content)
		require.Equal(t, "stop", got.FinishReason)
	}
}

// A client sends back the message it got, with the tool's answer after it.
func TestACallCanBeSentBack(t *testing.T) {
	fake := zentest.Script(zentest.Text(`<tool_call>{"name":"time","arguments":{"zone": "CET"}}</tool_call>`), zentest.Text("Noon."))
	s := serve(t, fake)
	r := s.post(t, "/v1/chat/completions", say("What time is it?", weather))
	var body struct {
		Choices []struct{ Message json.RawMessage }
	}
	require.NoError(t, json.Unmarshal([]byte(r.body), &body))
	r = s.post(t, "/v1/chat/completions", `{"messages":[{"role":"user","content":"What time is it?"},`+string(body.Choices[0].Message)+
		`,{"role":"tool","tool_call_id":"x","content":"12:00"}],`+weather+`}`)
	require.Equal(t, "Noon.", *parse[completion](t, r).Choices[0].Message.Content)
	sent := fake.Requests()[1]
	require.Len(t, sent.Tools, 2)
	require.Equal(t, "time", sent.Messages[1].ToolCalls[0].Function.Name)
	require.JSONEq(t, `"{\"zone\": \"CET\"}"`, string(sent.Messages[1].ToolCalls[0].Function.Arguments))
}
