// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// TestAttentionScratchDoesNotGrowWithContext prefills 40 rows and decodes one
// over contexts up to 32,768.
func TestAttentionScratchDoesNotGrowWithContext(t *testing.T) {
	const heads, kvHeads, headDim, pageSize = 8, 1, 16, 64
	b, err := New(Options{Workers: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	// One page stands for all: what it holds does not matter here.
	page := func() *tensor.Tensor {
		p, err := b.Alloc(tensor.F16, 1, kvHeads, pageSize, headDim)
		require.NoError(t, err)
		return p
	}
	kv := backend.KV{K: page(), V: page()}
	x := tensor.FromFloat32(make([]float32, 41*heads*headDim), 41, heads, headDim)
	out := tensor.FromFloat32(make([]float32, 41*heads*headDim), 41, heads, headDim)
	floats := func(length int) int {
		var batch backend.Batch
		batch.Append(make([]int32, 40), length, make([]int32, length/pageSize+1))
		batch.Append(make([]int32, 1), length, make([]int32, length/pageSize+1))
		b.Begin(&batch)
		b.Attention(out, x, kv, 1, 0)
		s := &b.pool.workers[0].attentionScratch
		return cap(s.query) + cap(s.rows) + cap(s.keys) + cap(s.values) + cap(s.scores) + cap(s.sum) + cap(s.total)
	}
	short := floats(64)
	require.Equal(t, short, floats(4096))
	require.Equal(t, short, floats(32768))
	require.Less(t, 4*short, 256<<10)
}
