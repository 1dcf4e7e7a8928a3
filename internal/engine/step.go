// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/tensor"
)

// runStep feeds one batch of the active tasks' tokens and hands out the logits.
// An error is the device's: no further step can run.
func (e *Engine) runStep() error {
	e.gather()
	if e.batch.Rows() == 0 {
		return nil
	}
	e.count()
	e.step.Begin(&e.batch)
	hidden := e.cfg.Model.Hidden(e.step, e.cfg.Cache)
	if err := e.deliver(hidden); err != nil {
		return err
	}
	return e.step.Sync()
}

// gather fills the batch: every decoding task's one token, and as much of the
// prompts as fits beside them, the earliest first.
func (e *Engine) gather() {
	e.batch.Reset()
	e.owners = e.owners[:0]
	decoding := 0
	for _, t := range e.active {
		if len(t.pending) == 1 {
			decoding++
		}
	}
	room := max(e.cfg.BatchTokens-decoding, 1) // rows left for prompts
	for i := 0; i < len(e.active); {
		t := e.active[i]
		n := len(t.pending)
		if n > 1 {
			n = min(n, room)
			room -= n
		}
		if err := t.seq.Append(n); err != nil {
			e.end(t, overloaded(err))
			continue
		}
		if n > 0 {
			e.add(t, n)
		}
		i++
	}
}

// add puts the task's next n tokens into the batch.
func (e *Engine) add(t *Task, n int) {
	first := e.batch.Append(t.pending[:n], t.seq.Length(), t.seq.Pages())
	for i := max(0, t.FirstRow-t.fed); i < n; i++ {
		e.batch.OutputRows = append(e.batch.OutputRows, int32(first+i))
		e.owners = append(e.owners, t)
	}
	t.pending = t.pending[n:]
	t.fed += n
}

// deliver hands the output rows to their tasks, several at once: logits of rows of
// any tasks, or hidden states of one task.
//
//	hidden  [outputRows, hidden]
func (e *Engine) deliver(hidden *tensor.Tensor) error {
	for first, n := 0, 0; first < len(e.owners); first += n {
		t := e.owners[first]
		for n = 1; first+n < len(e.owners); n++ {
			next := e.owners[first+n]
			if t.Hidden != nil && next != t || t.Hidden == nil && (next.Hidden != nil || n == LogitRows) {
				break
			}
		}
		rows := e.step.SliceRows(hidden, first, n)
		if t.Hidden != nil {
			if err := e.states(rows, t); err != nil {
				return err
			}
		} else if err := e.rows(rows, first); err != nil {
			return err
		}
	}
	return nil
}

// rows computes the logits of output rows from first on and hands them out.
//
//	hidden  [n, hidden]
func (e *Engine) rows(hidden *tensor.Tensor, first int) error {
	vocab := e.cfg.Model.Config().VocabSize
	mark := e.step.Mark()
	logits := e.cfg.Model.Logits(e.step, hidden)
	out := e.logits[:logits.Len()]
	err := e.download(out, logits)
	e.step.Release(mark)
	if err != nil {
		return err
	}
	for i := range hidden.Dim(0) {
		row := first + i
		t := e.owners[row]
		if !slices.Contains(e.active, t) {
			continue // an earlier row ended it
		}
		last := row+1 == len(e.owners) || e.owners[row+1] != t
		e.hand(t, out[i*vocab:][:vocab:vocab], last)
	}
	return nil
}

// states hands a task all its hidden states of the step.
//
//	hidden  [n, hidden]
func (e *Engine) states(hidden *tensor.Tensor, t *Task) error {
	if grow := hidden.Len() - len(e.hidden); grow > 0 {
		e.hidden = append(e.hidden, make([]float32, grow)...)
	}
	out := e.hidden[:hidden.Len()]
	if err := e.download(out, hidden); err != nil {
		return err
	}
	e.hand(t, out, true)
	return nil
}

func (e *Engine) hand(t *Task, values []float32, last bool) {
	if ended, err := t.row(values, last); ended {
		e.end(t, err)
	}
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
