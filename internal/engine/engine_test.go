// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/kvcache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// generate runs a task of the counting model: it answers prompt with as many
// tokens as asked for.
func generate(e *engine.Engine, ctx context.Context, prompt []int32, tokens int) ([]int32, error) {
	var out []int32
	task := &engine.Task{Ctx: ctx, Tokens: prompt, FirstRow: len(prompt) - 1, Positions: len(prompt) + tokens}
	answer(task, func(logits []float32) (int32, bool, error) {
		next := int32(slices.Index(logits, 1))
		out = append(out, next)
		return next, len(out) < tokens, nil
	})
	return out, wait(e, task)
}

// answer sets a Row that answers with the next token.
func answer(task *engine.Task, row func(logits []float32) (next int32, more bool, err error)) *engine.Task {
	task.Row = func(logits []float32) (bool, error) {
		next, more, err := row(logits)
		if more && err == nil {
			task.Tokens = append(task.Tokens, next)
		}
		return more, err
	}
	return task
}

// wait submits a task and waits for its end.
func wait(e *engine.Engine, task *engine.Task) error {
	done := make(chan error, 1)
	task.Finished = func(err error) { done <- err }
	if err := e.Submit(task); err != nil {
		return err
	}
	return <-done
}

// submit submits a task and returns where its end will come.
func submit(t *testing.T, e *engine.Engine, task *engine.Task) chan error {
	t.Helper()
	done := make(chan error, 1)
	task.Finished = func(err error) { done <- err }
	require.NoError(t, e.Submit(task))
	return done
}

// endless returns a task that runs until it is ended.
func endless(ctx context.Context) *engine.Task {
	return answer(&engine.Task{Ctx: ctx, Tokens: []int32{1}, Positions: 1000},
		func([]float32) (int32, bool, error) { return 1, true, nil })
}

func TestTasksCountOnFromTheirPrompts(t *testing.T) {
	r := newRig(t, 16, engine.Config{BatchTokens: 4, MaxActive: 3, MaxWaiting: 100})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			first := int32(i)
			prompt := []int32{9, 9, 9, 9, 9, first}[i%6:]
			got, err := generate(r.engine, t.Context(), prompt, 5)
			if err != nil || !slices.Equal(got, []int32{first + 1, first + 2, first + 3, first + 4, first + 5}) {
				t.Errorf("after %v: %v, %v", prompt, got, err)
			}
		})
	}
	wg.Wait()
	s := r.engine.Stats()
	require.Zero(t, s.Running+s.Waiting+s.PagesUsed)
	require.EqualValues(t, len(r.model.steps), s.Steps)
}

func TestStepsKeepTheirBounds(t *testing.T) {
	r := newRig(t, 64, engine.Config{BatchTokens: 8, MaxActive: 3, MaxWaiting: 100})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { _, _ = generate(r.engine, t.Context(), make([]int32, 21), 7) })
	}
	wg.Wait()
	full := 0
	for _, step := range r.model.steps {
		require.LessOrEqual(t, step.rows, 8)
		require.LessOrEqual(t, len(step.sequences), 3)
		if step.rows == 8 {
			full++
		}
	}
	require.NotZero(t, full)
}

func TestPromptsAreReadInTheOrderTheyCame(t *testing.T) {
	r := newRig(t, 64, engine.Config{BatchTokens: 4, MaxActive: 8, MaxWaiting: 100})
	var order []int
	var wg sync.WaitGroup
	release := r.pause()
	for i := range 6 {
		task := &engine.Task{Ctx: t.Context(), Tokens: make([]int32, 10), FirstRow: 9, Positions: 10}
		answer(task, func([]float32) (int32, bool, error) { return 0, false, nil })
		wg.Add(1)
		task.Finished = func(error) { order = append(order, i); wg.Done() }
		require.NoError(t, r.engine.Submit(task))
	}
	release()
	wg.Wait()
	require.Equal(t, []int{0, 1, 2, 3, 4, 5}, order)
}

