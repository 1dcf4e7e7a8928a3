// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/server"
	"github.com/zenlm/zen/zentest"
)

const hi = `"messages":[{"role":"user","content":"hi"}]`

// Each body is refused with status 400, the parameter and the code, before the model
// is asked.
func TestBodiesThatAreRefused(t *testing.T) {
	fake := zentest.Script()
	s := serve(t, fake, server.WithMaxTokens(100))
	for body, want := range map[string]string{
		// Not JSON, or JSON that readers understand differently.
		``:                            " invalid_json",
		`{`:                           " invalid_json",
		`{"messages":[]`:              " invalid_json",
		`null{}`:                      " invalid_json",
		`{` + hi + `} x`:              " invalid_json",
		`{` + hi + `}{}`:              " invalid_json",
		`{` + hi + `,}`:               " invalid_json",
		"{\"messages\":[\"\xff\"]}":   " invalid_json",
		`{"user":"\ud800"}`:           " invalid_json",
		`{"user":"\ud800\u0041"}`:     " invalid_json",
		`{"user":"\udc00\ud800"}`:     " invalid_json",
		`{"user":"\\\ud800"}`:         " invalid_json",
		`[]`:                          " invalid_value",
		`"x"`:                         " invalid_value",
		`null`:                        " invalid_value",
		`{` + hi + `,` + hi + `}`:     "messages invalid_value",
		`{"messages":null}`:           "messages invalid_value",
		`{"messages":[]}`:             "messages invalid_value",
		`{"messages":{}}`:             "messages invalid_value",
		`{"messages":["hi"]}`:         "messages[0] invalid_value",
		`{"Messages":[]}`:             "Messages unknown_field",
		`{` + hi + `,"temprature":1}`: "temprature unknown_field",
		`{"messages":[{"role":"user","content":"hi","weight":1}]}`: "messages[0].weight unknown_field",

		// Out of range or of another type.
		`{` + hi + `,"temperature":2.5}`:                                          "temperature invalid_value",
		`{` + hi + `,"temperature":-1}`:                                           "temperature invalid_value",
		`{` + hi + `,"temperature":1e999}`:                                        "temperature invalid_value",
		`{` + hi + `,"temperature":"1"}`:                                          "temperature invalid_value",
		`{` + hi + `,"top_p":1.1}`:                                                "top_p invalid_value",
		`{` + hi + `,"max_tokens":0}`:                                             "max_tokens invalid_value",
		`{` + hi + `,"max_tokens":1.5}`:                                           "max_tokens invalid_value",
		`{` + hi + `,"max_tokens":true}`:                                          "max_tokens invalid_value",
		`{` + hi + `,"max_tokens":99999999999999999999}`:                          "max_tokens invalid_value",
		`{` + hi + `,"max_tokens":101}`:                                           "max_tokens invalid_value",
		`{` + hi + `,"max_tokens":5,"max_completion_tokens":6}`:                   "max_tokens invalid_value",
		`{` + hi + `,"seed":1.5}`:                                                 "seed invalid_value",
		`{` + hi + `,"seed":18446744073709551616}`:                                "seed invalid_value",
		`{` + hi + `,"stream":1}`:                                                 "stream invalid_value",
		`{` + hi + `,"stream_options":{"include_usage":true}}`:                    "stream_options invalid_value",
		`{` + hi + `,"stream":true,"stream_options":{"x":1}}`:                     "stream_options.x unknown_field",
		`{` + hi + `,"stop":5}`:                                                   "stop invalid_value",
		`{` + hi + `,"stop":["a",5]}`:                                             "stop[1] invalid_value",
		`{` + hi + `,"logprobs":3}`:                                               "logprobs invalid_value",
		`{` + hi + `,"top_logprobs":3}`:                                           "top_logprobs invalid_value",
		`{` + hi + `,"logprobs":true,"top_logprobs":21}`:                          "top_logprobs invalid_value",
		`{` + hi + `,"presence_penalty":3}`:                                       "presence_penalty invalid_value",
		`{` + hi + `,"frequency_penalty":-3}`:                                     "frequency_penalty invalid_value",
		`{` + hi + `,"logit_bias":[]}`:                                            "logit_bias invalid_value",
		`{` + hi + `,"logit_bias":{"x":1}}`:                                       "logit_bias invalid_value",
		`{` + hi + `,"logit_bias":{"01":1}}`:                                      "logit_bias invalid_value",
		`{` + hi + `,"logit_bias":{"1":101}}`:                                     "logit_bias.1 invalid_value",
		`{` + hi + `,"tools":[{"type":"function"}]}`:                              "tools[0].function.name invalid_value",
		`{"messages":[{"role":"user","content":[{"type":"text","text":"a"},7]}]}`: "messages[0].content[1] invalid_value",

		// Would change the answer, and is not there.
		`{` + hi + `,"n":2}`: "n unsupported",
		`{` + hi + `,"response_format":{"type":"json_object"}}`:                            "response_format.type unsupported",
		`{` + hi + `,"tool_choice":"required"}`:                                            "tool_choice unsupported",
		`{` + hi + `,"tool_choice":{"type":"function","function":{"name":"f"}}}`:           "tool_choice unsupported",
		`{` + hi + `,"parallel_tool_calls":false}`:                                         "parallel_tool_calls unsupported",
		`{` + hi + `,"tools":[{"type":"custom"}]}`:                                         "tools[0].type unsupported",
		`{` + hi + `,"tools":[{"type":"function","function":{"name":"f","strict":true}}]}`: "tools[0].function.strict unsupported",
		`{` + hi + `,"functions":[]}`:                                                      "functions unsupported",
		`{` + hi + `,"modalities":["text","audio"]}`:                                       "modalities unsupported",
		`{` + hi + `,"audio":{}}`:                                                          "audio unsupported",
		`{` + hi + `,"reasoning_effort":"high"}`:                                           "reasoning_effort unsupported",
		`{` + hi + `,"verbosity":"low"}`:                                                   "verbosity unsupported",
		`{` + hi + `,"web_search_options":{}}`:                                             "web_search_options unsupported",
		`{` + hi + `,"logprobs":true}`:                                                     "logprobs unsupported", // a fake has no tokens
		`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}`:   "messages[0].content[0].type unsupported",
	} {
		r := s.post(t, "/v1/chat/completions", body)
		f := r.fault(t)
		require.Equal(t, http.StatusBadRequest, r.status, body)
		require.Equal(t, want, f.Param+" "+f.Code, body)
		require.Equal(t, "invalid_request_error", f.Type)
		require.Contains(t, f.Message, f.Param)
	}
	for path, bodies := range map[string]map[string]string{
		"/v1/completions": {
			`{}`:                              "prompt invalid_value",
			`{"prompt":""}`:                   "prompt invalid_value",
			`{"prompt":[]}`:                   "prompt unsupported",
			`{"prompt":["a","b"]}`:            "prompt unsupported",
			`{"prompt":7}`:                    "prompt invalid_value",
			`{"prompt":[1,"a"]}`:              "prompt[1] invalid_value",
			`{"prompt":[[1,-2]]}`:             "prompt[0][1] invalid_value",
			`{"prompt":"a","echo":true}`:      "echo unsupported",
			`{"prompt":"a","suffix":"b"}`:     "suffix unsupported",
			`{"prompt":"a","best_of":2}`:      "best_of unsupported",
			`{"prompt":"a","messages":[]}`:    "messages unknown_field",
			`{"prompt":"a","max_tokens":101}`: "max_tokens invalid_value",
			`{"prompt":"a","logprobs":true}`:  "logprobs invalid_value",
			`{"prompt":"a","tools":[]}`:       "tools unknown_field",
		},
		"/v1/generate": {
			`{"n":1}`:                          "n unknown_field",
			`{"prompt":5}`:                     "prompt invalid_value",
			`{"prompt":"a","tokens":[1e3]}`:    "tokens[0] invalid_value",
			`{"prompt":"a","logprobs":true}`:   "logprobs unsupported",
			`{"prompt":"a","max_tokens":1000}`: "max_tokens invalid_value",
		},
		"/v1/embeddings": {
			`{}`:                                     "input invalid_value",
			`{"input":7}`:                            "input invalid_value",
			`{"input":[]}`:                           "input invalid_value",
			`{"input":["a",null]}`:                   "input[1] invalid_value",
			`{"input":[1,-1]}`:                       "input[1] invalid_value",
			`{"input":"a","encoding_format":"int8"}`: "encoding_format unsupported",
			`{"input":"a"}`:                          "model unsupported", // a fake does not embed
			`{"input":[` + strings.Repeat(`"a",`, 2048) + `"a"]}`: "input invalid_value",
		},
	} {
		for body, want := range bodies {
			r := s.post(t, path, body)
			f := r.fault(t)
			require.Equal(t, http.StatusBadRequest, r.status, body)
			require.Equal(t, want, f.Param+" "+f.Code, body)
		}
	}
	require.Empty(t, fake.Requests())
}

