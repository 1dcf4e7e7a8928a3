// SPDX-License-Identifier: Apache-2.0

package engine

import "time"

// Stats is a snapshot of an engine.
type Stats struct {
	Running, Waiting int // tasks

	// Pages of the KV cache: held by tasks and sessions, of them by several,
	// holding a prefix that nobody holds, and all.
	PagesUsed, PagesShared, PagesIdle, PagesTotal int

	Steps       int64         // forward passes run
	Tokens      int64         // rows of all steps, prompts and completions
	Busy        time.Duration // time spent in steps
	Preemptions int64         // tasks whose pages were taken

	Started   int64         // tasks taken up
	QueueTime time.Duration // they waited, together

	OfferedTokens  int64 // first tokens of tasks, of sessions' those of several, that could be another's
	CachedTokens   int64 // of them, those that did not have to be computed
	SampledTokens  int64
	DraftTokens    int64 // guessed and fed
	AcceptedTokens int64 // of them, those that came true

	TokensPerSecond float64 // sampled, in the last seconds

	ScratchBytes int // scratch memory held
}

// record is what an engine counts.
type record struct {
	Stats
	rate meter
}

// begun counts a task that is taken up.
func (r *record) begun(t *Task) {
	r.Started++
	r.QueueTime += t.Times.Started.Sub(t.Times.Submitted)
	if t.Sequence == nil || t.pending() > 1 {
		r.OfferedTokens += int64(t.pending())
	}
}

// meter counts events of the last meterSeconds whole seconds.
type meter struct {
	counts [meterSeconds + 1]int // by second
	latest int64                 // second of the latest event
	first  int64                 // second of the first event
}

const meterSeconds = 10

func (m *meter) add(now time.Time, n int) {
	m.advance(now.Unix())
	m.counts[m.latest%int64(len(m.counts))] += n
}

// advance clears the seconds without events up to now.
func (m *meter) advance(now int64) {
	if m.first == 0 {
		m.first, m.latest = now, now
	}
	for range min(now-m.latest, int64(len(m.counts))) {
		m.latest++
		m.counts[m.latest%int64(len(m.counts))] = 0
	}
	m.latest = max(m.latest, now)
}

// rate returns the events in a second.
func (m *meter) rate(now time.Time) float64 {
	if m.first == 0 {
		return 0
	}
	m.advance(now.Unix())
	n := 0
	for _, c := range m.counts {
		n += c
	}
	begin := time.Unix(max(m.first, m.latest-meterSeconds), 0)
	return float64(n) / max(now.Sub(begin).Seconds(), 1)
}

// Stats returns the state after the latest step.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stats.Stats
	s.Waiting = len(e.waiting)
	s.TokensPerSecond = e.stats.rate.rate(time.Now())
	return s
}

// count records a step that begins.
func (e *Engine) count(r *round) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Steps++
	e.stats.Tokens += int64(r.batch.Rows())
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
	cache := e.cfg.Cache
	e.stats.Running = len(e.active)
	e.stats.PagesTotal = cache.Pages()
	e.stats.PagesUsed = cache.Pages() - cache.FreePages()
	e.stats.PagesShared, e.stats.PagesIdle = cache.SharedPages(), cache.IdlePages()
	e.stats.ScratchBytes = e.step.ScratchBytes()
}