func TestATaskGetsTheRowsItAskedFor(t *testing.T) {
	r := newRig(t, 8, engine.Config{BatchTokens: 8, MaxActive: 2, MaxWaiting: 10})
	prompt := make([]int32, 3*engine.LogitRows)
	for i := range prompt {
		prompt[i] = int32(i)
	}
	var rows []int32
	task := &engine.Task{Ctx: t.Context(), Tokens: prompt, FirstRow: 5, Positions: len(prompt)}
	answer(task, func(logits []float32) (int32, bool, error) {
		rows = append(rows, int32(slices.Index(logits, 1))-1)
		return 0, false, nil
	})
	require.NoError(t, wait(r.engine, task))
	require.Equal(t, prompt[5:], rows)
}

func TestOneTasksFailureIsItsOwn(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		row  func([]float32) (int32, bool, error)
		want error
	}{
		"error":         {func([]float32) (int32, bool, error) { return 0, true, boom }, boom},
		"panic":         {func([]float32) (int32, bool, error) { panic("boom") }, engine.ErrPanic},
		"runtime panic": {func(logits []float32) (int32, bool, error) { return int32(logits[len(logits)]), true, nil }, engine.ErrPanic},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 8, engine.Config{BatchTokens: 8, MaxActive: 4, MaxWaiting: 10})
			var wg sync.WaitGroup
			wg.Go(func() {
				got, err := generate(r.engine, t.Context(), []int32{1}, 20)
				if err != nil || len(got) != 20 {
					t.Errorf("the other task: %v, %v", got, err)
				}
			})
			err := wait(r.engine, answer(&engine.Task{Ctx: t.Context(), Tokens: []int32{1, 2}, FirstRow: 1, Positions: 9}, c.row))
			require.ErrorIs(t, err, c.want)
			wg.Wait()
			require.Zero(t, r.engine.Stats().PagesUsed)
		})
	}
}

func TestAGoroutineExitInRowEndsEveryTaskInsteadOfHanging(t *testing.T) {
	r := newRig(t, 8, engine.Config{BatchTokens: 8, MaxActive: 4, MaxWaiting: 10})
	err := wait(r.engine, answer(&engine.Task{Ctx: t.Context(), Tokens: []int32{1}, Positions: 9},
		func([]float32) (int32, bool, error) { runtime.Goexit(); return 0, false, nil }))
	require.ErrorIs(t, err, engine.ErrPanic)
	_, err = generate(r.engine, t.Context(), []int32{1}, 2)
	require.ErrorIs(t, err, engine.ErrPanic)
	require.Zero(t, r.engine.Stats().PagesUsed)
}

func TestAFailedModelEndsEveryTask(t *testing.T) {
	r := newRig(t, 8, engine.Config{BatchTokens: 8, MaxActive: 4, MaxWaiting: 10})
	r.model.fail = "scratch of the wrong shape"
	_, err := generate(r.engine, t.Context(), []int32{1}, 2)
	require.ErrorIs(t, err, engine.ErrPanic)
	require.ErrorContains(t, err, r.model.fail)
	_, err = generate(r.engine, t.Context(), []int32{1}, 2)
	require.ErrorIs(t, err, engine.ErrPanic)
	require.Zero(t, r.engine.Stats().PagesUsed)
}

func TestWhoWaitsForATaskSeesItsPagesFree(t *testing.T) {
	r := newRig(t, 8, engine.Config{BatchTokens: 8, MaxActive: 4, MaxWaiting: 10})
	for i := range 200 {
		_, err := generate(r.engine, t.Context(), []int32{1, 2, 3}, 2)
		require.NoError(t, err)
		s := r.engine.Stats()
		require.Zero(t, s.PagesUsed+s.Running, "task %d", i)
		require.EqualValues(t, 2*(i+1), s.Steps)
		require.EqualValues(t, 4*(i+1), s.Tokens)
	}
}

