// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/server"
	"github.com/zenlm/zen/zentest"
)

func TestOptionsOutOfRange(t *testing.T) {
	for want, opt := range map[string]server.Option{
		"an empty name": server.WithModel("a", ""), "no keys": server.WithKeys(), "key 2 of 2 is empty": server.WithKeys("a", ""),
		"there twice": server.WithKeys("a", "a"), "WithRate(0, 1)": server.WithRate(0, 1), "WithRate(1, 0)": server.WithRate(1, 0),
		"WithBodyLimit(0)": server.WithBodyLimit(0), "WithMaxTokens(-1)": server.WithMaxTokens(-1), "WithTimeout(0s)": server.WithTimeout(0),
		"WithStallTimeout(0s)": server.WithStallTimeout(0), "WithConcurrency(0)": server.WithConcurrency(0),
		"WithRequestFilter(nil)": server.WithRequestFilter(nil), "WithTextFilter(nil)": server.WithTextFilter(nil),
		"WithObserver(nil)": server.WithObserver(nil),
	} {
		_, err := server.Handler(zentest.Script(), opt)
		require.ErrorContains(t, err, want)
	}
}

func TestKeys(t *testing.T) {
	s := serve(t, zentest.Script(zentest.Text("a"), zentest.Text("b")), server.WithKeys("first-key", "second-key"))
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Bearer first-ke", "Bearer first-key2", "first-key",
		"Basic first-key", "Bearer first-key second-key"} {
		for path, method := range map[string]string{"/v1/chat/completions": "POST", "/v1/models": "GET"} {
			r := s.do(t, method, path, say("hi"), "Authorization", header, "Content-Type", "application/json")
			require.Equal(t, http.StatusUnauthorized, r.status, header)
			require.Equal(t, "invalid_api_key", r.fault(t).Code)
			require.Equal(t, "Bearer", r.header.Get("WWW-Authenticate"))
		}
	}
	require.Equal(t, 200, s.do(t, "GET", "/healthz", "").status)
	require.Equal(t, 200, s.post(t, "/v1/chat/completions", say("hi"), "Authorization", "Bearer first-key").status)
	require.Equal(t, 200, s.post(t, "/v1/chat/completions", say("hi"), "Authorization", "bearer  second-key").status)
	reports := s.reports.wait(t, 20)
	require.Equal(t, []int{-1, 0, 1}, []int{reports[0].Key, reports[18].Key, reports[19].Key})
}

// With synctest's clock: a key has its burst, then its rate, and its own of both.
func TestRateOfEachKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := zentest.Script(make([]zentest.Reply, 100)...)
		h, err := server.Handler(fake, server.WithKeys("a", "b"), server.WithRate(0.5, 3))
		require.NoError(t, err)
		ask := func(key string) (int, string) {
			r := httptest.NewRequest("POST", "/v1/chat/completions", strings.NewReader(say("hi")))
			r.Header.Set("Authorization", "Bearer "+key)
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code == 429 {
				require.Equal(t, "rate_limit_exceeded", parseFault(t, w.Body.String()).Code)
			}
			return w.Code, w.Header().Get("Retry-After")
		}
		count := func(key string, n int) (ok int) {
			for range n {
				if status, _ := ask(key); status == 200 {
					ok++
				}
			}
			return ok
		}
		require.Equal(t, 3, count("a", 5))
		status, retry := ask("a")
		require.Equal(t, []any{429, "2"}, []any{status, retry})
		require.Equal(t, 3, count("b", 5))
		time.Sleep(1500 * time.Millisecond)
		status, retry = ask("a") // half a second is left; whole seconds are told
		require.Equal(t, []any{429, "1"}, []any{status, retry})
		time.Sleep(500 * time.Millisecond)
		require.Equal(t, 1, count("a", 5))
		time.Sleep(time.Hour)
		require.Equal(t, 3, count("a", 5))
		// The wrong key and a path that is none take nothing from anybody.
		require.Equal(t, 0, count("c", 50))
		require.Equal(t, 3, count("b", 5))
	})
}

func TestBodiesThatAreTooLarge(t *testing.T) {
	s := serve(t, zentest.Script(zentest.Text("a")), server.WithBodyLimit(1000))
	body := func(n int) string { return say("hi") + strings.Repeat(" ", n-len(say("hi"))) }
	require.Equal(t, 200, s.post(t, "/v1/chat/completions", body(1000)).status)
	r := s.post(t, "/v1/chat/completions", body(1001))
	require.Equal(t, http.StatusRequestEntityTooLarge, r.status)
	require.Equal(t, "body_too_large", r.fault(t).Code)

	// In chunks, so that the length is not known before.
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/v1/chat/completions", &endless{})
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	require.Equal(t, 413, s.reports.wait(t, 3)[2].Status)
}

// endless reads as 100 MB of spaces, and an error after that: nobody takes so much.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	if e.n += len(p); e.n > 100<<20 {
		return 0, fmt.Errorf("all was read")
	}
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestConcurrencyHasALimit(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, gated(release), server.WithConcurrency(2))
	done := make(chan int, 2)
	for range 2 {
		go func() { done <- s.post(t, "/v1/chat/completions", say("hi")).status }()
	}
	require.Eventually(t, s.chunks(2), wait, tick) // both are at work
	r := s.post(t, "/v1/chat/completions", say("hi"))
	require.Equal(t, 503, r.status)
	require.Equal(t, "overloaded", r.fault(t).Code)
	require.Equal(t, "1", r.header.Get("Retry-After"))
	require.Equal(t, 200, s.do(t, "GET", "/v1/models", "").status)
	close(release)
	require.Equal(t, []int{200, 200}, []int{<-done, <-done})
}

func TestTimeoutOfAnAnswer(t *testing.T) {
	slow := zentest.Text("one", "two")
	slow.Delay = 300 * time.Millisecond
	s := serve(t, zentest.Script(slow, slow), server.WithTimeout(150*time.Millisecond))
	r := s.post(t, "/v1/chat/completions", say("hi"))
	require.Equal(t, http.StatusGatewayTimeout, r.status)
	require.Equal(t, "timeout", r.fault(t).Code)

	s = serve(t, gated(nil), server.WithTimeout(300*time.Millisecond))
	events := s.post(t, "/v1/chat/completions", say("hi", `"stream":true`)).events(t)
	require.Contains(t, events[1], "first ")
	require.Equal(t, "timeout", parseFault(t, events[len(events)-1]).Code)
	require.Equal(t, 504, s.reports.wait(t, 1)[0].Status)

	m := loadNano(t)
	s = serve(t, m, server.WithTimeout(20*time.Millisecond))
	s.post(t, "/v1/generate", `{"prompt":"Once","ignore_eos":true,"max_tokens":500}`)
	require.Equal(t, 504, s.reports.wait(t, 1)[0].Status)
	require.Eventually(t, idle(m), wait, tick)
}

var _ zen.Generator = gated(nil)
