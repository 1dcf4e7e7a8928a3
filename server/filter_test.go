// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/server"
	"github.com/zenlm/zen/zentest"
)

// snippet: request-filter

// noSecrets refuses requests that speak of passwords and takes an address out.
func noSecrets(_ context.Context, req *zen.Request) error {
	for i, m := range req.Messages {
		if strings.Contains(m.Content, "password") {
			return &server.Refusal{Message: "passwords are not discussed here"}
		}
		req.Messages[i].Content = strings.ReplaceAll(m.Content, "ann@example.org", "[address]")
	}
	return nil
}

// end: request-filter

// snippet: text-filter

// mask replaces a word in an answer, also one that comes in several pieces: it holds
// back what may be the word's beginning.
type mask struct{ word, held string }

func (m *mask) Push(text string) (string, error) {
	text = strings.ReplaceAll(m.held+text, m.word, "***")
	keep := len(m.word) - 1
	for keep > 0 && !strings.HasSuffix(text, m.word[:keep]) {
		keep--
	}
	text, m.held = text[:len(text)-keep], text[len(text)-keep:]
	return text, nil
}

func (m *mask) Flush() (string, error) { return m.held, nil }

// end: text-filter

func TestRequestFilterRefusesAndChanges(t *testing.T) {
	fake := zentest.Script(zentest.Text("ok"))
	s := serve(t, fake, server.WithRequestFilter(noSecrets), server.WithRequestFilter(func(_ context.Context, req *zen.Request) error {
		req.Messages = append([]zen.Message{zen.System("Be kind.")}, req.Messages...)
		return nil
	}))
	for _, stream := range []string{`"stream":true`, `"stream":false`} {
		r := s.post(t, "/v1/chat/completions", say("the password?", stream))
		require.Equal(t, 400, r.status)
		require.Equal(t, fault{"passwords are not discussed here", "invalid_request_error", "", "content_filter"}, r.fault(t))
	}
	require.Equal(t, 200, s.post(t, "/v1/chat/completions", say("mail ann@example.org")).status)
	require.Equal(t, []zen.Message{zen.System("Be kind."), zen.User("mail [address]")}, fake.Requests()[0].Messages)
}

func TestRequestFilterSeesTextsToEmbed(t *testing.T) {
	m := zentest.Model(t)
	s := serve(t, m, server.WithRequestFilter(func(_ context.Context, req *zen.Request) error {
		if len(req.Tokens) > 0 {
			return &server.Refusal{Message: "tokens"}
		}
		req.Prompt = strings.ReplaceAll(req.Prompt, "river", "garden")
		return nil
	}))
	plain := serve(t, m)
	require.Equal(t, plain.post(t, "/v1/embeddings", `{"input":["garden","time"]}`).body, s.post(t, "/v1/embeddings", `{"input":["river","time"]}`).body)
	require.Equal(t, "content_filter", s.post(t, "/v1/embeddings", `{"input":[[1]]}`).fault(t).Code)
}

func TestTextFilterRedacts(t *testing.T) {
	const text = "The secret is a secre, no secret"
	replies := []zentest.Reply{zentest.Text(strings.Split(text, "")...), zentest.Text(text), zentest.Text("a sec", "ret", " secr")}
	s := serve(t, zentest.Script(append(replies, replies...)...), server.WithTextFilter(func() server.TextFilter { return &mask{word: "secret"} }))
	for _, want := range []string{"The *** is a secre, no ***", "The *** is a secre, no ***", "a *** secr"} {
		got, _, finish := streamed(t, s.post(t, "/v1/chat/completions", say("?", `"stream":true`)).events(t))
		require.Equal(t, want, got)
		require.Equal(t, "stop", finish)
	}
	r := s.post(t, "/v1/chat/completions", say("?"))
	require.Equal(t, "The *** is a secre, no ***", *parse[completion](t, r).Choices[0].Message.Content)
	r = s.post(t, "/v1/chat/completions", say("?", `"logprobs":true`))
	require.Equal(t, "logprobs", r.fault(t).Param)
}

