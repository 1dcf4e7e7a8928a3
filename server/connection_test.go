// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/server"
	"github.com/zenlm/zen/zentest"
)

const (
	wait = time.Minute
	tick = 2 * time.Millisecond
)

// idle reports whether a model does nothing and no request holds a page.
func idle(m *zen.Model) func() bool {
	return func() bool {
		s := m.Stats()
		return s.Running == 0 && s.Waiting == 0 && s.KVPagesUsed == 0
	}
}

// gated is a Generator whose answers wait for the channel to close, or for their
// context.
type gated chan struct{}

func (g gated) Generate(context.Context, zen.Request) (*zen.Response, error) { panic("not used") }

func (g gated) Stream(ctx context.Context, _ zen.Request) iter.Seq2[zen.Chunk, error] {
	return func(yield func(zen.Chunk, error) bool) {
		if !yield(zen.Chunk{Text: "first "}, nil) {
			return
		}
		select {
		case <-g:
			yield(zen.Chunk{Text: "last", FinishReason: zen.FinishStop}, nil)
		case <-ctx.Done():
			yield(zen.Chunk{}, ctx.Err())
		}
	}
}

// dial opens a connection of one's own and sends text.
func (s *site) dial(t testing.TB, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	return conn
}

// raw is a request as it goes over a connection. It promises length bytes of body.
func raw(path, body string, length int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, length, body)
}

