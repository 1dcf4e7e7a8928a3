// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/server"
	"github.com/zenlm/zen/zentest"
)

var varying = regexp.MustCompile(`(chatcmpl-|cmpl-|call_)[A-Z2-7]{26}|"created":\d{10}`)

// fixed replaces what differs between two runs.
func fixed(body string) string {
	return varying.ReplaceAllStringFunc(body, func(s string) string {
		if strings.HasPrefix(s, `"created"`) {
			return `"created":0`
		}
		return strings.TrimRight(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") + "ID"
	})
}

func TestStreamIsTheseBytes(t *testing.T) {
	answer := zentest.Text("Hé<", "\n\"", "", "🎈")
	answer.Usage = zen.Usage{PromptTokens: 5, CompletionTokens: 4, TotalTokens: 9, CachedTokens: 3}
	s := serve(t, zentest.Script(answer, answer, answer), server.WithModel("m"))
	r := s.post(t, "/v1/chat/completions", say("hi", `"stream":true`, `"stream_options":{"include_usage":true}`))
	head := `data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":0,"model":"m","choices":[`
	require.Equal(t, head+`{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null}

`+head+`{"index":0,"delta":{"content":"Hé<"},"logprobs":null,"finish_reason":null}],"usage":null}

`+head+`{"index":0,"delta":{"content":"\n\""},"logprobs":null,"finish_reason":null}],"usage":null}

`+head+`{"index":0,"delta":{"content":"🎈"},"logprobs":null,"finish_reason":null}],"usage":null}

`+head+`{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}

`+head+`],"usage":{"prompt_tokens":5,"completion_tokens":4,"total_tokens":9,"prompt_tokens_details":{"cached_tokens":3}}}

data: [DONE]

`, fixed(r.body))
	require.Equal(t, "no-cache", r.header.Get("Cache-Control"))

	r = s.post(t, "/v1/completions", `{"prompt":"hi","stream":true}`)
	head = `data: {"id":"cmpl-ID","object":"text_completion","created":0,"model":"m","choices":[`
	require.Equal(t, head+`{"text":"Hé<","index":0,"logprobs":null,"finish_reason":null}]}

`+head+`{"text":"\n\"","index":0,"logprobs":null,"finish_reason":null}]}

`+head+`{"text":"🎈","index":0,"logprobs":null,"finish_reason":"stop"}]}

data: [DONE]

`, fixed(r.body))

	r = s.post(t, "/v1/generate", `{"prompt":"hi","stream":true}`)
	require.Equal(t, `data: {"text":"Hé<"}

data: {"text":"\n\""}

data: {"text":""}

data: {"text":"🎈","finish_reason":"stop","usage":{"prompt_tokens":5,"completion_tokens":4,"total_tokens":9,"cached_tokens":3}}

data: [DONE]

`, r.body)
}

func TestWholeAnswerIsTheseBytes(t *testing.T) {
	answer := zentest.Reply{Chunks: []string{"a", "b"}, FinishReason: zen.FinishLength}
	s := serve(t, zentest.Script(answer, answer, answer))
	r := s.post(t, "/v1/chat/completions", say("hi"))
	require.Equal(t, `{"id":"chatcmpl-ID","object":"chat.completion","created":0,"model":"zen","choices":[{"index":0,`+
		`"message":{"role":"assistant","content":"ab","refusal":null},"logprobs":null,"finish_reason":"length"}],`+
		`"usage":{"prompt_tokens":0,"completion_tokens":2,"total_tokens":2,"prompt_tokens_details":{"cached_tokens":0}}}`+"\n", fixed(r.body))
	r = s.post(t, "/v1/completions", `{"prompt":"hi"}`)
	require.Equal(t, `{"id":"cmpl-ID","object":"text_completion","created":0,"model":"zen","choices":[{"text":"ab","index":0,`+
		`"logprobs":null,"finish_reason":"length"}],`+
		`"usage":{"prompt_tokens":0,"completion_tokens":2,"total_tokens":2,"prompt_tokens_details":{"cached_tokens":0}}}`+"\n", fixed(r.body))
	r = s.post(t, "/v1/generate", say("hi"))
	require.Equal(t, `{"response":"ab","usage":{"prompt_tokens":0,"completion_tokens":2,"total_tokens":2},"finish_reason":"length"}`+"\n", r.body)
}

func TestRequestReachesTheModel(t *testing.T) {
	fake := zentest.Script(zentest.Text("a"), zentest.Text("b"), zentest.Text("c"), zentest.Text("d"), zentest.Text("e"))
	s := serve(t, fake, server.WithMaxTokens(50))
	s.post(t, "/v1/chat/completions", `{"messages":[
		{"role":"developer","content":"Be brief."},
		{"role":"user","name":"ann","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
		{"role":"assistant","content":null,"refusal":null,"annotations":[],"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"x\": 1}"}}]},
		{"role":"tool","tool_call_id":"1","content":"7"}],
		"temperature":0.25,"top_p":0.5,"max_completion_tokens":7,"stop":["x","y"],"seed":-1,"presence_penalty":0.5,"frequency_penalty":-0.5,
		"logit_bias":{"5":-100,"6":1.5},"top_k":4,"min_p":0.1,"typical_p":0.9,"repetition_penalty":1.1,"min_tokens":2,"stop_token_ids":[9],"ignore_eos":true,
		"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}]}`)
	s.post(t, "/v1/completions", `{"prompt":["p"],"stop":"z","seed":18446744073709551615,"temperature":0}`)
	s.post(t, "/v1/completions", `{"prompt":[[3,4]],"max_tokens":3}`)
	s.post(t, "/v1/generate", `{"messages":[{"role":"system","content":"s"}],"temperature":0.7,"max_tokens":48}`)
	s.post(t, "/v1/chat/completions", say("hi", `"tools":[{"type":"function","function":{"name":"f"}}]`, `"tool_choice":"none"`))
	got := fake.Requests()
	require.Len(t, got, 5)
	require.Equal(t, []zen.Request{
		{
			Messages: []zen.Message{
				zen.System("Be brief."),
				{Role: "user", Name: "ann", Content: "a\nb"},
				{Role: "assistant", ToolCalls: got[0].Messages[2].ToolCalls},
				{Role: "tool", ToolCallID: "1", Content: "7"},
			},
			Tools: []zen.Tool{{Type: "function",
				Function: json.RawMessage(`{"name":"f","description":"d","parameters":{"type":"object"}}`)}},
			Temperature: new(0.25), TopP: new(0.5), MaxTokens: 7, Stop: []string{"x", "y"}, Seed: new(^uint64(0)),
			PresencePenalty: 0.5, FrequencyPenalty: -0.5, LogitBias: map[int32]float64{5: -100, 6: 1.5},
			TopK: new(4), MinP: new(0.1), TypicalP: new(0.9), RepetitionPenalty: new(1.1), MinTokens: 2,
			StopTokens: []int32{9}, IgnoreEOS: true,
		},
		{Prompt: "p", Stop: []string{"z"}, Seed: new(^uint64(0)), Temperature: new(0.0), MaxTokens: 16},
		{Tokens: []int32{3, 4}, MaxTokens: 3},
		{Messages: []zen.Message{zen.System("s")}, Temperature: new(0.7), MaxTokens: 48},
		{Messages: []zen.Message{zen.User("hi")}, MaxTokens: 50},
	}, got)
	call := got[0].Messages[2].ToolCalls[0]
	require.Equal(t, "f", call.Function.Name)
	require.JSONEq(t, `"{\"x\": 1}"`, string(call.Function.Arguments))
}

// completion is a chat answer.
type completion struct {
	Model   string
	Choices []struct {
		Message struct {
			Content   *string
			ToolCalls []call `json:"tool_calls"`
		}
		Delta struct {
			Content   *string
			ToolCalls []call `json:"tool_calls"`
		}
		Logprobs *struct {
			Content []struct {
				Token   string
				Logprob float64
				Bytes   []byte
				Top     []struct{ Token string } `json:"top_logprobs"`
			}
		}
		FinishReason string `json:"finish_reason"`
	}
	Usage struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
	}
}

