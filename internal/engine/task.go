// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/kvcache"
)

// Task is the work of one sequence: tokens to feed, then whatever Row adds to
// them. Row, Hidden and Finished are called one at a time, though not always on
// the same goroutine; they must not block.
type Task struct {
	// Ctx ends the task at the next step when it is done. Its deadline moves the
	// task forward in the queue.
	Ctx context.Context

	// Priority lets tasks of a higher number go before others.
	Priority int

	// Sequence is continued if set and stays the caller's; after an error it is
	// as long as before. Otherwise the engine makes one and closes it before
	// Finished.
	Sequence *kvcache.Sequence

	// Tokens are the text from its start. Those the Sequence does not hold are to
	// be fed; there is at least one. Row appends to them. The engine may feed them
	// again: when it needs the memory of a running task without a Sequence, that
	// task gives up its keys and values and later computes them anew.
	Tokens []int32

	// Positions is the most positions the sequence may come to hold.
	Positions int

	// FirstRow is the index of the first of Tokens whose logits Row gets, which the
	// Sequence does not hold; it gets those of all later ones too, each once.
	FirstRow int

	// DraftTokens is how many tokens may be guessed beyond the last and fed with
	// it. Row sees the logits after a guess only once it has appended that token.
	DraftTokens int

	// Row gets the logits [vocab] after a row, valid during the call and free to
	// be changed. After the last of Tokens its answer counts: it has appended the
	// next token, or the task ends when more is false.
	Row func(logits []float32) (more bool, err error)

	// Candidates, if set, may be called in Row's place, with the largest logits of a
	// row, to be changed as it likes: it answers as Row would, or it reports that they
	// do not do, having done nothing, and Row is called.
	Candidates func(c backend.Candidates) (ok, more bool, err error)

	// Temperature is that of the Parts which Candidates needs, or 0.
	Temperature float32

	// MinCandidates is how many are enough for Candidates, or 0 where more are better.
	MinCandidates int

	// Hidden, if set, takes the place of Row: it gets the final hidden states
	// [n, hidden] of the same rows, in order and in pieces, each valid during the
	// call, and no logits are computed. The task ends once all Tokens are fed.
	Hidden func(states []float32) error

	// Finished is called once, with nil after Row's end and the reason otherwise.
	Finished func(err error)

	// Times and Cached are the engine's until Finished, but for Row, which may
	// read them. Cached counts the Tokens whose keys and values another task had
	// computed.
	Times  Times
	Cached int

	number  uint64    // in the order of submission
	due     time.Time // when it should have begun
	seq     *kvcache.Sequence
	start   int // length of seq when the task began
	fed     int // Tokens in the cache, guesses apart
	reached int // most Tokens that have been
	nextRow int // index of the next of Tokens whose row is due

	rows    int     // of this step: Tokens, then drafts
	drafts  []int32 // of this step
	drafter drafter
	sampled int  // tokens, in this step
	refused bool // its latest row's candidates did not do, in a step that goOn had
	ended   bool
	err     error
}

// Times are the moments of a task's life, zero where one has not come to pass.
type Times struct {
	Submitted time.Time // queued
	Started   time.Time // taken up
	FirstRow  time.Time // all Tokens fed, their logits at hand
	Latest    time.Time // the latest logits at hand, or the end
}

// patience is after what time a task without an earlier deadline is due. It bounds
// how long those with one can go before it.
const patience = time.Minute

// queue readies the task for the queue.
func (t *Task) queue(number uint64) {
	t.Times.Submitted = time.Now()
	t.number, t.nextRow = number, t.FirstRow
	t.due = t.Times.Submitted.Add(patience)
	if deadline, ok := t.Ctx.Deadline(); ok && deadline.Before(t.due) {
		t.due = deadline
	}
}

// before orders tasks: the first keeps its pages the longest.
func (t *Task) before(o *Task) int {
	if c := cmp.Compare(o.Priority, t.Priority); c != 0 {
		return c
	}
	if c := t.due.Compare(o.due); c != 0 {
		return c
	}
	return cmp.Compare(t.number, o.number)
}

// begin readies the task for its first step, or the first after it was preempted.
func (t *Task) begin(cache *kvcache.Cache) {
	if t.Times.Started.IsZero() {
		t.Times.Started = time.Now()
	}
	if t.seq = t.Sequence; t.seq == nil {
		t.seq = cache.NewSequence()
	}
	t.start = t.seq.Length()
	t.fed, t.reached = t.start, max(t.reached, t.start)
}

// release gives back what the task holds, once it has begun.
func (t *Task) release(keep bool) {
	switch {
	case t.Sequence == nil:
		t.seq.Close()
	case !keep:
		t.seq.Truncate(t.start)
	}
	t.rows = 0
}