func TestFieldsThatChangeNothingAreAccepted(t *testing.T) {
	fake := zentest.Script(zentest.Text("a"), zentest.Text("b"))
	s := serve(t, fake)
	s.post(t, "/v1/chat/completions", say("hi", `"model":"zen"`, `"user":"u"`, `"metadata":{"a":"b"}`, `"store":true`, `"service_tier":"auto"`,
		`"n":1`, `"response_format":{"type":"text"}`, `"tool_choice":"auto"`, `"parallel_tool_calls":true`, `"modalities":["text"]`,
		`"prediction":{"type":"content","content":"x"}`, `"safety_identifier":"s"`, `"prompt_cache_key":"k"`, `"stream":false`,
		`"stop":null`, `"logit_bias":null`, `"functions":null`, `"anything":null`, `"stream_options":null`))
	requests := fake.Requests()
	require.Len(t, requests, 1)
	require.Equal(t, zen.Request{Messages: []zen.Message{zen.User("hi")}}, requests[0])
}

// What the model refuses is named by the field that it is about.
func TestErrorsOfTheModel(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		want   string
	}{
		{&zen.RequestError{Field: "stop", Err: fmt.Errorf("empty")}, 400, "stop invalid_value"},
		{&zen.ContextLengthError{PromptTokens: 600, ContextLength: 512}, 400, " context_length_exceeded"},
		{fmt.Errorf("%w: no template", zen.ErrUnsupported), 400, " unsupported"},
		{fmt.Errorf("%w: 7 wait", zen.ErrOverloaded), 503, " overloaded"},
		{zen.ErrClosed, 503, " closed"},
		{zen.ErrNonFinite, 500, " internal_error"},
		{fmt.Errorf("%w: secret", zen.ErrPanic), 500, " internal_error"},
	} {
		s := serve(t, zentest.Script(zentest.Fail(c.err), zentest.Fail(c.err, "half "), zentest.Fail(c.err, "half ")))
		r := s.post(t, "/v1/chat/completions", say("hi", `"stream":true`))
		f := r.fault(t)
		require.Equal(t, c.status, r.status)
		require.Equal(t, c.want, f.Param+" "+f.Code)
		require.NotContains(t, f.Message, "secret")
		require.Equal(t, c.want == " overloaded", r.header.Get("Retry-After") == "1")

		r = s.post(t, "/v1/chat/completions", say("hi")) // half an answer is none
		require.Equal(t, f, r.fault(t))
		require.Equal(t, c.status, r.status)

		events := s.post(t, "/v1/chat/completions", say("hi", `"stream":true`)).events(t)
		require.Len(t, events, 3) // the role, the half, the error, and no [DONE]
		require.Contains(t, events[1], "half ")
		require.Equal(t, f, parseFault(t, events[2]))
		for _, report := range s.reports.wait(t, 3) {
			require.Equal(t, c.status, report.Status)
			require.ErrorIs(t, report.Err, c.err)
		}
		broken := c.err == zen.ErrClosed || strings.Contains(c.err.Error(), "secret")
		require.Equal(t, broken, s.do(t, http.MethodGet, "/healthz", "").status == 503)
	}
}

