// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/tensor"
)

// runStep feeds one batch of the active tasks' tokens and hands out the logits.
// An error is the device's: no further step can run.
func (e *Engine) runStep() error {
	if e.underWay() {
		return e.goOn()
	}
	e.searched = false
	e.schedule()
	e.gather()
	if e.now.batch.Rows() == 0 {
		return nil
	}
	e.count(e.now)
	e.step.Begin(&e.now.batch)
	hidden := e.cfg.Model.Hidden(e.step, e.cfg.Cache)
	if e.leads() {
		if err := e.search(hidden); err != nil {
			return err
		}
		return e.goOn()
	}
	if err := e.deliver(hidden); err != nil {
		return err
	}
	if err := e.step.Sync(); err != nil {
		return err
	}
	e.settle()
	return nil
}

// schedule sets the rows of each active task in this step, and makes room for
// them in the cache: one for each that decodes, prompt tokens in what BatchTokens
// leaves, then drafts in what is left of that.
func (e *Engine) schedule() {
	for _, t := range e.active {
		t.rows = 0
		e.adopt(t)
	}
	room := e.cfg.BatchTokens
	// Preemption shortens the slice from its end.
	for i := 0; i < len(e.active); i++ {
		if t := e.active[i]; t.decoding() {
			if e.reserve(t, 1) {
				t.rows = 1
			}
			room--
		}
	}
	room = e.prefill(max(room, 1))
	for _, t := range e.active {
		if t.rows == 1 && t.decoding() && t.DraftTokens > 0 {
			e.draft(t, room)
			room -= len(t.drafts)
		}
	}
	if len(e.active) == 1 && e.active[0].rows == 0 { // nobody is left to give it pages
		e.end(e.active[0], overloaded(e.full))
	}
}

// prefill shares room rows among the tasks with prompts to read, and returns what
// is left. The first in order gets at least half, so that a stream of short
// prompts cannot hold a long one up; tasks with less to read get up to half, so
// that a long one cannot hold them up.
func (e *Engine) prefill(room int) int {
	e.prefills = e.prefills[:0]
	for _, t := range e.active {
		if t.pending() > 1 {
			e.prefills = append(e.prefills, t)
		}
	}
	if len(e.prefills) == 0 {
		return room
	}
	first, others := e.prefills[0], e.prefills[1:]
	slices.SortFunc(others, func(a, b *Task) int {
		return cmp.Or(cmp.Compare(a.pending(), b.pending()), a.before(b))
	})
	first.rows = min(first.pending(), room)
	shorter, _ := slices.BinarySearchFunc(others, first.pending(), func(t *Task, n int) int {
		return cmp.Compare(t.pending(), n)
	})
	spare := e.share(others[:shorter], room/2)
	first.rows = min(first.pending(), room-room/2+spare)
	left := e.share(others[shorter:], room-room/2+spare-first.rows)
	for i := 0; i < len(e.active); i++ {
		if t := e.active[i]; t.pending() > 1 {
			e.makeRoom(t)
		}
	}
	return left
}

// share gives rows to tasks in turn, and returns what is left. A task whose next
// page another one computes in this step waits to adopt it.
func (e *Engine) share(tasks []*Task, rows int) int {
	for _, t := range tasks {
		if rows > 0 && !e.follows(t) {
			t.rows = min(t.pending(), rows)
			rows -= t.rows
		}
	}
	return rows
}

// makeRoom reserves the rows of a task that reads its prompt, fewer where pages
// are short.
func (e *Engine) makeRoom(t *Task) {
	for t.rows > 0 && !e.reserve(t, t.rows) {
		t.rows /= 2
	}
}

// follows reports whether t would compute a page that a task with rows in this step
// computes.
func (e *Engine) follows(t *Task) bool {
	end := t.fed + kvcache.PageSize
	if !e.cfg.Reuse || t.fed%kvcache.PageSize != 0 || t.nextRow < end {
		return false
	}
	page := t.fed/kvcache.PageSize - 1 // up to there, tasks of the same tokens hold the same pages
	for _, o := range e.prefills {
		if o.rows > 0 && o.fed >= t.fed && o.fed < end && len(o.Tokens) >= end &&
			(page < 0 || t.seq.Pages()[page] == o.seq.Pages()[page]) &&
			slices.Equal(t.Tokens[t.fed:end], o.Tokens[t.fed:end]) {
			return true
		}
	}
	return false
}