// A client that sends its body byte by byte has a time to do it in.
func TestSlowBodyIsGivenUp(t *testing.T) {
	s := serve(t, zentest.Script(zentest.Text("fine")), server.WithStallTimeout(200*time.Millisecond))
	body := say("hi")
	conn := s.dial(t, raw("/v1/chat/completions", body[:5], len(body)))
	go func() {
		for _, b := range body[5 : len(body)-1] {
			time.Sleep(50 * time.Millisecond)
			if _, err := fmt.Fprintf(conn, "%c", b); err != nil {
				return
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
	require.Equal(t, "body_timeout", parseFault(t, string(data)).Code)
	require.True(t, resp.Close)
	require.Equal(t, 408, s.reports.wait(t, 1)[0].Status)
}

// The time for a body is not one for the answer, and the handler's times replace the
// server's.
func TestSlowAnswerIsWaitedFor(t *testing.T) {
	const short = 300 * time.Millisecond
	slow := zentest.Text("a", "b", "c")
	slow.Delay = short + short/4
	h, err := server.Handler(zentest.Script(slow, slow), server.WithStallTimeout(short))
	require.NoError(t, err)
	s := &site{Server: httptest.NewUnstartedServer(h)}
	s.Config.ReadTimeout, s.Config.WriteTimeout, s.Config.IdleTimeout = short, short, time.Minute
	s.Start()
	defer s.Close()
	text, _, _ := streamed(t, s.post(t, "/v1/chat/completions", say("hi", `"stream":true`)).events(t))
	require.Equal(t, "abc", text)
	time.Sleep(short + short/4) // nor does it outlive its request on the connection
	require.Equal(t, 200, s.post(t, "/v1/chat/completions", say("hi")).status)
}

func TestBodyThatBreaksOff(t *testing.T) {
	s := serve(t, zentest.Script())
	conn := s.dial(t, raw("/v1/chat/completions", `{"messages":`, 1000))
	require.NoError(t, conn.Close())
	report := s.reports.wait(t, 1)[0]
	require.Equal(t, 499, report.Status)
	require.Equal(t, "client_closed_request", report.Code)
}

// The client leaves in the middle of a stream, and of a whole answer.
func TestDisconnectEndsTheRequest(t *testing.T) {
	m := loadNano(t, zen.WithKVBudget(16<<20))
	s := serve(t, m)
	for n := range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		body := fmt.Sprintf(`{"prompt":"Once upon a time","ignore_eos":true,"max_tokens":480,"stream":%t}`, n%2 == 0)
		req, err := http.NewRequestWithContext(ctx, "POST", s.URL+"/v1/generate", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		begun := s.chunks(s.count() + 1)
		go func() {
			for !begun() {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		resp, err := s.Client().Do(req)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		require.ErrorIs(t, err, context.Canceled)
		report := s.reports.wait(t, n+1)[n]
		require.Equal(t, 499, report.Status)
		require.Less(t, report.Usage.CompletionTokens, 480)
	}
	require.Eventually(t, idle(m), wait, tick)
	require.Equal(t, 200, s.post(t, "/v1/generate", `{"prompt":"Once","max_tokens":2}`).status)
}

// A client that takes nothing in does not hold its answer for ever.
func TestStalledReaderIsGivenUp(t *testing.T) {
	s := serve(t, flood{}, server.WithStallTimeout(200*time.Millisecond))
	body := say("hi", `"stream":true`)
	s.dial(t, raw("/v1/chat/completions", body, len(body)))
	report := s.reports.wait(t, 1)[0]
	require.Equal(t, 499, report.Status)
	require.ErrorContains(t, report.Err, "takes in nothing")
}

// flood is a Generator whose answers have no end.
type flood struct{}

func (flood) Generate(context.Context, zen.Request) (*zen.Response, error) { panic("not used") }

func (flood) Stream(ctx context.Context, _ zen.Request) iter.Seq2[zen.Chunk, error] {
	return func(yield func(zen.Chunk, error) bool) {
		for ctx.Err() == nil && yield(zen.Chunk{Text: strings.Repeat("much ", 1000)}, nil) {
		}
	}
}

// An answer without an end, which no model gives, is an error and not a whole one.
func TestAnswerWithoutAnEnd(t *testing.T) {
	s := serve(t, zentest.Script())
	require.Equal(t, 500, s.post(t, "/v1/chat/completions", say("hi")).status)
}

func TestShutdownLetsAnswersEnd(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, gated(release))
	answers := make(chan reply, 2)
	for _, stream := range []string{`"stream":true`, `"stream":false`} {
		go func() { answers <- s.post(t, "/v1/chat/completions", say("hi", stream)) }()
	}
	require.Eventually(t, s.chunks(2), wait, tick)
	ended := make(chan error, 1)
	go func() { ended <- s.handler.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool { return s.do(t, "GET", "/healthz", "").status == 503 }, wait, tick)
	r := s.post(t, "/v1/chat/completions", say("late"))
	require.Equal(t, 503, r.status)
	require.Equal(t, "shutting_down", r.fault(t).Code)
	require.Empty(t, ended)
	close(release)
	require.NoError(t, <-ended)
	for range 2 {
		r := <-answers
		require.Equal(t, 200, r.status)
		require.Contains(t, r.body, "last")
	}
	require.NoError(t, s.handler.Shutdown(context.Background()))
}

func TestShutdownEndsWhatTakesTooLong(t *testing.T) {
	s := serve(t, gated(nil))
	answers := map[string]chan reply{"true": make(chan reply, 1), "false": make(chan reply, 1)}
	for stream, answer := range answers {
		go func() { answer <- s.post(t, "/v1/chat/completions", say("hi", `"stream":`+stream)) }()
	}
	require.Eventually(t, s.chunks(2), wait, tick)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.handler.Shutdown(ctx), context.DeadlineExceeded)
	events := (<-answers["true"]).events(t)
	require.Contains(t, events[1], "first ")
	require.Equal(t, "shutting_down", parseFault(t, events[len(events)-1]).Code)
	whole := <-answers["false"]
	require.Equal(t, 503, whole.status)
	require.Equal(t, "shutting_down", whole.fault(t).Code)
}

// chunks reports whether n have come from the model.
func (s *site) chunks(n int) func() bool { return func() bool { return s.count() >= n } }

// count returns the number of chunks that have come from the model.
func (s *site) count() int {
	s.reports.mu.Lock()
	defer s.reports.mu.Unlock()
	return s.reports.chunks
}

func TestObserverHearsOfEverything(t *testing.T) {
	s := serve(t, loadNano(t))
	r := s.post(t, "/v1/chat/completions", say("What is the capital of France?", `"temperature":0`, `"stream":true`))
	s.do(t, "GET", "/nothing", "")
	s.do(t, "GET", "/healthz", "")
	reports := s.reports.wait(t, 2)
	require.Equal(t, 2, s.reports.begun)
	got := reports[0]
	require.Equal(t, r.header.Get("X-Request-Id"), got.ID)
	require.Equal(t, []any{"chat", true, 200, "stop", 18, 9, -1, nil, ""},
		[]any{got.Endpoint, got.Streamed, got.Status, got.FinishReason, got.Usage.PromptTokens, got.Usage.CompletionTokens, got.Key, got.Err, got.Code})
	require.Positive(t, got.FirstChunk)
	require.Greater(t, got.Duration, got.FirstChunk)
	require.Positive(t, got.Timings.Prefill)
	require.Equal(t, []any{"", 404, "not_found"}, []any{reports[1].Endpoint, reports[1].Status, reports[1].Code})
}

// An observer that panics loses what it was told, and no more.
func TestObserverMayPanic(t *testing.T) {
	s := serve(t, zentest.Script(zentest.Text("a")), server.WithObserver(panicking{}))
	require.Equal(t, 200, s.post(t, "/v1/chat/completions", say("hi")).status)
}

type panicking struct{}

func (panicking) Begin(string)                      { panic("begin") }
func (panicking) Chunk(string, bool, time.Duration) { panic("chunk") }
func (panicking) End(server.Report)                 { panic("end") }

// A thousand connections are open at once, each with a request under way.
func TestAThousandConnections(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 100
	}
	release := make(chan struct{})
	nano := loadNano(t, zen.WithQueue(n))
	for name, g := range map[string]zen.Generator{"fake": gated(release), "nano": nano} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, g)
			var wg sync.WaitGroup
			const body = `{"prompt":"Once","temperature":0,"max_tokens":2,"stream":true}`
			answers := make([]string, n)
			begin := time.Now()
			for i := range n {
				conn := s.dial(t, raw("/v1/completions", body, len(body)))
				wg.Go(func() {
					resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
					if err != nil {
						answers[i] = err.Error()
						return
					}
					data, err := io.ReadAll(resp.Body)
					answers[i] = fmt.Sprint(resp.StatusCode, err, strings.Count(string(data), "data: "), strings.HasSuffix(string(data), "data: [DONE]\n\n"))
				})
			}
			if name == "fake" {
				require.Eventually(t, s.chunks(n), wait, tick)
				close(release)
			}
			wg.Wait()
			t.Logf("%d connections in %v", n, time.Since(begin))
			for _, a := range answers {
				require.Equal(t, answers[0], a)
				require.Contains(t, a, "200")
				require.Contains(t, a, "true")
			}
			s.reports.wait(t, n)
		})
	}
	require.Eventually(t, idle(nano), wait, tick)
}