type call struct {
	Index    int
	ID, Type string
	Function struct{ Name, Arguments string }
}

// streamed puts the chunks of a stream together.
func streamed(t testing.TB, events []string) (text string, calls []call, finish string) {
	t.Helper()
	require.Equal(t, "[DONE]", events[len(events)-1])
	for _, event := range events[:len(events)-1] {
		var c completion
		require.NoError(t, json.Unmarshal([]byte(event), &c))
		for _, choice := range c.Choices {
			if choice.Delta.Content != nil {
				text += *choice.Delta.Content
			}
			calls = append(calls, choice.Delta.ToolCalls...)
			finish = choice.FinishReason
		}
	}
	return text, calls, finish
}

func TestNanoAnswersAlikeInOnePieceAndInMany(t *testing.T) {
	m := loadNano(t)
	s := serve(t, m, server.WithModel("zen-nano", "gpt-4o"))
	for _, question := range []string{"What is the capital of France?", "Tell me a story about an owl.", "Repeat: né 日本 🎈🎈 ok"} {
		body := say(question, `"seed":5`, `"max_tokens":60`, `"model":"gpt-4o"`)
		want, err := m.Generate(t.Context(), zen.Request{Messages: []zen.Message{zen.User(question)}, Seed: new(uint64(5)), MaxTokens: 60})
		require.NoError(t, err)
		whole := parse[completion](t, s.post(t, "/v1/chat/completions", body))
		require.Equal(t, want.Text, *whole.Choices[0].Message.Content)
		require.Equal(t, string(want.FinishReason), whole.Choices[0].FinishReason)
		require.Equal(t, want.Usage.PromptTokens, whole.Usage.PromptTokens)
		require.Equal(t, want.Usage.CompletionTokens, whole.Usage.CompletionTokens)
		require.Equal(t, "zen-nano", whole.Model)

		text, _, finish := streamed(t, s.post(t, "/v1/chat/completions", strings.TrimSuffix(body, "}")+`,"stream":true}`).events(t))
		require.Equal(t, want.Text, text)
		require.Equal(t, string(want.FinishReason), finish)

		card := parse[zen.Response](t, s.post(t, "/v1/generate", say(question, `"seed":5`, `"max_tokens":60`, `"draft_tokens":4`)))
		card.Timings, want.Timings = zen.Timings{}, zen.Timings{}
		want.Usage.CachedTokens, card.Usage.CachedTokens = 0, 0
		require.Equal(t, *want, card)
	}
}