// gather fills the batch with the scheduled rows, those of one kind together.
func (e *Engine) gather() {
	e.now.reset()
	for _, states := range []bool{false, true} {
		for _, t := range e.active {
			if t.rows > 0 && (t.Hidden != nil) == states {
				e.add(t)
			}
		}
	}
}

// add puts the task's rows into the batch.
func (e *Engine) add(t *Task) {
	n := t.rows - len(t.drafts)
	e.tokens = append(append(e.tokens[:0], t.Tokens[t.fed:t.fed+n]...), t.drafts...)
	first := e.now.batch.Append(e.tokens, t.seq.Length(), t.seq.Pages())
	for i := max(0, t.nextRow-t.fed); i < t.rows; i++ {
		e.now.batch.OutputRows = append(e.now.batch.OutputRows, int32(first+i))
		e.now.owners = append(e.now.owners, t)
	}
	t.fed += n
	t.reached = max(t.reached, t.fed)
}

// deliver hands the output rows to their tasks, several at once: logits of rows of
// any tasks, or hidden states of one task.
//
//	hidden  [outputRows, hidden]
func (e *Engine) deliver(hidden *tensor.Tensor) error {
	for first, n := 0, 0; first < len(e.now.owners); first += n {
		t := e.now.owners[first]
		for n = 1; first+n < len(e.now.owners); n++ {
			next := e.now.owners[first+n]
			if t.Hidden != nil && next != t || t.Hidden == nil && (next.Hidden != nil || n == e.logitRows) {
				break
			}
		}
		rows := e.step.SliceRows(hidden, first, n)
		e.jobs = e.jobs[:0]
		if t.Hidden != nil {
			if err := e.states(rows, t); err != nil {
				return err
			}
			e.work()
		} else if err := e.rows(rows, e.now.owners[first:first+n]); err != nil {
			return err
		}
	}
	return nil
}

// states makes all hidden states of a task in this step a job.
//
//	hidden  [n, hidden]
func (e *Engine) states(hidden *tensor.Tensor, t *Task) error {
	if grow := hidden.Len() - len(e.hidden); grow > 0 {
		e.hidden = append(e.hidden, make([]float32, grow)...)
	}
	out := e.hidden[:hidden.Len()]
	e.jobs = append(e.jobs, job{task: t, values: out, n: hidden.Dim(0), width: hidden.Dim(1)})
	return e.download(out, hidden)
}

// parallelLogits is from how many logits on waking helpers pays: sampling a row
// of 32,768 takes about as long as waking one. Candidates of a row take as long as
// siftedLogits.
const (
	parallelLogits = 1 << 15
	siftedLogits   = 1 << 13
)

// work does the jobs.
func (e *Engine) work() {
	logits := 0
	for _, j := range e.jobs {
		logits += len(j.values) + siftedLogits*len(j.candidates)
	}
	e.crew.run(e.jobs, logits >= parallelLogits)
	clear(e.jobs)
	e.jobs = e.jobs[:0]
}

// settle takes back what was fed on guess, ends the tasks that have ended, and lets
// others have what was computed.
func (e *Engine) settle() {
	sampled, drafted, accepted := 0, 0, 0
	for i := 0; i < len(e.active); {
		t := e.active[i]
		i++
		if t.rows == 0 {
			continue
		}
		drafted += len(t.drafts)
		accepted += t.settle()
		sampled += t.sampled
		t.sampled = 0
		if t.ended {
			e.end(t, t.err)
			i--
		} else {
			e.publishPrefix(t)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.rate.add(time.Now(), sampled)
	e.stats.SampledTokens += int64(sampled)
	e.stats.DraftTokens += int64(drafted)
	e.stats.AcceptedTokens += int64(accepted)
}

// hostFloats returns memory that b copies to at its best.
func hostFloats(b backend.Backend, n int) []float32 {
	if h, ok := b.(backend.HostAllocator); ok {
		if m, err := h.AllocHost(4 * n); err == nil {
			return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(m))), n)
		}
	}
	return make([]float32, n)
}

func (e *Engine) download(dst []float32, src *tensor.Tensor) error {
	e.cfg.Backend.Download(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), 4*len(dst)), src)
	return e.step.Sync()
}

// overloaded makes a cache without free pages the caller's ErrOverloaded.
func overloaded(err error) error {
	if errors.Is(err, kvcache.ErrFull) {
		return fmt.Errorf("%w: %w", ErrOverloaded, err)
	}
	return err
}
