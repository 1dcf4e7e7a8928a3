// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// vectorVariants returns what the processor has, the fastest first.
func vectorVariants() []vectorKernels {
	x := &cpu.X86
	avx2 := x.HasAVX2 && x.HasFMA && x.HasF16C
	var ks []vectorKernels
	if avx2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		ks = append(ks, vectorKernels{"AVX512", addAVX512, scaleAVX512, scaleMulAVX512, swiGLUAVX512,
			squaresAVX512, rotateAVX2, lineMaxAVX512, lineExpAVX512,
			widenF16AVX512, widenBF16AVX512, narrowF16AVX512, narrowBF16AVX512, widenI8AVX512, widenBlocksAVX512})
	}
	if avx2 {
		ks = append(ks, vectorKernels{"AVX2", addAVX2, scaleAVX2, scaleMulAVX2, swiGLUAVX2,
			squaresAVX2, rotateAVX2, lineMaxAVX2, lineExpAVX2,
			widenF16AVX2, widenBF16AVX2, narrowF16AVX2, narrowBF16AVX2, widenI8AVX2, widenBlocksAVX2})
	}
	return append(ks, vectorKernels{name: "generic"})
}