// The model picks the two halves of é, and of 日 the thirds, at random: a character
// that comes in parts goes out whole, and what never becomes one as U+FFFD, as in the
// whole answer.
func TestCharactersAreNotCut(t *testing.T) {
	m := zentest.Model(t)
	s := serve(t, m)
	parts, err := m.Tokenizer().Encode(nil, "é日")
	require.NoError(t, err)
	require.Len(t, parts, 5)
	bias, biases := map[int32]float64{}, []string(nil)
	for _, id := range parts {
		bias[id] = 100
		biases = append(biases, fmt.Sprintf(`"%d":100`, id))
	}
	for seed := range uint64(10) {
		want, err := m.Generate(t.Context(), zen.Request{Prompt: "a", MaxTokens: 200, Temperature: new(2.0), LogitBias: bias, Seed: &seed})
		require.NoError(t, err)
		whole := func(r rune) bool { return r > 0x7f && r != utf8.RuneError }
		require.True(t, strings.ContainsFunc(want.Text, whole))
		require.Contains(t, want.Text, "\ufffd")
		body := fmt.Sprintf(`{"prompt":"a","max_tokens":200,"temperature":2,"seed":%d,"stream":true,"logit_bias":{%s}}`, seed, strings.Join(biases, ","))
		r := s.post(t, "/v1/generate", body)
		require.True(t, utf8.ValidString(r.body))
		got := ""
		for _, event := range r.events(t) {
			var chunk zen.Chunk
			if event != "[DONE]" {
				require.NoError(t, json.Unmarshal([]byte(event), &chunk))
				got += chunk.Text
			}
		}
		require.Equal(t, want.Text, got)
	}
}

func TestLogprobsAreThoseOfTheModel(t *testing.T) {
	m := loadNano(t)
	s := serve(t, m)
	want, err := m.Generate(t.Context(), zen.Request{Messages: []zen.Message{zen.User("Repeat: né 🎈")}, Temperature: zen.Greedy(), Logprobs: true, TopLogprobs: 2})
	require.NoError(t, err)
	got := parse[completion](t, s.post(t, "/v1/chat/completions", say("Repeat: né 🎈", `"temperature":0`, `"logprobs":true`, `"top_logprobs":2`)))
	content := got.Choices[0].Logprobs.Content
	require.Len(t, content, len(want.Tokens)-1) // the control token that ended it has no text
	var text []byte
	for i, entry := range content {
		require.InDelta(t, want.Logprobs[i].Logprob.Logprob, entry.Logprob, 1e-6)
		require.Len(t, entry.Top, 2)
		text = append(text, entry.Bytes...)
	}
	require.Equal(t, want.Text, string(text))

	var streamedText []byte
	for _, event := range s.post(t, "/v1/chat/completions", say("Repeat: né 🎈", `"temperature":0`, `"logprobs":true`, `"stream":true`)).events(t) {
		var c completion
		if event != "[DONE]" {
			require.NoError(t, json.Unmarshal([]byte(event), &c))
			if c.Choices[0].Logprobs != nil {
				for _, entry := range c.Choices[0].Logprobs.Content {
					require.Empty(t, entry.Top)
					streamedText = append(streamedText, entry.Bytes...)
				}
			}
		}
	}
	require.Equal(t, want.Text, string(streamedText))

	var old struct {
		Choices []struct {
			Text     string
			Logprobs struct {
				Tokens   []string
				Logprobs []float64            `json:"token_logprobs"`
				Top      []map[string]float64 `json:"top_logprobs"`
				Offsets  []int                `json:"text_offset"`
			}
		}
	}
	r := s.post(t, "/v1/completions", `{"prompt":"Once upon","temperature":0,"logprobs":2,"max_tokens":8}`)
	require.NoError(t, json.Unmarshal([]byte(r.body), &old), r.body)
	choice := old.Choices[0]
	require.Equal(t, choice.Text, strings.Join(choice.Logprobs.Tokens, ""))
	for i, token := range choice.Logprobs.Tokens {
		require.Len(t, choice.Logprobs.Top[i], 2)
		require.True(t, strings.HasPrefix(choice.Text[choice.Logprobs.Offsets[i]:], token))
	}
}

