// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/kvcache"
)

// prompt submits a task that reads n tokens, and returns where the number of the
// step that gave its first token will come.
func (r *rig) prompt(t *testing.T, n int) chan int {
	t.Helper()
	done := make(chan int, 1)
	task := &engine.Task{Ctx: t.Context(), Tokens: make([]int32, n), FirstRow: n - 1, Positions: n}
	task.Row = func([]float32) (bool, error) { return false, nil }
	task.Finished = func(err error) {
		if err != nil {
			t.Error(err)
		}
		done <- len(r.model.steps)
	}
	require.NoError(t, r.engine.Submit(task))
	return done
}

// A long prompt in progress delays other streams' tokens by no more than the chunk
// budget: they get one in every step, and no step is larger.
func TestALongPromptDoesNotDelayStreams(t *testing.T) {
	const budget = 16
	r := newRig(t, 200, engine.Config{BatchTokens: budget, MaxActive: 8, MaxWaiting: 100, Reuse: true})
	release := r.pause()
	var streams [3][]int // the step of each token
	var wg sync.WaitGroup
	for i := range streams {
		task := &engine.Task{Ctx: t.Context(), Tokens: []int32{1}, Positions: 202}
		task.Row = func([]float32) (bool, error) {
			streams[i] = append(streams[i], len(r.model.steps))
			task.Tokens = append(task.Tokens, 1)
			return len(streams[i]) < 200, nil
		}
		wg.Add(1)
		task.Finished = func(error) { wg.Done() }
		require.NoError(t, r.engine.Submit(task))
	}
	done := r.prompt(t, 2000)
	release()
	wg.Wait()
	require.Greater(t, <-done, 2000/budget)
	for _, steps := range streams {
		for i := range steps[1:] {
			require.Equal(t, steps[i]+1, steps[i+1], "no token skips a step")
		}
	}
	for _, s := range r.model.steps {
		require.LessOrEqual(t, s.rows, budget)
	}
}

// Short prompts pass a long one, and a stream of them does not hold it up.
func TestPromptsAreFairToEachOther(t *testing.T) {
	const budget, long = 16, 1600
	r := newRig(t, 400, engine.Config{BatchTokens: budget, MaxActive: 8, MaxWaiting: 1000})
	release := r.pause()
	first := r.prompt(t, long)
	var short []chan int
	for range 200 {
		short = append(short, r.prompt(t, 12))
	}
	release()
	passed := 0
	end := <-first
	for _, s := range short {
		if <-s < end {
			passed++
		}
	}
	require.LessOrEqual(t, end, long/(budget/2)+1, "at least half of every step is the first one's")
	require.Greater(t, passed, 100)
}

// Tasks that outgrow the cache end with what they would have answered alone.
func TestTasksGiveWayWhenPagesRunOut(t *testing.T) {
	for _, reuse := range []bool{true, false} {
		r := newRig(t, 8, engine.Config{BatchTokens: 32, MaxActive: 6, MaxWaiting: 100, Reuse: reuse})
		release := r.pause()
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				got, err := generate(r.engine, t.Context(), []int32{int32(i)}, 200) // 7 pages
				if err != nil || len(got) != 200 || got[199] != int32(i+200)%64 {
					t.Errorf("task %d: %d tokens, %v", i, len(got), err)
				}
			})
		}
		for r.engine.Stats().Waiting < 12 {
			runtime.Gosched()
		}
		release()
		wg.Wait()
		s := r.engine.Stats()
		require.Positive(t, s.Preemptions)
		require.Zero(t, s.PagesUsed)
		require.EqualValues(t, 12, s.Started)
		require.EqualValues(t, 12*199, s.SampledTokens)
	}
}

func TestASessionLeavesRunningTasksRoomToGrow(t *testing.T) {
	r := newRig(t, 6, engine.Config{BatchTokens: 64, MaxActive: 8, MaxWaiting: 100})
	q := r.sequence(t)
	release := r.pause()
	running := make(chan error, 1)
	go func() {
		got, err := generate(r.engine, t.Context(), []int32{1}, 4*kvcache.PageSize)
		if len(got) != 4*kvcache.PageSize {
			t.Errorf("%d tokens", len(got))
		}
		running <- err
	}()
	for r.engine.Stats().Waiting == 0 {
		runtime.Gosched()
	}
	session := &engine.Task{Ctx: t.Context(), Sequence: q, Tokens: make([]int32, 90), FirstRow: 89, Positions: 90}
	session.Row = func([]float32) (bool, error) { return false, nil }
	done := submit(t, r.engine, session)
	release()
	require.NoError(t, <-running)
	require.NoError(t, <-done)
	require.Equal(t, 90, q.Length())
}

