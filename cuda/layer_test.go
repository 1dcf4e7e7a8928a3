// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"fmt"
	"testing"
	"time"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// BenchmarkLayer times the parts of a layer of 7.62 billion parameters' model in F16
// for prompts, each as the mean of several in a row.
func BenchmarkLayer(b *testing.B) {
	d, err := open(0)
	if err != nil {
		b.Skip(err)
	}
	defer d.Close()
	const hidden, heads, kvHeads, headDim, inner, pageSize = 3584, 28, 4, 128, 18944, 32
	weight := func(out, in int) backend.Projection {
		return backend.Projection{Weight: deviceWeight(b, d, tensor.F16, out, in)}
	}
	alloc := func(dtype tensor.DType, shape ...int) *tensor.Tensor {
		t, err := d.Alloc(dtype, shape...)
		if err != nil {
			b.Fatal(err)
		}
		return t
	}
	norm := alloc(tensor.F32, hidden)
	norm.Storage.(*memory).largest = 1
	qkv := backend.QKV{Norm: norm, Q: weight(heads*headDim, hidden), K: weight(kvHeads*headDim, hidden), V: weight(kvHeads*headDim, hidden)}
	o, down := weight(hidden, heads*headDim), weight(hidden, inner)
	gated := backend.Gated{Norm: norm, Gate: weight(inner, hidden), Up: weight(inner, hidden)}
	for _, n := range []int{64, 512, 2048, 8192, 32768} {
		pages := make([]int32, n/pageSize)
		for i := range pages {
			pages[i] = int32(i)
		}
		qkv.Rotary = alloc(tensor.F32, n, headDim)
		qkv.KV = backend.KV{K: alloc(tensor.F16, len(pages), kvHeads, pageSize, headDim), V: alloc(tensor.F16, len(pages), kvHeads, pageSize, headDim)}
		x, q, a := alloc(tensor.F32, n, hidden), alloc(tensor.F32, n, heads, headDim), alloc(tensor.F32, n, heads, headDim)
		batch := &backend.Batch{}
		batch.Append(make([]int32, n), n, pages)
		flat := &tensor.Tensor{DType: tensor.F32, Shape: []int{n, hidden}, Storage: a.Storage, Offset: a.Offset}
		parts := []struct {
			name string
			run  func()
		}{
			{"attention", func() { d.Attention(a, q, qkv.KV, 0.1, 0) }},
			{"norm", func() { d.normalized16(x, norm, 1e-6) }},
			{"qkv", func() { d.QKVAppend(q, x, qkv) }},
			{"o", func() { d.MatMulAdd(x, flat, o) }},
			{"convert", func() { d.converted(flat) }},
			{"mlp", func() { d.MLPAdd(x, gated, down) }},
			{"swiglu", func() {
				g := d.room(&d.gated, 2*rounded(4*n*inner))
				d.gatedRows(gatedOperand{g, 1}, gatedOperand{g + uint64(rounded(4*n*inner)), 1}, n, inner)
			}},
		}
		for _, p := range parts {
			if n > 2048 && p.name != "attention" {
				continue
			}
			b.Run(fmt.Sprintf("rows=%d/%s", n, p.name), func(b *testing.B) {
				const times = 5
				took := timeOfBatch(b, d, batch, func() {
					for range times {
						p.run()
					}
				}) / times
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(took.Nanoseconds())/1e3, "us")
				if p.name == "attention" {
					b.ReportMetric(float64(2*n*n*heads*headDim)/took.Seconds()/1e12, "TFLOP/s")
				}
			})
		}
		for _, t := range []*tensor.Tensor{qkv.Rotary, qkv.KV.K, qkv.KV.V, x, q, a} {
			d.Free(t)
		}
	}
}

// timeOfBatch returns the shortest of a few times of a step over batch.
func timeOfBatch(b *testing.B, d *Backend, batch *backend.Batch, step func()) time.Duration {
	best := time.Duration(1 << 62)
	for i := range 6 {
		d.Begin(batch)
		if err := d.stream.sync(); err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		step()
		if err := d.Sync(); err != nil {
			b.Fatal(err)
		}
		if i > 2 {
			best = min(best, time.Since(begin))
		}
	}
	return best
}