func TestModelsAndHealth(t *testing.T) {
	s := serve(t, zentest.Script(), server.WithModel("org/a", "b"))
	type entry struct{ ID, Object string }
	list := parse[struct {
		Object string
		Data   []entry
	}](t, s.do(t, http.MethodGet, "/v1/models", ""))
	require.Equal(t, "list", list.Object)
	require.Equal(t, []entry{{"org/a", "model"}, {"b", "model"}}, list.Data)
	require.Equal(t, entry{"org/a", "model"}, parse[entry](t, s.do(t, http.MethodGet, "/v1/models/org/a", "")))
	require.JSONEq(t, `{"status":"ok"}`, s.do(t, http.MethodGet, "/healthz", "").body)
	require.Equal(t, 200, s.do(t, http.MethodHead, "/healthz", "").status)
}

func TestEmbeddings(t *testing.T) {
	m := zentest.Model(t)
	s := serve(t, m)
	want, err := m.Embed(t.Context(), []string{"the house", "river"}, zen.EmbedOptions{})
	require.NoError(t, err)
	type list struct {
		Object string
		Data   []struct {
			Object    string
			Index     int
			Embedding json.RawMessage
		}
		Usage struct {
			PromptTokens int `json:"prompt_tokens"`
			TotalTokens  int `json:"total_tokens"`
		}
	}
	got := parse[list](t, s.post(t, "/v1/embeddings", `{"model":"zen","input":["the house","river"],"dimensions":64,"encoding_format":"float","user":"u"}`))
	require.Equal(t, want.Usage.PromptTokens, got.Usage.PromptTokens)
	require.Equal(t, want.Usage.TotalTokens, got.Usage.TotalTokens)
	require.Len(t, got.Data, 2)
	for i, d := range got.Data {
		var vector []float32
		require.NoError(t, json.Unmarshal(d.Embedding, &vector))
		require.Equal(t, want.Vectors[i], vector)
		require.Equal(t, i, d.Index)
	}
	packed := parse[list](t, s.post(t, "/v1/embeddings", `{"input":"river","encoding_format":"base64"}`))
	var data []byte
	require.NoError(t, json.Unmarshal(packed.Data[0].Embedding, &data))
	require.Equal(t, want.Vectors[1], floats(data))

	tokens, err := m.Encode(zen.Request{Prompt: "river"})
	require.NoError(t, err)
	ids, err := json.Marshal(tokens)
	require.NoError(t, err)
	for _, input := range []string{string(ids), "[" + string(ids) + "]"} {
		got := parse[list](t, s.post(t, "/v1/embeddings", `{"input":`+input+`}`))
		require.JSONEq(t, string(parse[list](t, s.post(t, "/v1/embeddings", `{"input":"river"}`)).Data[0].Embedding), string(got.Data[0].Embedding))
	}
	for body, want := range map[string]string{
		`{"input":"a","dimensions":8}`:                      "dimensions unsupported",
		`{"input":["a",""]}`:                                "input[1] invalid_value",
		`{"input":[[1],[512]]}`:                             "input[1] invalid_value",
		`{"input":["` + strings.Repeat("the ", 600) + `"]}`: "input[0] context_length_exceeded",
	} {
		r := s.post(t, "/v1/embeddings", body)
		require.Equal(t, 400, r.status)
		f := r.fault(t)
		require.Equal(t, want, f.Param+" "+f.Code)
	}
}
