// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

// layers are the matrices [out, in] of a decoder layer.
var layers = map[string][][2]int{
	"0.5B": {{896, 896}, {128, 896}, {128, 896}, {896, 896}, {4864, 896}, {4864, 896}, {896, 4864}},
	"3B":   {{2048, 2048}, {256, 2048}, {256, 2048}, {2048, 2048}, {11008, 2048}, {11008, 2048}, {2048, 11008}},
}

// BenchmarkDecode is the matrix products of a token, over more layers than any
// cache holds, beside a loop that only reads as many bytes in the same chunks.
func BenchmarkDecode(b *testing.B) {
	for _, model := range []string{"0.5B", "3B"} {
		for _, format := range []tensor.DType{tensor.Q8, tensor.Q4} {
			for _, workers := range []int{1, 2} {
				name := fmt.Sprintf("model=%s/format=%v/workers=%d", model, format, workers)
				b.Run(name+"/op=MatMul", func(b *testing.B) { benchDecode(b, layers[model], format, 1, workers) })
				b.Run(name+"/op=Read", func(b *testing.B) { benchRead(b, workers) })
			}
		}
	}
}

// BenchmarkBatch is the matrix products of a token of each of n sequences, over as
// many layers.
func BenchmarkBatch(b *testing.B) {
	for _, model := range []string{"0.5B", "3B"} {
		for _, format := range []tensor.DType{tensor.Q8, tensor.Q4} {
			for _, n := range []int{8, 16, 32, 64, 512} {
				b.Run(fmt.Sprintf("model=%s/format=%v/n=%d", model, format, n), func(b *testing.B) {
					benchDecode(b, layers[model], format, n, 2)
				})
			}
		}
	}
}

func benchDecode(b *testing.B, layer [][2]int, format tensor.DType, rows, workers int) {
	dev, err := New(Options{Workers: workers})
	require.NoError(b, err)
	defer dev.Close()
	var weights []*tensor.Tensor
	bytes := 0
	for bytes < 256<<20 {
		for _, shape := range layer {
			w := benchWeight(b, dev, format, shape[0], shape[1])
			bytes += w.Bytes() + w.Scales.Bytes()
			weights = append(weights, w)
		}
	}
	x, err := dev.Alloc(tensor.F32, rows, 11008)
	require.NoError(b, err)
	dst, err := dev.Alloc(tensor.F32, rows, 11008)
	require.NoError(b, err)
	b.SetBytes(int64(bytes))
	for b.Loop() {
		for _, w := range weights {
			in := &tensor.Tensor{DType: tensor.F32, Shape: []int{rows, w.Dim(1)}, Storage: x.Storage}
			out := &tensor.Tensor{DType: tensor.F32, Shape: []int{rows, w.Dim(0)}, Storage: dst.Storage}
			dev.MatMul(out, in, w, nil)
		}
	}
}

func benchRead(b *testing.B, workers int) {
	dev, err := New(Options{Workers: workers})
	require.NoError(b, err)
	defer dev.Close()
	data, err := dev.Alloc(tensor.U8, 256<<20)
	require.NoError(b, err)
	for i := 0; i < len(data.HostBytes()); i += 4096 {
		data.HostBytes()[i] = 1
	}
	const piece = 1 << 20
	dev.panels.quants = data.HostBytes()
	b.SetBytes(256 << 20)
	for b.Loop() {
		dev.pool.run(256, 128/workers, func(b *Backend, w *worker, lo, hi int) {
			simd.Read(b.panels.quants[lo*piece : hi*piece])
		})
	}
}

// BenchmarkPrefill is one matrix product with many rows.
func BenchmarkPrefill(b *testing.B) {
	for _, format := range []tensor.DType{tensor.Q8, tensor.Q4} {
		for _, k := range []int{896, 2048, 11008} {
			for _, n := range []int{8, 32, 128, 512} {
				for _, workers := range []int{1, 2} {
					name := fmt.Sprintf("format=%v/k=%d/n=%d/workers=%d", format, k, n, workers)
					b.Run(name, func(b *testing.B) { benchPrefill(b, format, k, n, workers) })
				}
			}
		}
	}
}

func benchPrefill(b *testing.B, format tensor.DType, k, n, workers int) {
	dev, err := New(Options{Workers: workers})
	require.NoError(b, err)
	defer dev.Close()
	const out = 2048
	weight := benchWeight(b, dev, format, out, k)
	x, err := dev.Alloc(tensor.F32, n, k)
	require.NoError(b, err)
	for i, v := range tensor.Slice[float32](x) {
		tensor.Slice[float32](x)[i] = v + float32(i%7)
	}
	dst, err := dev.Alloc(tensor.F32, n, out)
	require.NoError(b, err)
	for b.Loop() {
		dev.MatMul(dst, x, weight, nil)
	}
	b.ReportMetric(2*float64(n*k*out)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GOP/s")
}

// benchWeight returns a weight [out, in] of some content.
func benchWeight(b *testing.B, dev *Backend, format tensor.DType, out, in int) *tensor.Tensor {
	shape := []int{out, in}
	quants, err := dev.Alloc(tensor.U8, tensor.PanelShape(format, shape)...)
	require.NoError(b, err)
	scales, err := dev.Alloc(tensor.F16, tensor.PanelScalesShape(format, shape)...)
	require.NoError(b, err)
	for i := range quants.HostBytes() {
		quants.HostBytes()[i] = byte(i * 41)
	}
	for i := range tensor.Slice[uint16](scales) {
		tensor.Slice[uint16](scales)[i] = 0x1c00 + uint16(i%1024)
	}
	return tensor.Panels(format, out, in, quants.HostBytes(), scales)
}
