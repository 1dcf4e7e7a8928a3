// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// tileVariants returns what the processor has, the fastest first.
func tileVariants() []tileKernels {
	x := &cpu.X86
	var ks []tileKernels
	if x.HasAVX512F && x.HasAVX512BW {
		ks = append(ks, tileKernels{"AVX512", 16, multiplyTileF32AVX512, multiplyTileF16AVX512, multiplyTileBF16AVX512, transposeTileAVX512, transposeWordsAVX512})
	}
	if x.HasAVX2 && x.HasFMA && x.HasF16C {
		ks = append(ks, tileKernels{"AVX2", 8, multiplyTileF32AVX2, multiplyTileF16AVX2, multiplyTileBF16AVX2, transposeTileAVX2, transposeWordsAVX2})
	}
	return append(ks, tileKernels{name: "generic"})
}