// end tells the task's caller, who may use the task again from then on.
func (t *Task) end(err error) {
	t.Times.Latest = time.Now()
	t.Finished(err)
}

// pending returns the number of Tokens to feed.
func (t *Task) pending() int { return len(t.Tokens) - t.fed }

// decoding reports whether the task only waits for its next token.
func (t *Task) decoding() bool { return t.pending() == 1 }

// take hands the task the logits of its next n rows, or their hidden states.
//
//	values  [n, width]
func (t *Task) take(values []float32, n, width int) {
	t.guard(func() {
		if t.Hidden != nil {
			t.states(values, n)
			return
		}
		for ; n > 0 && !t.ended && t.valid(); n-- {
			t.row(values[:width:width])
			values = values[width:]
		}
	})
}

// sift hands the task candidates of its next rows and returns for how many they did.
func (t *Task) sift(rows []backend.Candidates) (done int) {
	t.guard(func() {
		for done < len(rows) && !t.ended && t.valid() && t.candidates(rows[done]) {
			done++
		}
	})
	return done
}

// guard calls f. A panic of the caller's code, or its exit, becomes the task's error.
func (t *Task) guard(f func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		t.ended, t.err = true, fmt.Errorf("%w: a goroutine exit", ErrPanic)
		if p := recover(); p != nil {
			t.err = fmt.Errorf("%w: %v", ErrPanic, p)
		}
	}()
	f()
	returned = true
}

// valid reports whether the next row is one of Tokens: a draft must have become
// one.
func (t *Task) valid() bool {
	if t.nextRow >= len(t.Tokens) {
		return false
	}
	draft := t.nextRow - t.fed
	return draft < 0 || draft < len(t.drafts) && t.Tokens[t.nextRow] == t.drafts[draft]
}

func (t *Task) row(logits []float32) {
	final := t.final()
	t.nextRow++
	before := len(t.Tokens)
	more, err := t.Row(logits)
	t.answered(final, before, more, err)
}

// candidates reports whether they did in the row's place.
func (t *Task) candidates(c backend.Candidates) bool {
	if len(c.IDs) == 0 {
		return false
	}
	final, before := t.final(), len(t.Tokens)
	ok, more, err := t.Candidates(c)
	if ok {
		t.nextRow++
		t.answered(final, before, more, err)
	}
	return ok
}

// final reports whether the next row is that of the last of Tokens.
func (t *Task) final() bool {
	final := t.nextRow == len(t.Tokens)-1
	if final {
		t.arrived()
	}
	return final
}

// answered records what the task said of a row, when it had so many tokens before.
func (t *Task) answered(final bool, before int, more bool, err error) {
	t.refused = false
	switch {
	case err != nil || final && !more:
		t.ended, t.err = true, err
	case final && len(t.Tokens) != before+1:
		t.ended, t.err = true, fmt.Errorf("%w: Row appended %d tokens", ErrPanic, len(t.Tokens)-before)
	case final:
		t.sampled++
	}
}

func (t *Task) states(values []float32, n int) {
	if t.nextRow += n; t.nextRow == len(t.Tokens) {
		t.arrived()
		t.ended = true
	}
	if err := t.Hidden(values); err != nil {
		t.ended, t.err = true, err
	}
}

// arrived records that the last row is at hand.
func (t *Task) arrived() {
	t.Times.Latest = time.Now()
	if t.Times.FirstRow.IsZero() {
		t.Times.FirstRow = t.Times.Latest
	}
}

// settle takes drafts that did not become tokens out of the cache, and counts
// those that did.
func (t *Task) settle() (accepted int) {
	if len(t.drafts) == 0 {
		return 0
	}
	for accepted < len(t.drafts) && t.fed+accepted < len(t.Tokens) && t.Tokens[t.fed+accepted] == t.drafts[accepted] {
		accepted++
	}
	t.fed += accepted
	t.seq.Truncate(t.fed)
	t.drafter.learn(len(t.drafts), accepted)
	t.drafts = nil
	return accepted
}

// total returns the pages of all positions the task may come to hold.
func (t *Task) total() int { return kvcache.PagesFor(t.Positions) }

// missing returns the pages that n more positions need.
func (t *Task) missing(n int) int {
	seq := t.seq
	if seq == nil {
		seq = t.Sequence
	}
	if seq == nil {
		return kvcache.PagesFor(n)
	}
	pages := max(0, kvcache.PagesFor(seq.Length()+n)-len(seq.Pages()))
	if t.Sequence != nil && t.fed == t.start && seq.Length()%kvcache.PageSize != 0 {
		pages++ // a fork may hold the last page too, and Append copies it
	}
	return pages
}
