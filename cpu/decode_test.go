// SPDX-License-Identifier: Apache-2.0

package cpu_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/backend/backendtest"
	"github.com/zenlm/zen/cpu"
	"github.com/zenlm/zen/tensor"
)

// TestDecodeAllocatesNothing runs the operations of one decoder layer for two
// sequences that decode.
func TestDecodeAllocatesNothing(t *testing.T) {
	const hidden, heads, kvHeads, headDim, inner, vocab = 128, 4, 2, 32, 320, 500
	const pages, pageSize = 8, 16
	b := open(t, cpu.Options{Workers: 2})
	s := backend.NewStep(b)
	defer s.Close()
	weight := func(dtype tensor.DType, shape ...int) *tensor.Tensor {
		w, err := b.Alloc(dtype, shape...)
		require.NoError(t, err)
		return w
	}
	table, norm := weight(tensor.BF16, vocab, hidden), weight(tensor.BF16, hidden)
	wq, bq := weight(tensor.BF16, heads*headDim, hidden), weight(tensor.BF16, heads*headDim)
	wk, wo := weight(tensor.F16, kvHeads*headDim, hidden), weight(tensor.F32, hidden, heads*headDim)
	gateUp, down := weight(tensor.I8, inner, hidden), weight(tensor.F32, hidden, inner)
	gateUp.Scales = weight(tensor.F16, inner, hidden/tensor.QuantBlock)
	angles := weight(tensor.F32, pages*pageSize, headDim)
	kv := backend.KV{K: weight(tensor.F16, pages, kvHeads, pageSize, headDim),
		V: weight(tensor.F16, pages, kvHeads, pageSize, headDim)}
	var batch backend.Batch
	lists := [][]int32{{3, 1, 2, 0}, {4, 5, 7, 6}}
	tokens := []int32{17}
	length := 1
	step := func() {
		batch.Reset()
		for _, pages := range lists {
			row := batch.Append(tokens, length, pages)
			batch.OutputRows = append(batch.OutputRows, int32(row))
		}
		length = length%60 + 1
		s.Begin(&batch)
		n := batch.Rows()
		x, h := s.Tensor(n, hidden), s.Tensor(n, hidden)
		s.Embed(x, table)
		s.RMSNorm(h, x, norm, 1e-6)
		q, o := s.Tensor(n, heads, headDim), s.Tensor(n, heads, headDim)
		k, v := s.Tensor(n, kvHeads, headDim), s.Tensor(n, kvHeads, headDim)
		s.MatMul(s.View(q, n, heads*headDim), h, wq, bq)
		s.MatMul(s.View(k, n, kvHeads*headDim), h, wk, nil)
		s.MatMul(s.View(v, n, kvHeads*headDim), h, wk, nil)
		s.RotaryAppend(q, k, v, angles, kv)
		s.Attention(o, q, kv, 0.2, 0)
		s.MatMul(h, s.View(o, n, heads*headDim), wo, nil)
		s.Add(x, x, h)
		gate, up := s.Tensor(n, inner), s.Tensor(n, inner)
		s.MatMul(gate, x, gateUp, nil)
		s.MatMul(up, x, gateUp, nil)
		s.SwiGLU(gate, gate, up)
		s.MatMul(h, gate, down, nil)
		s.SelectRows(x, h)
		logits := s.Tensor(n, vocab)
		s.MatMul(logits, x, table, nil)
		if err := s.Sync(); err != nil {
			t.Error(err)
		}
	}
	for range 70 {
		step() // every length once: slabs and scratch have their final sizes
	}
	require.Zero(t, testing.AllocsPerRun(100, step))
}

func BenchmarkBackend(b *testing.B) {
	backendtest.Bench(b, func(b *testing.B) backend.Backend {
		dev, err := cpu.New(cpu.Options{})
		require.NoError(b, err)
		return dev
	})
}

func ExampleNew() {
	b, err := cpu.New(cpu.Options{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close()

	x := tensor.FromFloat32([]float32{1, 2, 3}, 1, 3)
	w := tensor.FromFloat32([]float32{
		1, 0, 1,
		0, 2, 0,
	}, 2, 3)
	dst := tensor.FromFloat32(make([]float32, 2), 1, 2)

	s := backend.NewStep(b)
	defer s.Close()
	s.Begin(&backend.Batch{})
	s.MatMul(dst, x, w, nil)
	fmt.Println(s.Sync(), tensor.Slice[float32](dst))
	// Output: <nil> [4 4]
}
