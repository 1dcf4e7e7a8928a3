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

func (c *chaser) Follow(b *backend.Batch) {
	c.steps = append(c.steps, b.Rows())
	c.Begin(b)
}

func (c *chaser) Found(dst []backend.Candidates) {
	copy(dst, c.found[0])
	c.found = c.found[1:]
}

// greedy returns a task that takes n tokens from candidates.
func greedy(q *kvcache.Sequence, prompt []int32, n int, end error) *engine.Task {
	task := &engine.Task{Ctx: context.Background(), Sequence: q, Tokens: prompt, FirstRow: len(prompt) - 1,
		Positions: len(prompt) + 20, MinCandidates: 1}
	taken := 0
	task.Candidates = func(c backend.Candidates) (ok, more bool, err error) {
		task.Tokens = append(task.Tokens, c.IDs[0])
		taken++
		if taken == n {
			return true, false, end
		}
		return true, true, nil
	}
	return task
}

// A caller's sequence holds the tokens that were fed, and none of a step that had begun when
// the task ended.
func TestASequenceEndsWhereItsTaskDoes(t *testing.T) {
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
	q.Close()
}
