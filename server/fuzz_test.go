// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"encoding/json"
	"iter"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/server"
)

// parrot is a Generator that answers with what it was asked, in pieces.
type parrot struct{}

func (parrot) Generate(context.Context, zen.Request) (*zen.Response, error) { panic("not used") }

func (parrot) Stream(_ context.Context, req zen.Request) iter.Seq2[zen.Chunk, error] {
	return func(yield func(zen.Chunk, error) bool) {
		text := req.Prompt
		for _, m := range req.Messages {
			text += m.Content
		}
		for _, r := range text {
			if !yield(zen.Chunk{Text: string(r)}, nil) {
				return
			}
		}
		yield(zen.Chunk{FinishReason: zen.FinishStop}, nil)
	}
}

// FuzzBody sends any body to each endpoint: the answer is a whole one or an error of
// OpenAI's shape, never status 500, and a body that is not JSON is never accepted.
func FuzzBody(f *testing.F) {
	for i, body := range []string{
		say("hi"), say("hi", `"stream":true`, `"stop":["a"]`, `"logit_bias":{"1":2}`, weather),
		`{"prompt":[1,2],"seed":-5,"temperature":0.1e1}`, `{"prompt":"a","stream":true,"stream_options":{"include_usage":true}}`,
		`{"input":["a"],"dimensions":3}`, `{"messages":[{"role":"user","content":[{"type":"text","text":"\ud83c\udf88"}]}]}`,
		`{"messages":[{"role":"assistant","content":"<tool_call>{\"name\":\"time\"}</tool_call>"}],` + weather + `}`,
		`{"user":"\ud800"}`, `{"a":{"b":[null,1e9,{}]}}`, `[[[[`, "\xff", `{"seed":1}{`,
	} {
		f.Add(uint8(i), []byte(body))
	}
	h, err := server.Handler(parrot{})
	if err != nil {
		f.Fatal(err)
	}
	paths := []string{"/v1/chat/completions", "/v1/completions", "/v1/generate", "/v1/embeddings"}
	f.Fuzz(func(t *testing.T, endpoint uint8, body []byte) {
		r := httptest.NewRequest("POST", paths[int(endpoint)%len(paths)], strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		out := w.Body.String()
		switch {
		case w.Code == 400:
			parseFault(t, out)
		case w.Code != 200:
			t.Fatalf("status %d: %s", w.Code, out)
		case !json.Valid(body) || !utf8.Valid(body):
			t.Fatalf("accepted %q", body)
		case w.Header().Get("Content-Type") == "application/json":
			if !json.Valid([]byte(out)) || !strings.HasSuffix(out, "}\n") {
				t.Fatalf("answer %q", out)
			}
		default:
			events := splitEvents(t, out)
			if last := events[len(events)-1]; last != "[DONE]" {
				t.Fatalf("the stream ends with %q", last)
			}
		}
	})
}
