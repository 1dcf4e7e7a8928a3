// SPDX-License-Identifier: Apache-2.0

package zen

import "time"

// Stats is a snapshot of a model at work.
type Stats struct {
	// Running and Waiting count requests, scores and session calls now.
	Running int `json:"running"`
	Waiting int `json:"waiting"`

	// Requests counts those that ended, with what they read and wrote in tokens.
	Requests         int64 `json:"requests"`
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`

	// KVPages counts pages of 32 positions. Those used are held by running
	// requests and open sessions, those shared by several of them; those idle hold
	// the beginning of an earlier request and are given up when they are needed.
	// The rest are free.
	KVPagesUsed   int `json:"kv_pages_used"`
	KVPagesShared int `json:"kv_pages_shared"`
	KVPagesIdle   int `json:"kv_pages_idle"`
	KVPagesTotal  int `json:"kv_pages_total"`

	// Queued counts the requests, scores and session calls that have begun, and
	// QueueTime the time they waited before, together.
	Queued    int64         `json:"queued"`
	QueueTime time.Duration `json:"queue_ns"`
	// Preemptions counts how often a running request gave its memory to another
	// and computed anew what was lost.
	Preemptions int64 `json:"preemptions"`
	// ReusableTokens counts those of prompts, texts, scores and session calls that
	// append several, and CachedTokens those of them that did not have to be
	// computed; see WithPrefixReuse.
	ReusableTokens int64 `json:"reusable_tokens"`
	CachedTokens   int64 `json:"cached_tokens"`
	// DraftTokens counts the tokens guessed, AcceptedTokens those that came true.
	DraftTokens    int64 `json:"draft_tokens"`
	AcceptedTokens int64 `json:"accepted_tokens"`
	// TokensPerSecond is the rate of all answers together in the last ten seconds.
	TokensPerSecond float64 `json:"tokens_per_second"`

	// Steps counts forward passes, StepTokens the tokens they computed and Busy
	// the time they took.
	Steps      int64         `json:"steps"`
	StepTokens int64         `json:"step_tokens"`
	Busy       time.Duration `json:"busy_ns"`

	// ScratchBytes is the memory activations hold.
	ScratchBytes int `json:"scratch_bytes"`
}

// HitRate returns the share of reusable tokens that did not have to be computed, 0
// before there were any.
func (s Stats) HitRate() float64 {
	if s.ReusableTokens == 0 {
		return 0
	}
	return float64(s.CachedTokens) / float64(s.ReusableTokens)
}

// Stats returns the model's state after its latest step.
func (m *Model) Stats() Stats {
	e := m.engine.Stats()
	return Stats{
		Running: e.Running, Waiting: e.Waiting,
		Requests:         m.counters.requests.Load(),
		PromptTokens:     m.counters.promptTokens.Load(),
		CompletionTokens: m.counters.completionTokens.Load(),
		KVPagesUsed:      e.PagesUsed, KVPagesShared: e.PagesShared,
		KVPagesIdle: e.PagesIdle, KVPagesTotal: e.PagesTotal,
		Queued: e.Started, QueueTime: e.QueueTime, Preemptions: e.Preemptions,
		ReusableTokens: e.OfferedTokens, CachedTokens: e.CachedTokens,
		DraftTokens: e.DraftTokens, AcceptedTokens: e.AcceptedTokens, TokensPerSecond: e.TokensPerSecond,
		Steps: e.Steps, StepTokens: e.Tokens, Busy: e.Busy,
		ScratchBytes: e.ScratchBytes,
	}
}
