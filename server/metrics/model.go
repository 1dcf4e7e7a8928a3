// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/zenlm/zen"
)

// modelMetric is a number of zen.Stats.
type modelMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(zen.Stats) float64
}

func modelMetrics() []modelMetric {
	gauge := func(name, help string, value func(zen.Stats) float64) modelMetric {
		return modelMetric{prometheus.NewDesc("zen_model_"+name, help, nil, nil), prometheus.GaugeValue, value}
	}
	counter := func(name, help string, value func(zen.Stats) float64) modelMetric {
		return modelMetric{prometheus.NewDesc("zen_model_"+name, help, nil, nil), prometheus.CounterValue, value}
	}
	return []modelMetric{
		gauge("running", "Requests that share the model's steps.", func(s zen.Stats) float64 { return float64(s.Running) }),
		gauge("waiting", "Requests that wait for the model.", func(s zen.Stats) float64 { return float64(s.Waiting) }),
		gauge("kv_pages_used", "Pages of the KV cache in use.", func(s zen.Stats) float64 { return float64(s.KVPagesUsed) }),
		gauge("kv_pages", "Pages of the KV cache.", func(s zen.Stats) float64 { return float64(s.KVPagesTotal) }),
		gauge("kv_pages_shared", "Pages of the KV cache that several requests use.", func(s zen.Stats) float64 { return float64(s.KVPagesShared) }),
		gauge("kv_pages_idle", "Pages of the KV cache kept for requests that begin alike.", func(s zen.Stats) float64 { return float64(s.KVPagesIdle) }),
		gauge("scratch_bytes", "Memory of activations.", func(s zen.Stats) float64 { return float64(s.ScratchBytes) }),
		counter("steps_total", "Forward passes.", func(s zen.Stats) float64 { return float64(s.Steps) }),
		counter("step_tokens_total", "Tokens that forward passes computed.", func(s zen.Stats) float64 { return float64(s.StepTokens) }),
		counter("reusable_tokens_total", "Tokens of prompts, texts and scores.", func(s zen.Stats) float64 { return float64(s.ReusableTokens) }),
		counter("cached_tokens_total", "Those of them found in the KV cache.", func(s zen.Stats) float64 { return float64(s.CachedTokens) }),
		counter("draft_tokens_total", "Tokens guessed ahead.", func(s zen.Stats) float64 { return float64(s.DraftTokens) }),
		counter("accepted_tokens_total", "Guesses that came true.", func(s zen.Stats) float64 { return float64(s.AcceptedTokens) }),
		counter("preemptions_total", "Times a running request gave its memory to another.", func(s zen.Stats) float64 { return float64(s.Preemptions) }),
		counter("busy_seconds_total", "Time in forward passes.", func(s zen.Stats) float64 { return s.Busy.Seconds() }),
	}
}
