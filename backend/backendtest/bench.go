// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// Bench times the operations that a model's speed hangs on, at the shapes of a
// decoder of 3 billion parameters: MatMul by every weight type for one row and
// for 128, and Attention for decoding and prefill. It reports bytes of weights or
// cache read a second, and GFLOP/s. open returns a fresh backend and Bench
// closes it.
func Bench(b *testing.B, open func(b *testing.B) backend.Backend) {
	for _, weight := range []tensor.DType{tensor.BF16, tensor.F16, tensor.F32, tensor.I8} {
		for _, n := range []int{2048, 11008} {
			for _, m := range []int{1, 128} {
				b.Run(fmt.Sprintf("MatMul/weight=%v/m=%d/k=2048/n=%d", weight, m, n), func(b *testing.B) {
					benchMatMul(b, open(b), weight, m, 2048, n)
				})
			}
		}
	}
	for _, cache := range []tensor.DType{tensor.BF16, tensor.F32} {
		for _, s := range []share{{1, 1024}, {1, 32768}, {128, 128}, {128, 4096}} {
			b.Run(fmt.Sprintf("Attention/cache=%v/rows=%d/length=%d", cache, s.rows, s.length), func(b *testing.B) {
				benchAttention(b, open(b), cache, s)
			})
		}
	}
}

func benchMatMul(b *testing.B, dev backend.Backend, weight tensor.DType, m, k, n int) {
	defer closeBackend(b, dev)
	host := &tensor.Tensor{DType: weight, Shape: []int{n, k}, Storage: repeated(weight, n*k)}
	if weight == tensor.I8 {
		blocks := n * k / tensor.QuantBlock
		host.Scales = &tensor.Tensor{DType: tensor.F16, Shape: []int{n, k / tensor.QuantBlock},
			Storage: repeated(tensor.F16, blocks)}
	}
	w, err := dev.Weight(host)
	if err != nil {
		b.Fatal(err)
	}
	x, dst := alloc(b, dev, tensor.F32, m, k), alloc(b, dev, tensor.F32, m, n)
	dev.Upload(x, repeated(tensor.F32, m*k))
	dev.Begin(&backend.Batch{})
	b.SetBytes(int64(host.Bytes()))
	for b.Loop() {
		dev.MatMul(dst, x, w, nil)
		sync(b, dev)
	}
	reportFlops(b, 2*m*k*n)
}

func benchAttention(b *testing.B, dev backend.Backend, cache tensor.DType, s share) {
	defer closeBackend(b, dev)
	const heads, kvHeads, headDim, pageSize = 16, 2, 128, 16
	pages := s.length / pageSize
	kv := backend.KV{K: alloc(b, dev, cache, pages, kvHeads, pageSize, headDim),
		V: alloc(b, dev, cache, pages, kvHeads, pageSize, headDim)}
	data := repeated(cache, kv.K.Len())
	dev.Upload(kv.K, data)
	dev.Upload(kv.V, data)
	q, dst := alloc(b, dev, tensor.F32, s.rows, heads, headDim), alloc(b, dev, tensor.F32, s.rows, heads, headDim)
	dev.Upload(q, repeated(tensor.F32, q.Len()))
	var batch backend.Batch
	batch.Append(make([]int32, s.rows), s.length, pageList(pages))
	dev.Begin(&batch)
	b.SetBytes(int64(2 * kv.K.Bytes()))
	for b.Loop() {
		dev.Attention(dst, q, kv, 0.1, 0)
		sync(b, dev)
	}
	visible := s.rows*(s.length-s.rows) + s.rows*(s.rows+1)/2
	reportFlops(b, 4*heads*headDim*visible)
}

// repeated returns n small elements, random up to a period.
func repeated(dtype tensor.DType, n int) tensor.Memory {
	rng := rand.New(rand.NewPCG(1, 2))
	const period = 1 << 12
	data := make([]byte, period)
	if dtype == tensor.I8 {
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
	} else {
		data = encode(dtype, uniform(rng, period))
	}
	out := make(tensor.Memory, n*dtype.Size())
	for i := 0; i < len(out); i += len(data) {
		copy(out[i:], data)
	}
	return out
}

func alloc(b *testing.B, dev backend.Backend, dtype tensor.DType, shape ...int) *tensor.Tensor {
	t, err := dev.Alloc(dtype, shape...)
	if err != nil {
		b.Fatal(err)
	}
	return t
}

func sync(b *testing.B, dev backend.Backend) {
	if err := dev.Sync(); err != nil {
		b.Fatal(err)
	}
}

func closeBackend(b *testing.B, dev backend.Backend) {
	if err := dev.Close(); err != nil {
		b.Error(err)
	}
}

func reportFlops(b *testing.B, flops int) {
	seconds := b.Elapsed().Seconds() / math.Max(float64(b.N), 1)
	b.ReportMetric(float64(flops)/seconds/1e9, "GFLOP/s")
}