func TestWhoWaitsForACallSeesItCounted(t *testing.T) {
	r := newRig(t, 16, engine.Config{BatchTokens: 8, MaxActive: 1, MaxWaiting: 1})
	q := r.sequence(t)
	resume := r.pause()
	var wg sync.WaitGroup
	for range 8 { // which run one after the other, before anything else
		wg.Go(func() {
			assert.NoError(t, r.engine.Call(func(*kvcache.Cache) error {
				time.Sleep(time.Millisecond)
				return q.Append(kvcache.PageSize)
			}))
			assert.Positive(t, r.engine.Stats().PagesUsed)
		})
	}
	time.Sleep(10 * time.Millisecond)
	resume()
	wg.Wait()
	require.Equal(t, 8, r.engine.Stats().PagesUsed)
}

func TestATaskWaitsUntilTheCacheHasRoom(t *testing.T) {
	r := newRig(t, 4, engine.Config{BatchTokens: 64, MaxActive: 8, MaxWaiting: 100})
	var wg sync.WaitGroup
	for range 10 { // three pages each, so one at a time
		wg.Go(func() {
			if _, err := generate(r.engine, t.Context(), make([]int32, 60), 20); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, step := range r.model.steps {
		require.Len(t, step.sequences, 1)
	}
}

func TestATaskThatFindsNoPageIsOverloaded(t *testing.T) {
	r := newRig(t, 4, engine.Config{BatchTokens: 64, MaxActive: 8, MaxWaiting: 100})
	held := r.hold(t, 3*kvcache.PageSize)
	out, err := generate(r.engine, t.Context(), make([]int32, 30), 10)
	require.ErrorIs(t, err, engine.ErrOverloaded)
	require.ErrorIs(t, err, kvcache.ErrFull)
	require.Len(t, out, 3) // positions 30, 31 and what follows them
	held()
	_, err = generate(r.engine, t.Context(), make([]int32, 30), 10)
	require.NoError(t, err)
}

func TestAppendLeavesRunningTasksTheirPages(t *testing.T) {
	r := newRig(t, 4, engine.Config{BatchTokens: 64, MaxActive: 8, MaxWaiting: 100})
	q := r.sequence(t)
	started, resume := make(chan struct{}), make(chan struct{})
	n := 0
	task := &engine.Task{Ctx: t.Context(), Tokens: []int32{1}, Positions: 3 * kvcache.PageSize}
	answer(task, func([]float32) (int32, bool, error) {
		if n++; n == 1 {
			close(started)
			<-resume
		}
		return 1, n < 3*kvcache.PageSize, nil
	})
	done := make(chan error, 1)
	task.Finished = func(err error) { done <- err }
	require.NoError(t, r.engine.Submit(task))
	<-started
	result := make(chan error, 1)
	go func() { result <- r.engine.Append(q, 2*kvcache.PageSize) }()
	time.Sleep(50 * time.Millisecond) // so that the call waits for the step
	close(resume)
	require.ErrorIs(t, <-result, engine.ErrOverloaded)
	require.NoError(t, <-done)
	require.NoError(t, r.engine.Append(q, 2*kvcache.PageSize))
}

func TestCancelledTasksEndAtTheNextStep(t *testing.T) {
	r := newRig(t, 64, engine.Config{BatchTokens: 4, MaxActive: 1, MaxWaiting: 100})
	ctx, cancel := context.WithCancel(t.Context())
	r.model.onStep = func(n int) {
		if n == 3 {
			cancel()
		}
	}
	_, err := generate(r.engine, ctx, make([]int32, 400), 1)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualValues(t, 3, r.engine.Stats().Steps)
	require.Zero(t, r.engine.Stats().PagesUsed)
}

func TestCancelledTasksLeaveTheQueue(t *testing.T) {
	r := newRig(t, 64, engine.Config{BatchTokens: 4, MaxActive: 1, MaxWaiting: 1})
	resume := r.stopInStep(1)
	running, stop := context.WithCancel(t.Context())
	first := submit(t, r.engine, endless(running))
	<-r.stopped
	ctx, cancel := context.WithCancel(t.Context())
	second := submit(t, r.engine, endless(ctx))
	require.ErrorIs(t, r.engine.Submit(endless(t.Context())), engine.ErrOverloaded)
	require.Equal(t, 1, r.engine.Stats().Waiting)
	cancel()
	resume()
	require.ErrorIs(t, <-second, context.Canceled)
	require.Zero(t, r.engine.Stats().Waiting)
	stop()
	require.ErrorIs(t, <-first, context.Canceled)
}

func TestSequencesAreAsLongAsBeforeAfterAnError(t *testing.T) {
	r := newRig(t, 8, engine.Config{BatchTokens: 4, MaxActive: 2, MaxWaiting: 10})
	q := r.sequence(t)
	feed := func(ctx context.Context, n int, row error) error {
		n += q.Length()
		return wait(r.engine, answer(&engine.Task{Ctx: ctx, Sequence: q, Tokens: make([]int32, n), FirstRow: n - 1,
			Positions: n}, func([]float32) (int32, bool, error) { return 0, false, row }))
	}
	require.NoError(t, feed(t.Context(), 40, nil))
	require.Error(t, feed(t.Context(), 40, fmt.Errorf("no")))
	require.Equal(t, 40, q.Length())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, feed(ctx, 40, nil), context.Canceled)
	require.Equal(t, 40, q.Length())
	require.Equal(t, 2, r.engine.Stats().PagesUsed)
}

func TestCloseEndsWhatRunsAndWhatWaits(t *testing.T) {
	r := newRig(t, 64, engine.Config{BatchTokens: 4, MaxActive: 2, MaxWaiting: 100})
	resume := r.stopInStep(5)
	var ends []chan error
	for range 10 {
		ends = append(ends, submit(t, r.engine, endless(t.Context())))
	}
	<-r.stopped
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(r.engine.Close)
	}
	ignored := endless(t.Context())
	ignored.Finished = func(error) {}
	for r.engine.Submit(ignored) == nil {
		ignored = &engine.Task{Ctx: t.Context(), Tokens: ignored.Tokens, Finished: ignored.Finished}
	}
	resume()
	wg.Wait()
	for _, end := range ends {
		require.ErrorIs(t, <-end, engine.ErrClosed)
	}
	require.ErrorIs(t, r.engine.Submit(ignored), engine.ErrClosed)
	require.ErrorIs(t, r.engine.Call(func(*kvcache.Cache) error { return nil }), engine.ErrClosed)
	require.Zero(t, r.engine.Stats().PagesUsed)
}

func TestAPanicInACallIsItsError(t *testing.T) {
	r := newRig(t, 8, engine.Config{BatchTokens: 4, MaxActive: 2, MaxWaiting: 10})
	err := r.engine.Call(func(*kvcache.Cache) error { panic("truncate 9 of 3") })
	require.ErrorIs(t, err, engine.ErrPanic)
	_, err = generate(r.engine, t.Context(), []int32{1}, 2)
	require.NoError(t, err)
}

func TestDecodingAllocatesNothing(t *testing.T) {
	r := newRig(t, 64, engine.Config{BatchTokens: 4, MaxActive: 2, MaxWaiting: 10})
	r.model.quiet = true
	const tokens = 1000
	var before, after runtime.MemStats
	n := 0
	task := &engine.Task{Ctx: t.Context(), Tokens: []int32{1}, Positions: tokens + 1}
	answer(task, func([]float32) (int32, bool, error) {
		if n++; n == 100 {
			runtime.ReadMemStats(&before)
		}
		return 1, n < tokens, nil
	})
	require.NoError(t, wait(r.engine, task))
	runtime.ReadMemStats(&after)
	require.Less(t, float64(after.Mallocs-before.Mallocs)/(tokens-100), 0.1)
}
