// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"

	"github.com/zenlm/zen/kvcache"
)

// Tasks are admitted when their prompt fits, not all they may grow to, and pages
// are taken back from the last of them when they run out. Two rules keep that from
// failing a task half way: the first in order can take the pages of all others,
// and what cannot be taken back, because sessions hold it, leaves room for the
// largest of the running tasks.

// insert puts t into the tasks that are in order.
func insert(tasks []*Task, t *Task) []*Task {
	at, _ := slices.BinarySearchFunc(tasks, t, (*Task).before)
	return slices.Insert(tasks, at, t)
}

// take returns the waiting calls and activates waiting tasks while there is
// room for them.
func (e *Engine) take() (calls []func(), closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	calls, e.calls = e.calls, nil
	n := 0
	for n < len(e.waiting) && (e.closed || e.fits(e.waiting[n])) {
		t := e.waiting[n]
		if t.Times.Started.IsZero() {
			t.begin(e.cfg.Cache)
			e.stats.begun(t)
		} else {
			t.begin(e.cfg.Cache)
			e.requeued--
		}
		e.active = insert(e.active, t)
		n++
	}
	e.waiting = slices.Delete(e.waiting, 0, n)
	return calls, e.closed
}

// fits reports whether t may run beside the active tasks. A task alone always
// may, and finds out.
func (e *Engine) fits(t *Task) bool {
	if len(e.active) == 0 {
		return true
	}
	if len(e.active) >= e.cfg.MaxActive {
		return false
	}
	// A page for each task's next ones, so that it is not the first thing a new
	// task does to be preempted.
	free := e.cfg.Cache.FreePages() - len(e.active)
	for _, a := range e.active {
		free -= a.missing(a.pending())
	}
	if t.Sequence != nil {
		need := t.missing(t.Positions - t.Sequence.Length())
		return need <= free && need <= e.unclaimed()
	}
	need := kvcache.PagesFor(len(t.Tokens) + 1)
	if e.cfg.Reuse {
		pages, idle := e.cfg.Cache.Match(t.Tokens[:t.nextRow])
		need -= pages - idle
	}
	return need <= free && t.total() <= e.cfg.Cache.Pages()-e.permanent()
}

// unclaimed returns the pages that may be taken for good: the largest of the
// active tasks can still have all it asks for.
func (e *Engine) unclaimed() int {
	largest := 0
	for _, a := range e.active {
		if a.Sequence == nil {
			largest = max(largest, a.total())
		}
	}
	return e.cfg.Cache.Pages() - e.permanent() - largest
}

// permanent returns the pages that no preemption gives back, with those that
// active tasks of sessions may come to take.
func (e *Engine) permanent() int {
	cache := e.cfg.Cache
	used := cache.Pages() - cache.FreePages()
	clear(e.holds)
	for _, a := range e.active {
		if a.Sequence != nil {
			used += a.missing(a.Positions - a.seq.Length())
			continue
		}
		for _, page := range a.seq.Pages() {
			if e.holds[page]++; int(e.holds[page]) == cache.Holds(page) {
				used-- // held by active tasks alone
			}
		}
	}
	return used
}

// Append makes room for n positions of an empty sequence, beside all that any
// active task may grow to, and waits for it.
func (e *Engine) Append(q *kvcache.Sequence, n int) error {
	return e.Call(func(*kvcache.Cache) error {
		need := kvcache.PagesFor(n)
		if free := e.unclaimed(); need > free {
			return fmt.Errorf("%w: %d positions need %d pages, %d are unclaimed", kvcache.ErrFull, n, need, max(free, 0))
		}
		for len(e.active) > 0 && need > e.cfg.Cache.FreePages() {
			e.preempt(e.active[len(e.active)-1])
		}
		return q.Append(n)
	})
}

// reserve appends n positions to t's sequence, with the pages of tasks after it
// where too few are free. It reports whether there was room.
func (e *Engine) reserve(t *Task, n int) bool {
	for {
		if e.full = t.seq.Append(n); e.full == nil {
			return true
		}
		last := e.active[len(e.active)-1]
		if last == t {
			return false
		}
		e.preempt(last)
	}
}

// preempt takes t's pages and lets it wait for its turn again.
func (e *Engine) preempt(t *Task) {
	e.active = slices.DeleteFunc(e.active, func(a *Task) bool { return a == t })
	e.forget(t)
	e.publishPrefix(t)
	t.release(false)
	t.seq, t.fed, t.drafts = nil, t.start, nil
	e.mu.Lock()
	defer e.mu.Unlock()
	e.waiting = insert(e.waiting, t)
	e.requeued++
	e.stats.Preemptions++
}

// adopt moves t on over what other tasks have computed of its tokens.
func (e *Engine) adopt(t *Task) {
	if !e.cfg.Reuse || t.nextRow <= t.fed {
		return
	}
	t.fed += t.seq.Adopt(t.Tokens[t.fed:t.nextRow])
	if t.fed > t.reached {
		skipped := min(t.fed, len(t.Tokens)) - t.reached
		t.Cached += skipped
		t.reached = t.fed
		e.mu.Lock()
		e.stats.CachedTokens += int64(skipped)
		e.mu.Unlock()
	}
}

// publishPrefix lets other tasks have what t has computed.
func (e *Engine) publishPrefix(t *Task) {
	if e.cfg.Reuse && e.broken == nil {
		t.seq.Publish(t.Tokens[:min(t.fed, len(t.Tokens))])
	}
}