// Two sessions and a task that come with one text compute it once, but for the last
// page of each, whose last row they need.
func TestSessionsOfOneTextComputeItOnce(t *testing.T) {
	const n = 10 * kvcache.PageSize
	r := newRig(t, 64, engine.Config{BatchTokens: 64, MaxActive: 8, MaxWaiting: 100, Reuse: true})
	text := make([]int32, n)
	for i := range text {
		text[i] = int32(i * 7 % 61)
	}
	sequences := []*kvcache.Sequence{r.sequence(t), r.sequence(t), nil}
	var tasks []*engine.Task
	var ends []chan error
	release := r.pause()
	for _, q := range sequences {
		task := &engine.Task{Ctx: t.Context(), Sequence: q, Tokens: text, FirstRow: n - 1, Positions: n}
		task.Row = func([]float32) (bool, error) { return false, nil }
		tasks, ends = append(tasks, task), append(ends, submit(t, r.engine, task))
	}
	release()
	for _, end := range ends {
		require.NoError(t, <-end)
	}
	rows, cached := 0, 0
	for _, s := range r.model.steps {
		rows += s.rows
	}
	for _, task := range tasks {
		cached += task.Cached
	}
	require.Equal(t, 2*(n-kvcache.PageSize), cached)
	require.Equal(t, 3*n-cached, rows)
	require.Equal(t, sequences[0].Pages()[:9], sequences[1].Pages()[:9])
	require.EqualValues(t, 3*n, r.engine.Stats().OfferedTokens)
}

func TestDeadlinesMoveATaskForward(t *testing.T) {
	r := newRig(t, 64, engine.Config{BatchTokens: 64, MaxActive: 1, MaxWaiting: 100})
	release := r.pause()
	var order []string
	var wg sync.WaitGroup
	add := func(name string, ctx context.Context, priority int) {
		task := &engine.Task{Ctx: ctx, Tokens: []int32{1}, Positions: 1, Priority: priority}
		task.Row = func([]float32) (bool, error) { return false, nil }
		wg.Add(1)
		task.Finished = func(error) { order = append(order, name); wg.Done() }
		require.NoError(t, r.engine.Submit(task))
	}
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	late, stop := context.WithTimeout(t.Context(), time.Hour)
	defer stop()
	add("plain", t.Context(), 0)
	add("late", late, 0)
	add("low", soon, -1)
	add("soon", soon, 0)
	add("high", t.Context(), 1)
	release()
	wg.Wait()
	require.Equal(t, []string{"high", "soon", "plain", "late", "low"}, order)
}

// Rows of several tasks are worked on at once, those of one task one after another.
func TestTasksSampleBesideEachOther(t *testing.T) {
	r := newRigOf(t, 1<<15, 64, engine.Config{BatchTokens: 64, MaxActive: 4, MaxWaiting: 100, Helpers: 3})
	release := r.pause()
	var meeting atomic.Int32
	met := make(chan struct{})
	var ends []chan error
	for range 4 {
		n := 0
		task := &engine.Task{Ctx: t.Context(), Tokens: []int32{1}, Positions: 30}
		answer(task, func(logits []float32) (int32, bool, error) {
			if n++; n == 1 {
				if meeting.Add(1) == 4 {
					close(met)
				}
				select {
				case <-met: // only if four run at once
				case <-time.After(10 * time.Second):
					t.Error("no other task samples")
				}
			}
			return int32(slices.Index(logits, 1)), n < 20, nil
		})
		ends = append(ends, submit(t, r.engine, task))
	}
	release()
	for _, end := range ends {
		require.NoError(t, <-end)
	}
}

func TestAGoroutineExitBesideOthersEndsItsTask(t *testing.T) {
	r := newRigOf(t, 1<<15, 64, engine.Config{BatchTokens: 64, MaxActive: 4, MaxWaiting: 100, Helpers: 3})
	release := r.pause()
	var ends []chan error
	for i := range 4 {
		task := &engine.Task{Ctx: t.Context(), Tokens: []int32{1}, Positions: 30}
		n := 0
		answer(task, func([]float32) (int32, bool, error) {
			if n++; n == 3 && i%2 == 0 {
				runtime.Goexit()
			}
			return 1, n < 20, nil
		})
		ends = append(ends, submit(t, r.engine, task))
	}
	release()
	require.ErrorIs(t, <-ends[0], engine.ErrPanic)
	require.ErrorIs(t, <-ends[2], engine.ErrPanic)
	for _, end := range []chan error{ends[1], ends[3]} {
		if err := <-end; err != nil { // where the exit was the engine's goroutine
			require.ErrorIs(t, err, engine.ErrPanic)
		}
	}
	require.Eventually(t, func() bool { return r.engine.Stats().PagesUsed == 0 }, 5*time.Second, time.Millisecond)
}
