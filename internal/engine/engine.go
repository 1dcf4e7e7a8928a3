// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/model"
	"github.com/zenlm/zen/tensor"
)

// What a task can end with besides its own and its context's errors. The texts
// carry the public package's name, which passes them on.
var (
	ErrOverloaded = errors.New("zen: overloaded")
	ErrClosed     = errors.New("zen: model is closed")
	ErrPanic      = errors.New("zen: internal panic")
)

// Config is what an engine runs on. The engine owns all of it until Close.
type Config struct {
	Model   model.Model
	Backend backend.Backend
	Cache   *kvcache.Cache

	BatchTokens int // most rows of a step, at least 1
	MaxActive   int // tasks that share steps, at least 1
	MaxWaiting  int // tasks that may wait for their first step

	Reuse   bool // tasks share the keys and values of equal beginnings
	Helpers int  // goroutines that may sample beside the engine's
}

// Engine is safe for concurrent use.
type Engine struct {
	cfg  Config
	wake chan struct{} // holds a token when the goroutine has something to look at
	done chan struct{} // closed when the goroutine has ended

	mu       sync.Mutex
	waiting  []*Task // in order
	requeued int     // of them, those that have been preempted
	calls    []func()
	closed   bool
	number   uint64 // of the latest task
	stats    record

	// Of the engine's goroutine alone:
	active   []*Task // in order
	prefills []*Task // scratch of a step
	holds    []int32 // [pages] scratch of permanent
	tokens   []int32 // scratch of add
	jobs     []job
	crew     *crew
	step     *backend.Step
	now      *round    // the latest step that was scheduled, or is under way
	next     *round    // the one that follows it
	searched bool      // now ended with a search, which nobody has asked for
	largest  []int32   // columns that the search of now found, -1 where there is none
	logits   []float32 // [LogitRows, vocab]
	hidden   []float32 // [rows, hidden] of one task, as large as was needed
	full     error     // why the latest task found no page
	broken   error     // the failure after which no step can run

	sifter    backend.Sifter       // the backend, or nil
	follower  backend.Follower     // likewise
	sifted    []backend.Candidates // [SiftedRows]
	sifting   *tensor.Tensor       // the rows that they are of
	fetching  sync.Mutex
	fetch     []func(i int) []float32 // [SiftedRows] part i of a row
	columns   [][]float32             // [SiftedRows] what was fetched
	spans     []span                  // scratch of rows
	logitRows int                     // most rows whose logits are computed at once
}

// round is the batch of a step and whose its output rows are.
type round struct {
	batch  backend.Batch
	owners []*Task // of each output row, nil where that is not wanted any more
}

func (r *round) reset() {
	r.batch.Reset()
	r.owners = r.owners[:0]
}

// LogitRows bounds the rows whose logits lie in the host's memory at once, and
// SiftedRows those of a Sifter's that are computed at once.
const (
	LogitRows  = 16
	SiftedRows = 64
)

// New starts an engine.
func New(cfg Config) *Engine {
	e := &Engine{
		cfg:       cfg,
		wake:      make(chan struct{}, 1),
		done:      make(chan struct{}),
		step:      backend.NewStep(cfg.Backend),
		logits:    hostFloats(cfg.Backend, LogitRows*cfg.Model.Config().VocabSize),
		logitRows: LogitRows,
		holds:     make([]int32, cfg.Cache.Pages()),
		crew:      newCrew(cfg.Helpers),
		now:       new(round),
		next:      new(round),
	}
	e.follower, _ = cfg.Backend.(backend.Follower)
	if sifter, ok := cfg.Backend.(backend.Sifter); ok {
		e.sifter, e.logitRows = sifter, SiftedRows
		e.sifted, e.columns = make([]backend.Candidates, SiftedRows), make([][]float32, SiftedRows)
		for row := range SiftedRows {
			e.fetch = append(e.fetch, func(i int) []float32 { return e.part(row, i) })
		}
	}
	go e.run()
	return e
}

