// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/zenlm/zen/kvcache"
)

// Task is the work of one sequence: tokens to feed, then whatever Row answers.
// The engine calls Row and Finished on its own goroutine; they must not block.
type Task struct {
	// Ctx ends the task at the next step when it is done.
	Ctx context.Context

	// Sequence is continued if set and stays the caller's; after an error it is
	// as long as before. Otherwise the engine makes one and closes it before
	// Finished.
	Sequence *kvcache.Sequence

	// Tokens are fed first; there is at least one. The engine keeps the slice
	// until Finished.
	Tokens []int32

	// Positions is the most positions the sequence may come to hold. A task waits
	// until the cache has room for them beside the running tasks.
	Positions int

	// FirstRow is the index of the first of Tokens whose logits Row gets; it gets
	// those of all later ones too.
	FirstRow int

	// Row gets the logits [vocab] after a row, valid during the call and free to
	// be changed. Its answer counts once all Tokens are fed: the token to feed
	// next, or the end when more is false.
	Row func(logits []float32) (next int32, more bool, err error)

	// Hidden, if set, takes the place of Row: it gets the final hidden states
	// [n, hidden] of the same rows, in order and in pieces, each valid during the
	// call, and no logits are computed. The task ends once all Tokens are fed.
	Hidden func(states []float32) error

	// Finished is called once, with nil after Row's end and the reason otherwise.
	Finished func(err error)

	// Times are the engine's until Finished, but for Row, which may read them.
	Times Times

	seq     *kvcache.Sequence
	start   int     // length of seq when the task began
	fed     int     // tokens fed
	pending []int32 // tokens to feed
	next    [1]int32
}

// Times are the moments of a task's life, zero where one has not come to pass.
type Times struct {
	Submitted time.Time // queued
	Started   time.Time // taken up
	FirstRow  time.Time // all Tokens fed, their logits at hand
	Latest    time.Time // the latest logits at hand, or the end
}

// begin readies the task for its first step.
func (t *Task) begin(cache *kvcache.Cache) {
	t.Times.Started = time.Now()
	t.seq, t.pending = t.Sequence, t.Tokens
	if t.seq == nil {
		t.seq = cache.NewSequence()
	}
	t.start = t.seq.Length()
}

// release gives back what the task holds, once it has begun.
func (t *Task) release(err error) {
	if t.Sequence == nil {
		t.seq.Close()
	} else if err != nil {
		t.seq.Truncate(t.start)
	}
}

// end tells the task's caller.
func (t *Task) end(err error) {
	t.Times.Latest = time.Now()
	t.Finished(err)
}

// row hands logits, or the hidden states of several rows, to the task and reports
// whether it has ended. last says that no later row has been computed. A panic of
// the caller's code becomes the task's error.
func (t *Task) row(values []float32, last bool) (ended bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			ended, err = true, fmt.Errorf("%w: %v", ErrPanic, p)
		}
	}()
	final := last && len(t.pending) == 0
	if final {
		t.Times.Latest = time.Now()
		if t.Times.FirstRow.IsZero() {
			t.Times.FirstRow = t.Times.Latest
		}
	}
	if t.Hidden != nil {
		err = t.Hidden(values)
		return err != nil || final, err
	}
	next, more, err := t.Row(values)
	if err != nil || !final {
		return err != nil, err
	}
	t.next[0] = next
	t.pending = t.next[:]
	return !more, nil
}

// demand returns the most pages the task may still take.
func (t *Task) demand() int {
	seq := t.seq
	if seq == nil {
		seq = t.Sequence
	}
	if seq == nil {
		return kvcache.PagesFor(t.Positions)
	}
	pages := max(0, kvcache.PagesFor(t.Positions)-len(seq.Pages()))
	if t.Sequence != nil && t.fed == 0 && seq.Length()%kvcache.PageSize != 0 {
		pages++ // a fork may hold the last page too, and Append copies it
	}
	return pages
}
