// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// tileVariants returns what the processor has, the fastest first.
func tileVariants() []tileKernels {
	x := &cpu.X86
	var ks []tileKernels
	if x.HasAVX512F {
		ks = append(ks, tileKernels{"AVX512", 16, multiplyTileAVX512, transposeTileAVX512})
	}
	if x.HasAVX2 && x.HasFMA {
		ks = append(ks, tileKernels{"AVX2", 8, multiplyTileAVX2, transposeTileAVX2})
	}
	return append(ks, tileKernels{name: "generic"})
}
