// SPDX-License-Identifier: Apache-2.0

package simd

//go:generate sh -c "cd _gen && go run . -set pairs -out ../pairs_amd64.s -stubs ../pairs_stubs_amd64.go -pkg simd && sed -i '1i // SPDX-License-Identifier: Apache-2.0' ../pairs_amd64.s ../pairs_stubs_amd64.go"

// Weights of bfloat16 multiplied with activations rounded to bfloat16, in the arithmetic of
// VDPBF16PS, which does the work of two fused operations on float32. A sum has sixteen lanes, of
// which each takes two of 32 inputs, the second first:
//
//	lane[i] = fma(x[2i], w[2i], fma(x[2i+1], w[2i+1], lane[i]))
//
// What is below 2⁻¹²⁶ is 0, operand or result. In the end the lanes are added up as Dots does.
const pairInputs = 32 // a block: a line of the cache

// pairKernels are an instruction set's routines; all are nil in plain Go, which would gain nothing
// by rounding.
type pairKernels struct {
	name  string
	dots  func(dst *float32, dstStride uintptr, x *uint16, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)
	round func(dst *uint16, src *float32, blocks int)
}

// pairsChosen are the best of pairVariants.
var pairsChosen = pairVariants()[0]

// HasPairs reports whether Dots takes rounded activations for weights of BF16 [out, in].
func HasPairs(out, in int) bool {
	return pairsChosen.dots != nil && in%pairInputs == 0 && HasDots(out, in)
}

// Round sets dst to x rounded to bfloat16, as Dots takes it where HasPairs. Their length is a
// multiple of 32.
func Round(dst []uint16, x []float32) {
	sameLength("Round", len(dst), len(x))
	if len(x)%pairInputs != 0 {
		panic("simd: Round: wrong length")
	}
	if len(x) > 0 {
		pairsChosen.round(&dst[0], &x[0], len(x)/pairInputs)
	}
}
