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

// way is one of the ways to multiply rows.
type way struct {
	name string
	run  func(b *Backend, p product)
	most int // rows
}

func ways() []way {
	through := func(choice int32) func(b *Backend, p product) {
		return func(b *Backend, p product) {
			if b.blas != nil {
				b.blas.choice = choice
				b.gemmWide(p)
			}
		}
	}
	all := []way{
		{"gemv", (*Backend).slices, 64},
		{"gemm", func(b *Backend, p product) {
			kept := b.blas
			b.blas = nil
			b.gemmWide(p)
			b.blas = kept
		}, 1 << 20},
		{"cublaslt", through(0), 1 << 20},
		{"qgemm", func(b *Backend, p product) {
			if p.weight.Quantized() {
				b.gemmQuantized(p)
			}
		}, 128},
	}
	for choice := int32(1); choice < 6; choice++ {
		all = append(all, way{fmt.Sprintf("cublaslt.%d", choice), through(choice), 64})
	}
	return all
}

// BenchmarkRows compares the ways to multiply rows by weights of each type, on the
// matrices of two models, with what turns rows into 16 bits. Weights rotate, so that
// the cache does not hold them. The time is that of a product within a graph of 24.
func BenchmarkRows(b *testing.B) {
	for _, dtype := range []tensor.DType{tensor.F16, tensor.Q8, tensor.Q4} {
		b.Run(fmt.Sprint(dtype), func(b *testing.B) { benchmarkRows(b, dtype) })
	}
}

// deviceWeight returns a matrix of undefined content.
func deviceWeight(b *testing.B, d *Backend, dtype tensor.DType, out, in int) *tensor.Tensor {
	rowBytes, scales := 2*in, 0
	if dtype != tensor.F16 {
		layout := layoutOf(dtype, in)
		rowBytes, scales = layout.rowBytes, layout.scales
	}
	m, err := d.alloc(out * rowBytes)
	if err != nil {
		b.Fatal(err)
	}
	t := &tensor.Tensor{DType: dtype, Shape: []int{out, in}, Storage: m}
	if scales > 0 {
		if t.Scales, err = d.Alloc(tensor.F16, out, scales); err != nil {
			b.Fatal(err)
		}
	}
	return t
}

func benchmarkRows(b *testing.B, dtype tensor.DType) {
	d, err := open(0)
	if err != nil {
		b.Skip(err)
	}
	defer d.Close()
	for _, m := range []struct{ out, in int }{{256, 2048}, {2048, 2048}, {11008, 2048}, {2048, 11008},
		{3584, 3584}, {18944, 3584}, {3584, 18944}, {151936, 3584}} {
		var weights [8]*tensor.Tensor
		for i := range weights {
			weights[i] = deviceWeight(b, d, dtype, m.out, m.in)
		}
		for _, n := range []int{4, 8, 16, 32, 64, 128, 256, 512, 2048} {
			if n > 64 && m.out > 100000 {
				continue
			}
			x, _ := d.Alloc(tensor.F32, n, m.in)
			y, _ := d.Alloc(tensor.F32, n, m.out)
			for _, w := range ways() {
				if n > w.most {
					continue
				}
				b.Run(fmt.Sprintf("%dx%d/rows=%d/%s", m.out, m.in, n, w.name), func(b *testing.B) {
					const products = 24
					took := timeOf(b, d, func() {
						for i := range products {
							w.run(d, product{dst: address(y), x: x, weight: weights[i%len(weights)]})
						}
					}) / products
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(float64(took.Nanoseconds())/1e3, "us")
					b.ReportMetric(float64(2*n*m.in*m.out)/took.Seconds()/1e12, "TFLOP/s")
				})
			}
			d.Free(x)
			d.Free(y)
		}
		for _, w := range weights {
			d.Free(w)
		}
		if err := d.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}

// timeOf returns the shortest of a few times of a step, which is a graph by then.
func timeOf(b *testing.B, d *Backend, step func()) time.Duration {
	batch := &backend.Batch{}
	batch.Append([]int32{0}, 1, []int32{0})
	return timeOfBatch(b, d, batch, step)
}
