// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a server under test, with a client of its own.
type site struct {
	*httptest.Server
	handler *server.Server
	reports *reports
}

// serve starts a server over g.
func serve(t testing.TB, g zen.Generator, opts ...server.Option) *site {
	t.Helper()
	s := &site{reports: &reports{}}
	h, err := server.Handler(g, append([]server.Option{server.WithObserver(s.reports)}, opts...)...)
	require.NoError(t, err)
	s.handler = h
	s.Server = httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// loadNano loads zen-nano until the test ends.
func loadNano(t testing.TB, opts ...zen.Option) *zen.Model {
	t.Helper()
	m, err := nano.Load(t.Context(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// reply is an answer of a server.
type reply struct {
	status int
	header http.Header
	body   string
}

// post sends a JSON body, with headers in pairs.
func (s *site) post(t testing.TB, path, body string, headers ...string) reply {
	t.Helper()
	return s.do(t, http.MethodPost, path, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

func (s *site) do(t testing.TB, method, path, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return reply{resp.StatusCode, resp.Header, string(data)}
}

// fault is the error a reply must hold.
type fault struct {
	Message, Type, Param, Code string
}

func (r reply) fault(t testing.TB) fault {
	t.Helper()
	require.Equal(t, "application/json", r.header.Get("Content-Type"), r.body)
	return parseFault(t, r.body)
}

func parseFault(t testing.TB, body string) fault {
	t.Helper()
	var keys map[string]map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &keys), body)
	require.Len(t, keys, 1)
	require.Len(t, keys["error"], 4, body)
	var f struct{ Error fault }
	require.NoError(t, json.Unmarshal([]byte(body), &f))
	require.NotEmpty(t, f.Error.Message)
	require.NotEmpty(t, f.Error.Type)
	return f.Error
}

// parse reads a successful reply.
func parse[T any](t testing.TB, r reply) (v T) {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, r.body)
	require.NoError(t, json.Unmarshal([]byte(r.body), &v), r.body)
	return v
}

// events returns the data of a stream's events, and checks the framing.
func (r reply) events(t testing.TB) []string {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, r.body)
	require.Equal(t, "text/event-stream; charset=utf-8", r.header.Get("Content-Type"))
	return splitEvents(t, r.body)
}

func splitEvents(t testing.TB, body string) (events []string) {
	t.Helper()
	require.True(t, strings.HasSuffix(body, "\n\n"), "%q", body)
	for event := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		data, ok := strings.CutPrefix(event, "data: ")
		require.True(t, ok, "%q", event)
		require.NotContains(t, data, "\n")
		events = append(events, data)
	}
	return events
}

// reports collects what an observer hears.
type reports struct {
	mu     sync.Mutex
	begun  int
	chunks int
	ended  []server.Report
}

func (r *reports) Begin(string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun++
}

func (r *reports) Chunk(string, bool, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chunks++
}

func (r *reports) End(report server.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, report)
}

// wait returns the reports once there are n.
func (r *reports) wait(t testing.TB, n int) []server.Report {
	t.Helper()
	var all []server.Report
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		all = append(all[:0], r.ended...)
		return len(all) >= n
	}, time.Minute, time.Millisecond)
	require.Len(t, all, n)
	return all
}

// say is a chat request of one message, with more fields.
func say(text string, more ...string) string {
	fields := append([]string{`"messages":[{"role":"user","content":` + quote(text) + `}]`}, more...)
	return "{" + strings.Join(fields, ",") + "}"
}

func quote(s string) string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// floats reads little-endian float32.
func floats(data []byte) (v []float32) {
	for ; len(data) >= 4; data = data[4:] {
		v = append(v, math.Float32frombits(binary.LittleEndian.Uint32(data)))
	}
	return v
}
