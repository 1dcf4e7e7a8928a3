// SPDX-License-Identifier: Apache-2.0

// Package metrics gives the requests of a server.Handler, and the state of its
// model, to Prometheus. It is a module of its own, so that the server needs none of
// Prometheus' modules.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/server"
)

// Metrics is a server.Observer and a prometheus.Collector. It is safe for
// concurrent use.
type Metrics struct {
	stats func() zen.Stats // nil for none

	inFlight *prometheus.GaugeVec     // endpoint
	requests *prometheus.CounterVec   // endpoint, status
	duration *prometheus.HistogramVec // endpoint
	first    *prometheus.HistogramVec // endpoint
	next     *prometheus.HistogramVec // endpoint
	queue    prometheus.Histogram
	tokens   *prometheus.CounterVec // kind, key
}

var (
	_ server.Observer      = (*Metrics)(nil)
	_ prometheus.Collector = (*Metrics)(nil)
)

// New returns the metrics of a server, and those of stats, such as a Model's method
// Stats, unless it is nil.
func New(stats func() zen.Stats) *Metrics {
	histogram := func(name, help string, buckets []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}
	}
	long := prometheus.ExponentialBuckets(0.005, 2, 17)  // 5 ms to 5.5 min
	short := prometheus.ExponentialBuckets(0.001, 2, 14) // 1 ms to 8 s
	endpoint := []string{"endpoint"}
	return &Metrics{
		stats: stats,
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "zen_requests_in_flight",
			Help: "Requests being answered."}, endpoint),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "zen_requests_total",
			Help: "Requests answered; status 499 is a client that left."}, []string{"endpoint", "status"}),
		duration: prometheus.NewHistogramVec(histogram("zen_request_duration_seconds",
			"Time from a request to the end of its answer.", long), endpoint),
		first: prometheus.NewHistogramVec(histogram("zen_time_to_first_chunk_seconds",
			"Time from a request to the first piece of its answer.", long), endpoint),
		next: prometheus.NewHistogramVec(histogram("zen_time_between_chunks_seconds",
			"Time between the pieces of an answer.", short), endpoint),
		queue: prometheus.NewHistogram(histogram("zen_queue_seconds",
			"Time a complete answer waited for its first step.", long)),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "zen_tokens_total",
			Help: "Tokens of complete answers, by kind: prompt, cached (part of prompt), completion; and by number of the key."},
			[]string{"kind", "key"}),
	}
}

// Handler returns a handler for the path that Prometheus reads: these metrics, with
// those of the Go runtime and of the process. Whoever has a registry registers the
// Metrics there instead.
func (m *Metrics) Handler() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(m, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

// Begin counts a request in.
func (m *Metrics) Begin(endpoint string) { m.inFlight.WithLabelValues(endpoint).Inc() }

// Chunk counts a piece of an answer.
func (m *Metrics) Chunk(endpoint string, first bool, wait time.Duration) {
	h := m.next
	if first {
		h = m.first
	}
	h.WithLabelValues(endpoint).Observe(wait.Seconds())
}

// End counts a request out.
func (m *Metrics) End(r server.Report) {
	m.inFlight.WithLabelValues(r.Endpoint).Dec()
	m.requests.WithLabelValues(r.Endpoint, strconv.Itoa(r.Status)).Inc()
	m.duration.WithLabelValues(r.Endpoint).Observe(r.Duration.Seconds())
	if r.Usage == (zen.Usage{}) {
		return
	}
	if r.FinishReason != "" {
		m.queue.Observe(r.Timings.Queue.Seconds())
	}
	key := strconv.Itoa(r.Key)
	m.tokens.WithLabelValues("prompt", key).Add(float64(r.Usage.PromptTokens))
	m.tokens.WithLabelValues("cached", key).Add(float64(r.Usage.CachedTokens))
	m.tokens.WithLabelValues("completion", key).Add(float64(r.Usage.CompletionTokens))
}

// Describe sends the descriptions of all metrics.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	for _, c := range m.collectors() {
		c.Describe(out)
	}
	if m.stats != nil {
		for _, s := range modelMetrics() {
			out <- s.desc
		}
	}
}

// Collect sends all metrics.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	for _, c := range m.collectors() {
		c.Collect(out)
	}
	if m.stats == nil {
		return
	}
	stats := m.stats()
	for _, s := range modelMetrics() {
		out <- prometheus.MustNewConstMetric(s.desc, s.kind, s.value(stats))
	}
}

func (m *Metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.inFlight, m.requests, m.duration, m.first, m.next, m.queue, m.tokens}
}