// Submit queues a task. The error matches ErrClosed or ErrOverloaded, and then
// Finished is not called.
func (e *Engine) Submit(t *Task) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	if waiting := len(e.waiting) - e.requeued; waiting >= e.cfg.MaxWaiting {
		return fmt.Errorf("%w: %d requests are waiting", ErrOverloaded, waiting)
	}
	e.number++
	t.queue(e.number)
	e.waiting = insert(e.waiting, t)
	e.signal()
	return nil
}

// Call runs f on the engine's goroutine between two steps and waits for it; Stats
// then count what f did. f may use the cache. A panic in f comes back as an error.
func (e *Engine) Call(f func(*kvcache.Cache) error) error {
	result := make(chan error, 1)
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return ErrClosed
	}
	e.calls = append(e.calls, func() {
		err := overloaded(protect(func() error { return f(e.cfg.Cache) }))
		e.publish()
		result <- err
	})
	e.signal()
	e.mu.Unlock()
	return <-result
}

// Close refuses new work, ends what waits or runs with ErrClosed, and waits for
// the goroutine. It may be called again.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	e.signal()
	e.mu.Unlock()
	<-e.done
}

// signal wakes the goroutine; e.mu is held or nothing depends on it.
func (e *Engine) signal() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *Engine) run() {
	ended := false
	defer func() {
		if !ended {
			// A caller's Row ran runtime.Goexit, as testing.T.FailNow does, in the
			// middle of a step. Nobody may wait for this goroutine in vain.
			e.broken = fmt.Errorf("%w: a goroutine exit", ErrPanic)
			go e.run()
		}
	}()
	for e.admit() {
		begin := time.Now()
		if err := protect(e.runStep); err != nil {
			e.broken = err
			e.endAll(err)
		}
		e.busy(time.Since(begin))
	}
	_ = e.step.Sync() // a step may be under way that nobody waits for
	e.step.Close()
	e.crew.stop()
	e.publish()
	ended = true
	close(e.done)
}

// admit runs waiting calls and moves waiting tasks to the active ones until
// there is a step to run. It reports false once the engine is closed and empty.
func (e *Engine) admit() bool {
	for {
		calls, closed := e.take()
		for _, call := range calls {
			call()
		}
		if closed {
			e.endAll(ErrClosed)
			return false
		}
		e.endCancelled()
		e.publish()
		if len(e.active) > 0 {
			return true
		}
		if len(calls) == 0 {
			<-e.wake
		}
	}
}

// endCancelled ends the tasks, active or waiting, whose context is done.
func (e *Engine) endCancelled() {
	// Backward, here and below: end takes the task out of the slice.
	for _, t := range slices.Backward(e.active) {
		if err := t.Ctx.Err(); err != nil {
			e.end(t, err)
		} else if e.broken != nil {
			e.end(t, e.broken)
		}
	}
	e.mu.Lock()
	var ended []*Task
	e.waiting = slices.DeleteFunc(e.waiting, func(t *Task) bool {
		if t.Ctx.Err() == nil {
			return false
		}
		ended = append(ended, t)
		if !t.Times.Started.IsZero() {
			e.requeued--
		}
		return true
	})
	e.mu.Unlock()
	for _, t := range ended {
		t.end(t.Ctx.Err())
	}
}

// end takes t from the active tasks and ends it. Whoever waits for that sees
// what it held as free.
func (e *Engine) end(t *Task, err error) {
	e.active = slices.DeleteFunc(e.active, func(a *Task) bool { return a == t })
	e.forget(t)
	e.publishPrefix(t)
	t.release(err == nil)
	e.publish()
	t.end(err)
}

func (e *Engine) endAll(err error) {
	for _, t := range slices.Backward(e.active) {
		e.end(t, err)
	}
}

// protect returns f's error, or its panic as one.
func protect(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrPanic, p)
		}
	}()
	return f()
}
