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

	// KVPages counts pages of 32 positions; those used are held by running
	// requests and open sessions.
	KVPagesUsed  int `json:"kv_pages_used"`
	KVPagesTotal int `json:"kv_pages_total"`

	// Steps counts forward passes, StepTokens the tokens they computed and Busy
	// the time they took.
	Steps      int64         `json:"steps"`
	StepTokens int64         `json:"step_tokens"`
	Busy       time.Duration `json:"busy_ns"`

	// ScratchBytes is the memory activations hold.
	ScratchBytes int `json:"scratch_bytes"`
}

// Stats returns the model's state after its latest step.
func (m *Model) Stats() Stats {
	e := m.engine.Stats()
	return Stats{
		Running: e.Running, Waiting: e.Waiting,
		Requests:         m.counters.requests.Load(),
		PromptTokens:     m.counters.promptTokens.Load(),
		CompletionTokens: m.counters.completionTokens.Load(),
		KVPagesUsed:      e.PagesUsed, KVPagesTotal: e.PagesTotal,
		Steps: e.Steps, StepTokens: e.Tokens, Busy: e.Busy,
		ScratchBytes: e.ScratchBytes,
	}
}