// stopAt is a TextFilter that stops an answer at a mark, or fails there.
type stopAt struct {
	mark string
	err  error
}

func (s stopAt) Push(text string) (string, error) {
	if before, _, found := strings.Cut(text, s.mark); found {
		return before, s.err
	}
	return text, nil
}

func (s stopAt) Flush() (string, error) { return "", nil }

func TestTextFilterStopsAnAnswer(t *testing.T) {
	m := loadNano(t)
	s := serve(t, m, server.WithTextFilter(func() server.TextFilter { return stopAt{"is", &server.Refusal{Message: "enough"}} }))
	body := say("What is the capital of France?", `"temperature":0`)
	whole := parse[completion](t, s.post(t, "/v1/chat/completions", body))
	require.Equal(t, "The capital of France ", *whole.Choices[0].Message.Content)
	require.Equal(t, "content_filter", whole.Choices[0].FinishReason)
	require.Equal(t, 5, whole.Usage.CompletionTokens)
	require.Equal(t, 18, whole.Usage.PromptTokens)
	got, _, finish := streamed(t, s.post(t, "/v1/chat/completions", strings.TrimSuffix(body, "}")+`,"stream":true}`).events(t))
	require.Equal(t, "The capital of France ", got)
	require.Equal(t, "content_filter", finish)
	card := parse[zen.Response](t, s.post(t, "/v1/generate", body))
	require.Empty(t, card.Tokens, "they would tell the rest")
	require.Equal(t, zen.FinishReason("content_filter"), card.FinishReason)
	for _, report := range s.reports.wait(t, 3) {
		require.Equal(t, 200, report.Status)
		require.Equal(t, "content_filter", report.FinishReason)
	}
	require.Eventually(t, idle(m), wait, tick, "the rest of the answer is not made")
}

func TestAFilterThatFailsLetsNothingThrough(t *testing.T) {
	broken := errors.New("the filter's own secret")
	for name, opt := range map[string]server.Option{
		"request":       server.WithRequestFilter(func(context.Context, *zen.Request) error { return broken }),
		"request panic": server.WithRequestFilter(func(context.Context, *zen.Request) error { panic(broken) }),
		"text":          server.WithTextFilter(func() server.TextFilter { return stopAt{"a", broken} }),
		"text panic":    server.WithTextFilter(func() server.TextFilter { return nil }),
		"start panic":   server.WithTextFilter(func() server.TextFilter { panic(broken) }),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, zentest.Script(zentest.Text("abc"), zentest.Text("abc")), opt)
			for _, stream := range []string{`"stream":true`, `"stream":false`} {
				r := s.post(t, "/v1/chat/completions", say("?", stream))
				require.Equal(t, http.StatusInternalServerError, r.status)
				require.Equal(t, "internal_error", r.fault(t).Code)
				require.NotContains(t, r.body, "secret")
			}
			for _, report := range s.reports.wait(t, 2) {
				require.Error(t, report.Err)
				require.Equal(t, strings.Contains(name, "panic"), errors.Is(report.Err, zen.ErrPanic))
			}
			require.Equal(t, 200, s.do(t, http.MethodGet, "/healthz", "").status, "the model is well")
		})
	}
}

// A panic in the middle of a stream ends it with an error.
func TestPanicMidStream(t *testing.T) {
	s := serve(t, zentest.Script(zentest.Text("one ", "two")), server.WithTextFilter(func() server.TextFilter { return panicAt("two") }))
	events := s.post(t, "/v1/chat/completions", say("?", `"stream":true`)).events(t)
	require.Contains(t, events[1], "one ")
	require.Equal(t, "internal_error", parseFault(t, events[2]).Code)
	require.Len(t, events, 3)
}

type panicAt string

func (p panicAt) Push(text string) (string, error) {
	if text == string(p) {
		panic("boom")
	}
	return text, nil
}

func (panicAt) Flush() (string, error) { return "", nil }
