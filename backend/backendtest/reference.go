// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// The operations in float64, each with the sum over absolute values that its
// tolerance refers to.

// matMulReference returns x·weightᵀ + bias and |x|·|weight|ᵀ + |bias|.
//
//	x       [n, in]
//	weight  [out, in]
//	bias    [out] or nil
func matMulReference(x, weight, bias []float64, n, in, out int) (want, size []float64) {
	return product(x, weight, bias, n, in, out), product(abs(x), abs(weight), abs(bias), n, in, out)
}

func product(x, weight, bias []float64, n, in, out int) []float64 {
	c := make([]float64, n*out)
	for i := range n {
		copy(c[i*out:], bias)
	}
	if n > 0 {
		blas64.Gemm(blas.NoTrans, blas.Trans, 1,
			blas64.General{Rows: n, Cols: in, Stride: in, Data: x},
			blas64.General{Rows: out, Cols: in, Stride: in, Data: weight},
			1, blas64.General{Rows: n, Cols: out, Stride: out, Data: c})
	}
	return c
}

//go:norace
//go:nocheckptr
func abs(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Abs(v)
	}
	return out
}

// normReference returns x / sqrt(mean(x²) + eps) · weight for each row.
func normReference(x, weight []float64, eps float64) []float64 {
	want, hidden := make([]float64, len(x)), len(weight)
	for row := 0; row < len(x); row += hidden {
		sum := 0.
		for _, v := range x[row : row+hidden] {
			sum += v * v
		}
		scale := math.Sqrt(sum/float64(hidden) + eps)
		for i, v := range x[row : row+hidden] {
			want[row+i] = v / scale * weight[i]
		}
	}
	return want
}

// swiGLUReference returns gate / (1 + exp(-gate)) · up.
func swiGLUReference(gate, up []float64) []float64 {
	want := make([]float64, len(gate))
	for i, g := range gate {
		want[i] = g / (1 + math.Exp(-g)) * up[i]
	}
	return want
}

// rotateReference returns one head turned by a table's row, and the sums of
// absolute values.
//
//	x       [headDim]
//	angles  [headDim] cos, then sin
func rotateReference(x, angles []float64) (want, size []float64) {
	want, size = make([]float64, len(x)), make([]float64, len(x))
	half := len(x) / 2
	for i := range half {
		cos, sin := angles[i], angles[half+i]
		want[i] = x[i]*cos - x[half+i]*sin
		want[half+i] = x[half+i]*cos + x[i]*sin
		size[i] = math.Abs(x[i]*cos) + math.Abs(x[half+i]*sin)
		size[half+i] = math.Abs(x[half+i]*cos) + math.Abs(x[i]*sin)
	}
	return want, size
}

// attentionReference returns softmax(q·kᵀ·scale)·v of one query head of one row,
// Σ pⱼ|vⱼ|, and the largest Σ|qᵢkᵢ|·scale.
//
//	q             [headDim]
//	keys, values  [positions, headDim]
//
//go:norace
//go:nocheckptr
func attentionReference(q, keys, values []float64, scale float64) (want, size []float64, scoreSize float64) {
	dim := len(q)
	scores := make([]float64, len(keys)/dim)
	largest := math.Inf(-1)
	for j := range scores {
		sum, absolute := 0., 0.
		for i, k := range keys[j*dim : (j+1)*dim] {
			sum += q[i] * k
			absolute += math.Abs(q[i] * k)
		}
		scores[j] = sum * scale
		largest = max(largest, scores[j])
		scoreSize = max(scoreSize, absolute*math.Abs(scale))
	}
	total := 0.
	for j, s := range scores {
		scores[j] = math.Exp(s - largest)
		total += scores[j]
	}
	want, size = make([]float64, dim), make([]float64, dim)
	for j := range scores {
		p := scores[j] / total
		for i, v := range values[j*dim : (j+1)*dim] {
			want[i] += p * v
			size[i] += p * math.Abs(v)
		}
	}
	return want, size, scoreSize
}
