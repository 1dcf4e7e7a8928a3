// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/quant"
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
	b.SetBytes(256 << 20)
	for b.Loop() {
		dev.pool.run(256, 128/workers, func(_ *Backend, _ *worker, lo, hi int) {
			simd.Read(data.HostBytes()[lo*piece : hi*piece])
		})
	}
}

// Several weights at once give the bits of each alone, whatever their formats and however
// their panels fall into chunks.
func TestMatMulsEqualsMatMul(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	fill := func(x *tensor.Tensor) *tensor.Tensor {
		for i := range tensor.Slice[float32](x) {
			tensor.Slice[float32](x)[i] = rng.Float32() - 0.5
		}
		return x
	}
	for _, workers := range []int{1, 2, 3, 16} {
		dev, err := New(Options{Workers: workers})
		require.NoError(t, err)
		defer dev.Close()
		alloc := func(shape ...int) *tensor.Tensor {
			x, err := dev.Alloc(tensor.F32, shape...)
			require.NoError(t, err)
			return x
		}
		weight := func(format tensor.DType, out, in int) *tensor.Tensor {
			bytes := func(n int) ([]byte, error) { return make([]byte, n), nil }
			w, err := quant.Quantize(t.Context(), format, fill(alloc(out, in)), 1, bytes, func(int) {})
			require.NoError(t, err)
			return w
		}
		for _, c := range []struct {
			in      int
			outs    []int
			formats []tensor.DType
		}{
			{128, []int{64}, []tensor.DType{tensor.Q4}},
			{192, []int{512, 64, 70}, []tensor.DType{tensor.Q4, tensor.Q4, tensor.Q4}},
			{100, []int{3, 300, 17}, []tensor.DType{tensor.Q8, tensor.Q8, tensor.Q8}},
			{2048, []int{640, 641}, []tensor.DType{tensor.Q8, tensor.Q8}},
			{128, []int{48, 30, 90, 64}, []tensor.DType{tensor.Q4, tensor.Q8, tensor.F32, tensor.Q8}},
		} {
			for _, n := range []int{0, 1, 3, 16, 130} {
				x := fill(alloc(n, c.in))
				var products, alone []backend.Product
				for i, out := range c.outs {
					p := backend.Projection{Weight: fill(alloc(out, c.in))}
					if c.formats[i] != tensor.F32 {
						p.Weight = weight(c.formats[i], out, c.in)
					}
					if i != 1 {
						p.Bias = fill(alloc(out))
					}
					products = append(products, backend.Product{Dst: fill(alloc(n, out)), Projection: p})
					alone = append(alone, backend.Product{Dst: fill(alloc(n, out)), Projection: p})
				}
				dev.MatMuls(x, products)
				for i, p := range alone {
					dev.MatMul(p.Dst, x, p.Weight, p.Bias)
					require.Equal(t, tensor.Slice[float32](p.Dst), tensor.Slice[float32](products[i].Dst),
						"workers=%d in=%d n=%d product %d", workers, c.in, n, i)
				}
			}
		}
	}
}

// A chunk is as long as memory likes it, unless one worker had much more than the others.
func TestChunksAreEven(t *testing.T) {
	for _, c := range []struct{ all, workers, best, short, long, want int }{
		{160, 16, 8, 8, 32, 12},  // q, k and v of 3 B: two rounds of 8 or one of 12
		{1376, 16, 24, 8, 32, 8}, // gate and up: 96 or 88
		{1376, 2, 32, 8, 32, 32}, // 704 or 688
		{128, 16, 4, 4, 5, 4},
		{3, 16, 4, 4, 32, 4},
	} {
		require.Equal(t, c.want, evenChunks(c.all, c.workers, c.best, c.short, c.long), "%+v", c)
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
