// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/server"
	"github.com/zenlm/zen/server/metrics"
	"github.com/zenlm/zen/zentest"
)

// snippet: use

// newMux offers a model at /v1/ and its metrics at /metrics.
func newMux(model *zen.Model) (*http.ServeMux, error) {
	m := metrics.New(model.Stats)
	h, err := server.Handler(model, server.WithObserver(m))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", h)
	mux.Handle("GET /metrics", m.Handler())
	return mux, nil
}

// end: use

func TestMetricsCountWhatHappened(t *testing.T) {
	model := zentest.Model(t)
	mux, err := newMux(model)
	require.NoError(t, err)
	srv := httptest.NewServer(mux)
	defer srv.Close()
	post := func(path, body string) {
		resp, err := srv.Client().Post(srv.URL+path, "application/json", strings.NewReader(body))
		require.NoError(t, err)
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
	}
	post("/v1/generate", `{"prompt":"the water","max_tokens":5,"ignore_eos":true,"stream":true}`)
	post("/v1/generate", `{"prompt":"the water","max_tokens":5,"ignore_eos":true}`)
	post("/v1/chat/completions", `{"oops":1}`)
	post("/v1/embeddings", `{"input":"river"}`)
	post("/v1/nothing", `{}`)

	got := read(t, srv)
	prompt, err := model.Tokenizer().Encode(nil, "the water")
	require.NoError(t, err)
	river, err := model.Tokenizer().Encode(nil, "river")
	require.NoError(t, err)
	for name, want := range map[string]float64{
		`zen_requests_total{endpoint="generate",status="200"}`:       2,
		`zen_requests_total{endpoint="chat",status="400"}`:           1,
		`zen_requests_total{endpoint="embeddings",status="200"}`:     1,
		`zen_requests_total{endpoint="",status="404"}`:               1,
		`zen_requests_in_flight{endpoint="generate"}`:                0,
		`zen_tokens_total{key="-1",kind="completion"}`:               10,
		`zen_tokens_total{key="-1",kind="prompt"}`:                   float64(2*len(prompt) + len(river)),
		`zen_request_duration_seconds_count{endpoint="generate"}`:    2,
		`zen_time_to_first_chunk_seconds_count{endpoint="generate"}`: 2,
		`zen_queue_seconds_count`:                                    2,
		`zen_model_running`:                                          0,
		`zen_model_kv_pages`:                                         float64(model.Stats().KVPagesTotal),
		`zen_model_kv_pages_idle`:                                    float64(model.Stats().KVPagesIdle),
		`zen_model_reusable_tokens_total`:                            float64(model.Stats().ReusableTokens),
		`zen_model_steps_total`:                                      float64(model.Stats().Steps),
	} {
		value, ok := got[name]
		require.True(t, ok, name)
		require.InDelta(t, want, value, 0, name)
	}
	require.Positive(t, got[`zen_time_between_chunks_seconds_count{endpoint="generate"}`])
	require.Positive(t, got[`zen_time_to_first_chunk_seconds_sum{endpoint="generate"}`])
	require.Contains(t, got, "go_goroutines")
}

var sample = regexp.MustCompile(`^(\S+) (\S+)$`)

// read returns the samples at /metrics.
func read(t *testing.T, srv *httptest.Server) map[string]float64 {
	resp, err := srv.Client().Get(srv.URL + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	got := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if m := sample.FindStringSubmatch(lines.Text()); m != nil {
			value, err := strconv.ParseFloat(m[2], 64)
			require.NoError(t, err)
			got[m[1]] = value
		}
	}
	require.NoError(t, lines.Err())
	return got
}

func TestNamesFollowPrometheus(t *testing.T) {
	m := metrics.New(zentest.Model(t).Stats)
	m.Begin("chat")
	m.End(server.Report{Endpoint: "chat", Status: 200})
	problems, err := testutil.CollectAndLint(m)
	require.NoError(t, err)
	require.Empty(t, problems)
	require.NoError(t, prometheus.NewPedanticRegistry().Register(m))
	require.Zero(t, testutil.CollectAndCount(metrics.New(nil), "zen_model_running"), "no model, no state of one")
}
