// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu"
	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/tensor"
)

// chaser is the CPU as a Follower of the counting model's logits.
type chaser struct {
	backend.Backend
	tokens []int32 // of the latest search
	found  [][]backend.Candidates
	steps  []int // rows of those that followed
}

func (c *chaser) Largest([]backend.Candidates, *tensor.Tensor, int) {}

func (c *chaser) Search(x *tensor.Tensor) {
	c.tokens = c.tokens[:0]
	var rows []backend.Candidates
	for i := range x.Dim(0) {
		at := int32(slices.Index(tensor.Slice[float32](x.Rows(i, 1)), 1))
		c.tokens = append(c.tokens, at)
		rows = append(rows, backend.Candidates{IDs: []int32{at}, Values: []float32{1}, Floor: 1})
	}
	c.found = append(c.found, rows)
}

func (c *chaser) Begin(b *backend.Batch) {
	c.found = nil
	c.Backend.Begin(b)
}

func (c *chaser) Follow(b *backend.Batch) {
	c.steps = append(c.steps, b.Rows())
	c.Backend.Begin(b)
}

func (c *chaser) Found(dst []backend.Candidates) {
	copy(dst, c.found[0])
	c.found = c.found[1:]
}

// newChase returns an engine whose steps follow one another.
func newChase(t *testing.T) (*rig, *chaser) {
	b, err := cpu.New(cpu.Options{Workers: 1})
	require.NoError(t, err)
	c := &chaser{Backend: b}
	r := newRigOn(t, c, 64, 8, engine.Config{BatchTokens: 8, MaxActive: 2, MaxWaiting: 2})
	r.model.resolve = func(token int32) int32 {
		if token < 0 {
			token = c.tokens[-1-token]
		}
		return token
	}
	return r, c
}

// greedy returns a task that takes n tokens from candidates.
func greedy(q *kvcache.Sequence, prompt []int32, n int, end error) *engine.Task {
	task := &engine.Task{Ctx: context.Background(), Sequence: q, Tokens: prompt, FirstRow: len(prompt) - 1,
		Positions: len(prompt) + 20, MinCandidates: 1}
	first := len(prompt)
	take := func(id int32) (more bool, err error) {
		if task.Tokens = append(task.Tokens, id); len(task.Tokens) < first+n {
			return true, nil
		}
		return false, end
	}
	task.Row = func(logits []float32) (bool, error) { return take(int32(slices.Index(logits, 1))) }
	task.Candidates = func(c backend.Candidates) (ok, more bool, err error) {
		more, err = take(c.IDs[0])
		return true, more, err
	}
	return task
}

// A caller's sequence holds the tokens that were fed, and none of a step that had begun when
// the task ended.
func TestASequenceEndsWhereItsTaskDoes(t *testing.T) {
	r, c := newChase(t)
	q := r.sequence(t)
	task := greedy(q, []int32{3, 4, 5}, 6, nil)
	require.NoError(t, wait(r.engine, task))
	require.Equal(t, []int32{3, 4, 5, 6, 7, 8, 9, 10, 11}, task.Tokens)
	require.Equal(t, 8, q.Length(), "all but the last")
	require.Equal(t, []int{1, 1, 1, 1, 1, 1}, c.steps, "the last one in vain")

	failed := context.DeadlineExceeded
	more := greedy(q, append(slices.Clone(task.Tokens), 12), 3, failed)
	require.ErrorIs(t, wait(r.engine, more), failed)
	require.Equal(t, 8, q.Length(), "as before")
	require.Equal(t, []int32{12, 13, 14, 15}, more.Tokens[9:])
	q.Close()
}

// A task that fails, that panics or that asks for its whole row does not change the next step
// of the other.
func TestTasksThatAreFollowedFailAlone(t *testing.T) {
	for name, candidates := range map[string]func(c backend.Candidates) (ok, more bool, err error){
		"error":   func(backend.Candidates) (bool, bool, error) { return true, false, context.Canceled },
		"panic":   func(backend.Candidates) (bool, bool, error) { panic("a sampler's") },
		"refusal": func(backend.Candidates) (bool, bool, error) { return false, false, nil },
	} {
		r, c := newChase(t)
		release := r.pause()
		steady, other := greedy(nil, []int32{3, 4, 5}, 9, nil), greedy(nil, []int32{20, 21}, 9, nil)
		first, calls := other.Candidates, 0
		other.Candidates = func(c backend.Candidates) (ok, more bool, err error) {
			if calls++; calls == 3 {
				return candidates(c)
			}
			return first(c)
		}
		one, two := submit(t, r.engine, steady), submit(t, r.engine, other)
		release()
		require.NoError(t, <-one, name)
		require.Equal(t, []int32{6, 7, 8, 9, 10, 11, 12, 13, 14}, steady.Tokens[3:], name)
		switch err := <-two; name {
		case "error":
			require.ErrorIs(t, err, context.Canceled)
		case "panic":
			require.ErrorIs(t, err, engine.ErrPanic)
		default:
			require.NoError(t, err)
			require.Equal(t, []int32{22, 23, 24, 25, 26, 27, 28, 29, 30}, other.Tokens[2:])
		}
		require.Contains(t, c.steps, 2, name)
	}
}
