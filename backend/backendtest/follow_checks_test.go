// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// follower is the CPU as a Follower that computes a step as soon as it is given.
type follower struct {
	sifting
	found   [][]backend.Candidates
	tokens  []int32 // of the latest search
	late    bool    // equal elements: the last
	swapped bool    // tokens of rows
	zero    bool    // rows without a largest element have one
	stale   bool    // results of the latest search, not of the first
}

func (f *follower) Begin(b *backend.Batch) {
	f.found = nil
	f.Backend.Begin(b)
}

func (f *follower) Search(x *tensor.Tensor) {
	rows := make([]backend.Candidates, x.Dim(0))
	f.tokens = f.tokens[:0]
	for i := range rows {
		row := tensor.Slice[float32](x.Rows(i, 1))
		values := make([]float64, len(row))
		for j, v := range row {
			values[j] = float64(v)
		}
		at := firstLargest(values)
		if f.zero && at < 0 {
			at = 0
		}
		f.tokens = append(f.tokens, int32(max(at, 0)))
		if at < 0 {
			continue
		}
		for j := range row {
			if f.late && row[j] == row[at] {
				at = j
			}
		}
		rows[i] = backend.Candidates{IDs: []int32{int32(at)}, Values: row[at:][:1], Floor: row[at]}
	}
	f.found = append(f.found, rows)
}

func (f *follower) Follow(b *backend.Batch) {
	batch := *b
	batch.Tokens = slices.Clone(b.Tokens)
	for i, t := range b.Tokens {
		if batch.Tokens[i] = f.tokens[-1-t]; f.swapped {
			batch.Tokens[i] = f.tokens[i]
		}
	}
	f.Backend.Begin(&batch)
}

func (f *follower) Found(dst []backend.Candidates) {
	if f.stale {
		f.found[0] = f.found[len(f.found)-1]
	}
	copy(dst, f.found[0])
	f.found = f.found[1:]
	if f.change != nil {
		for i := range dst {
			f.change(&dst[i])
		}
	}
}

func TestFollowChecksCatch(t *testing.T) {
	failures := func(defect follower) []string {
		var r recorder
		for _, c := range followChecks() {
			c.run(&r, func() backend.Backend {
				f := defect
				f.Backend = openCPU()
				return &f
			})
		}
		return r.failures
	}
	require.Empty(t, failures(follower{}))
	for name, defect := range map[string]follower{
		"the last of equals":      {late: true},
		"tokens in another order": {swapped: true},
		"one where there is none": {zero: true},
		"another step's":          {stale: true},
		"none":                    {sifting: sifting{change: func(c *backend.Candidates) { *c = backend.Candidates{} }}},
		"another id": {sifting: sifting{change: func(c *backend.Candidates) {
			if len(c.IDs) > 0 {
				c.IDs = []int32{c.IDs[0] + 1}
			}
		}}},
		"another value": {sifting: sifting{change: func(c *backend.Candidates) { c.Values = []float32{7} }}},
		"another floor": {sifting: sifting{change: func(c *backend.Candidates) { c.Floor++ }}},
	} {
		require.NotEmpty(t, failures(defect), name)
	}
}
