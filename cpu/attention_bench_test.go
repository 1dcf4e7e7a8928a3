// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// attentionShape is a model's heads.
type attentionShape struct {
	name                    string
	heads, kvHeads, headDim int
}

var attentionShapes = []attentionShape{{"0.5B", 14, 2, 64}, {"3B", 16, 2, 128}}

// BenchmarkAttention is one layer's attention: of a token that is decoded, where
// the layers' caches together are larger than a second-level cache, and of a chunk
// of a prompt. The rate is of keys and values.
func BenchmarkAttention(b *testing.B) {
	for _, shape := range attentionShapes {
		for _, cache := range []tensor.DType{tensor.F16, tensor.BF16, tensor.F32, tensor.I8} {
			for _, rows := range []int{1, 128} {
				for _, length := range []int{512, 4096, 32768} {
					for _, workers := range []int{1, 2} {
						b.Run(fmt.Sprintf("model=%s/cache=%v/rows=%d/length=%d/workers=%d", shape.name, cache, rows, length, workers),
							func(b *testing.B) { benchAttention(b, shape, cache, rows, length, workers) })
					}
				}
			}
		}
	}
}

func benchAttention(b *testing.B, shape attentionShape, cache tensor.DType, rows, length, workers int) {
	const pageSize = 32
	dev, err := New(Options{Workers: workers})
	require.NoError(b, err)
	defer dev.Close()
	pages := length / pageSize
	var layers []backend.KV
	for bytes := 0; bytes < 32<<20; {
		kv := backend.KV{K: benchCache(b, dev, cache, pages, shape.kvHeads, pageSize, shape.headDim),
			V: benchCache(b, dev, cache, pages, shape.kvHeads, pageSize, shape.headDim)}
		bytes += kv.K.Bytes() + kv.V.Bytes()
		layers = append(layers, kv)
	}
	q, err := dev.Alloc(tensor.F32, rows, shape.heads, shape.headDim)
	require.NoError(b, err)
	for i := range tensor.Slice[float32](q) {
		tensor.Slice[float32](q)[i] = float32(i%13)/13 - 0.5
	}
	dst, err := dev.Alloc(tensor.F32, rows, shape.heads, shape.headDim)
	require.NoError(b, err)
	list := make([]int32, pages)
	for i := range list {
		list[i] = int32(i)
	}
	var batch backend.Batch
	batch.Append(make([]int32, rows), length, list)
	dev.Begin(&batch)
	b.SetBytes(int64(2 * layers[0].K.Bytes()))
	layer := 0
	for b.Loop() {
		dev.Attention(dst, q, layers[layer], 0.1, 0)
		layer = (layer + 1) % len(layers)
	}
	visible := rows*(length-rows) + rows*(rows+1)/2
	b.ReportMetric(4*float64(shape.heads*shape.headDim*visible)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// benchCache returns keys or values of some content.
func benchCache(b *testing.B, dev *Backend, dtype tensor.DType, shape ...int) *tensor.Tensor {
	t, err := dev.Alloc(dtype, shape...)
	require.NoError(b, err)
	if dtype == tensor.I8 {
		t.Scales, err = dev.Alloc(tensor.F16, shape[0], shape[1], shape[2], backend.KVScales(shape[3]))
		require.NoError(b, err)
	}
	m := cacheOf(t)
	row := make([]float32, m.width)
	for i := range t.Len() / m.width {
		for j := range row {
			row[j] = float32((i*7+j*3)%29)/29 - 0.5
		}
		m.narrow(i, row)
	}
	return t
}
