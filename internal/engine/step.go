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
	for first := 0; first < len(e.owners); first += LogitRows {
		if err := e.deliver(hidden, first, min(LogitRows, len(e.owners)-first)); err != nil {
			return err
		}
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

// deliver computes the logits of n output rows and hands them to their tasks.
//
//	hidden  [outputRows, hidden]
func (e *Engine) deliver(hidden *tensor.Tensor, first, n int) error {
	vocab := e.cfg.Model.Config().VocabSize
	mark := e.step.Mark()
	logits := e.cfg.Model.Logits(e.step, e.step.SliceRows(hidden, first, n))
	out := e.logits[:n*vocab]
	e.cfg.Backend.Download(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(out))), 4*len(out)), logits)
	e.step.Release(mark)
	if err := e.step.Sync(); err != nil {
		return err
	}
	for i := range n {
		row := first + i
		t := e.owners[row]
		if !slices.Contains(e.active, t) {
			continue // an earlier row ended it
		}
		last := row+1 == len(e.owners) || e.owners[row+1] != t
		if ended, err := t.row(out[i*vocab:][:vocab:vocab], last); ended {
			e.end(t, err)
		}
	}
	return nil
}

// overloaded makes a cache without free pages the caller's ErrOverloaded.
func overloaded(err error) error {
	if errors.Is(err, kvcache.ErrFull) {
		return fmt.Errorf("%w: %w", ErrOverloaded, err)
	}
	return err
}
