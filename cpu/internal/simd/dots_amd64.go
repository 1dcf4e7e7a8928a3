// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// dotVariants returns what the processor has, the fastest first.
func dotVariants() []dotKernels {
	x := &cpu.X86
	avx2 := x.HasAVX2 && x.HasFMA && x.HasF16C
	var ks []dotKernels
	if avx2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		ks = append(ks, dotKernels{"AVX512", dotsF32AVX512, dotsF16AVX512, dotsBF16AVX512, dotTile{}, true})
	}
	if avx2 {
		ks = append(ks, dotKernels{"AVX2", dotsF32AVX2, dotsF16AVX2, dotsBF16AVX2, dotTile{3, dotTileAVX2}, false})
	}
	return append(ks, dotKernels{name: "generic"})
}
