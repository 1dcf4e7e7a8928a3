// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"unsafe"

	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/quant"
	"github.com/zenlm/zen/tensor"
)

const quantBlock = tensor.QuantBlock

// matrix is a tensor's elements as rows of one width: a weight or a bias.
type matrix struct {
	dtype  tensor.DType
	width  int            // elements
	f32    []float32      // of F32
	u16    []uint16       // of F16, BF16
	i8     []int8         // of I8
	scales []uint16       // [rows, width/64] F16, of I8
	panels *tensor.Tensor // of Q8, Q4
}

func matrixOf(t *tensor.Tensor) matrix {
	m := matrix{dtype: t.DType, width: t.Dim(-1)}
	switch t.DType {
	case tensor.F32:
		m.f32 = tensor.Slice[float32](t)
	case tensor.F16, tensor.BF16:
		m.u16 = tensor.Slice[uint16](t)
	case tensor.I8:
		m.i8, m.scales = tensor.Slice[int8](t), tensor.Slice[uint16](t.Scales)
	case tensor.Q8, tensor.Q4:
		m.panels = t
	default:
		panic("cpu: operand of type " + t.DType.String())
	}
	return m
}

// widen sets dst, of the matrix's width, to row i.
func (m *matrix) widen(dst []float32, i int) {
	lo := i * m.width
	switch m.dtype {
	case tensor.I8:
		for j := 0; j < m.width; j += quantBlock {
			at := lo + j
			simd.WidenI8(dst[j:][:quantBlock], m.i8[at:][:quantBlock], tensor.F16ToF32(m.scales[at/quantBlock]))
		}
	case tensor.Q8, tensor.Q4:
		quant.Dequantize(dst, m.panels, i)
	default:
		m.widenPart(dst[:m.width], lo)
	}
}

// widenPart sets dst to the elements of a floating-point matrix from lo on.
func (m *matrix) widenPart(dst []float32, lo int) {
	hi := lo + len(dst)
	switch m.dtype {
	case tensor.F32:
		copy(dst, m.f32[lo:hi])
	case tensor.F16:
		simd.WidenF16(dst, m.u16[lo:hi])
	case tensor.BF16:
		simd.WidenBF16(dst, m.u16[lo:hi])
	}
}

// rows returns rows [lo, hi) as float32, each at a 16-byte boundary, and their
// stride: the matrix's own memory where that is so, else widened into *scratch.
// Sgemm's inner product would add in another order at another alignment.
func (m *matrix) rows(scratch *[]float32, lo, hi int) (data []float32, stride int) {
	if m.dtype == tensor.F32 && m.width%4 == 0 &&
		isAligned(unsafe.Pointer(unsafe.SliceData(m.f32)), 16) {
		return m.f32[lo*m.width : hi*m.width], m.width
	}
	stride = roundUp(m.width, 4)
	data = grow(scratch, (hi-lo)*stride)
	for i := lo; i < hi; i++ {
		m.widen(data[(i-lo)*stride:][:m.width], i)
	}
	return data, stride
}

func roundUp(n, multiple int) int { return (n + multiple - 1) / multiple * multiple }