func TestPathsMethodsAndMedia(t *testing.T) {
	s := serve(t, zentest.Script())
	for _, c := range []struct {
		method, path, media string
		status              int
		code                string
	}{
		{"GET", "/", "", 404, "not_found"},
		{"POST", "/v1/chat", "", 404, "not_found"},
		{"POST", "/v1/chat/completions/", "", 404, "not_found"},
		{"GET", "/v1/models/other", "", 404, "model_not_found"},
		{"GET", "/v1/chat/completions", "", 405, "method_not_allowed"},
		{"PUT", "/v1/embeddings", "", 405, "method_not_allowed"},
		{"POST", "/v1/models", "", 405, "method_not_allowed"},
		{"DELETE", "/healthz", "", 405, "method_not_allowed"},
		{"POST", "/v1/chat/completions", "", 415, "unsupported_media_type"},
		{"POST", "/v1/chat/completions", "text/plain", 415, "unsupported_media_type"},
		{"POST", "/v1/chat/completions", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		{"POST", "/v1/chat/completions", "application/json; charset=latin1", 415, "unsupported_media_type"},
		{"POST", "/v1/chat/completions", "application/json; charset=UTF-8", 400, "invalid_value"},
	} {
		r := s.do(t, c.method, c.path, "{}", "Content-Type", c.media)
		f := r.fault(t)
		require.Equal(t, c.status, r.status, c)
		require.Equal(t, c.code, f.Code, c)
		require.Equal(t, c.status == 405, r.header.Get("Allow") != "")
	}
	r := s.post(t, "/v1/chat/completions", "{}", "Content-Encoding", "gzip")
	require.Equal(t, 415, r.status)
	r = s.post(t, "/v1/chat/completions", say("hi", `"model":"gpt-5"`))
	require.Equal(t, 404, r.status)
	require.Equal(t, fault{"the model gpt-5 does not exist", "invalid_request_error", "model", "model_not_found"}, r.fault(t))
}
