// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

// cache is the keys or values of a layer. Its rows are positions of a head, and of
// I8 the scales of row i are scales[i·KVScales(width):].
type cache struct{ matrix }

func cacheOf(t *tensor.Tensor) cache { return cache{matrixOf(t)} }

var _ [backend.KVBlock]struct{} = [simd.ScaledBlock]struct{}{}

// QuantizesKV returns true.
func (b *Backend) QuantizesKV() bool { return true }

// widenRows sets n rows of dst, stride apart, to those from row i on.
func (c *cache) widenRows(dst []float32, stride, i, n int) {
	lo := i * c.width
	switch {
	case stride == c.width && c.dtype == tensor.I8:
		size := n * stride
		simd.WidenBlocks(dst[:size], c.i8[lo:][:size], c.scales[lo/backend.KVBlock:][:size/backend.KVBlock])
	case stride == c.width:
		c.widenPart(dst[:n*stride], lo)
	case c.dtype == tensor.I8:
		for j := range n {
			c.widenQuantized(dst[j*stride:][:c.width], i+j)
		}
	default:
		for j := range n {
			c.widenPart(dst[j*stride:][:c.width], lo+j*c.width)
		}
	}
}

// widenQuantized sets dst to a row of any width.
func (c *cache) widenQuantized(dst []float32, i int) {
	row, scales := c.i8[i*c.width:], c.scales[i*backend.KVScales(c.width):]
	for j := 0; j < c.width; j += backend.KVBlock {
		n := min(backend.KVBlock, c.width-j)
		simd.WidenI8(dst[j:][:n], row[j:][:n], tensor.F16ToF32(scales[j/backend.KVBlock]))
	}
}

// narrow sets row i to src.
func (c *cache) narrow(i int, src []float32) {
	lo, hi := i*c.width, (i+1)*c.width
	switch c.dtype {
	case tensor.F32:
		copy(c.f32[lo:hi], src)
	case tensor.F16:
		simd.NarrowF16(c.u16[lo:hi], src)
	case tensor.BF16:
		simd.NarrowBF16(c.u16[lo:hi], src)
	case tensor.I8:
		scales := c.scales[i*backend.KVScales(c.width):]
		for j := 0; j < c.width; j += backend.KVBlock {
			n := min(backend.KVBlock, c.width-j)
			scales[j/backend.KVBlock] = quantizeBlock(c.i8[lo+j:][:n], src[j:][:n])
		}
	}
}

// quantizeBlock sets q to src in units of the scale it returns, as backend.KV says.
func quantizeBlock(q []int8, src []float32) (scale uint16) {
	const (
		infinity = 0x7f800000
		nan      = 0x7e00
		shift    = 3 << 22 // where a float32 has no fraction bits left
	)
	largest := uint32(0)
	for _, v := range src {
		largest = max(largest, math.Float32bits(v)&^(1<<31))
	}
	if largest >= infinity {
		clear(q)
		return nan
	}
	exact := math.Float32frombits(largest) / 127
	scale = tensor.F32ToF16(exact)
	if tensor.F16ToF32(scale) < exact {
		scale++
	}
	inverse := float32(0)
	if scale != 0 {
		inverse = 1 / tensor.F16ToF32(scale)
	}
	for i, v := range src {
		q[i] = int8(int32(float32(float32(v*inverse)+shift) - shift))
	}
	return scale
}
