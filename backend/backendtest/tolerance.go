// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"math"

	"github.com/zenlm/zen/tensor"
)

// Units in the last place, relative to the value: the largest error of rounding
// to a type is half of one.
const (
	ulpF32  = 1. / (1 << 23)
	ulpF16  = 1. / (1 << 10)
	ulpBF16 = 1. / (1 << 7)
)

// sumTolerance bounds the error of a sum of n float32 products relative to
// Σ|xᵢyᵢ|: each of the n partial sums is rounded, in any order; roundings are as
// often up as down, so that they grow as √n.
func sumTolerance(n int) float64 { return ulpF32 * (4 + math.Sqrt(float64(n))) }

// matMulTolerance bounds the error of MatMul relative to Σ|xᵢwᵢ| + |bias|.
//
//	F32   sums in float32
//	F16   a tensor core takes x in the weight's type: half a unit each
//	BF16  the same
//	I8, Q8, Q4  x may be quantised by rows to 127 steps of its largest element, half a
//	      step each. The values here are uniform, so that Σ|xᵢwᵢ| is half of
//	      max|x|·Σ|wᵢ|; twice that bounds a short row.
func matMulTolerance(weight tensor.DType, n int) float64 {
	switch weight {
	case tensor.F16:
		return ulpF16/2 + sumTolerance(n)
	case tensor.BF16:
		return ulpBF16/2 + sumTolerance(n)
	case tensor.I8, tensor.Q8, tensor.Q4:
		return 2./127 + sumTolerance(n)
	}
	return sumTolerance(n)
}

// attentionTolerance bounds the error of Attention relative to Σ pⱼ|vⱼ|, where
// scoreSize is the largest Σ|qᵢkᵢ|·scale of the row. q and p may be rounded to
// the type in which the cache's elements are multiplied; an error e of a score changes
// its p by a factor 1 + e, and the sum of all p too.
func attentionTolerance(dtype tensor.DType, headDim, length int, scoreSize float64) float64 {
	operand := 0.
	switch dtype {
	case tensor.F16:
		operand = ulpF16 / 2
	case tensor.BF16:
		operand = ulpBF16 / 2
	}
	score := scoreSize * (operand + sumTolerance(headDim))
	return 2*score + operand + sumTolerance(length)
}

// elementTolerance bounds what a few float32 operations and one exponential or
// square root do to a value.
const elementTolerance = 8 * ulpF32

// cacheTolerance bounds the rounding to the cache's type, of I8 relative to the
// largest of the block: half a step, of which F16 holds the size.
func cacheTolerance(cache tensor.DType) float64 {
	switch cache {
	case tensor.I8:
		return (1 + 2*ulpF16) / 254
	case tensor.F16:
		return ulpF16 / 2
	case tensor.BF16:
		return ulpBF16 / 2
	}
	return 0
}
