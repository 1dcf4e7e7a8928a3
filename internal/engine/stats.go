// SPDX-License-Identifier: Apache-2.0

package engine

import "time"

// Stats is a snapshot of an engine.
type Stats struct {
	Running, Waiting int // tasks

	PagesUsed, PagesTotal int // of the KV cache

	Steps  int64         // forward passes run
	Tokens int64         // rows of all steps, prompts and completions
	Busy   time.Duration // time spent in steps

	ScratchBytes int // scratch memory held
}

// Stats returns the state after the latest step.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stats
	s.Waiting = len(e.waiting)
	return s
}

// count records a step that begins.
func (e *Engine) count() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Steps++
	e.stats.Tokens += int64(e.batch.Rows())
}

// busy records the time of a step that has ended.
func (e *Engine) busy(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Busy += d
}

// publish records what runs and what the cache holds.
func (e *Engine) publish() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Running = len(e.active)
	e.stats.PagesTotal = e.cfg.Cache.Pages()
	e.stats.PagesUsed = e.stats.PagesTotal - e.cfg.Cache.FreePages()
	e.stats.ScratchBytes = e.step.ScratchBytes()
}
