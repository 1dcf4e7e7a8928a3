// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// pairVariants returns what the processor has, the fastest first. Processors with AMX have these
// instructions too, but need less time for fused operations on float32.
func pairVariants() []pairKernels {
	x := &cpu.X86
	var ks []pairKernels
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512BF16 && !x.HasAMXTile {
		ks = append(ks, pairKernels{"AVX512BF16", dotPairsAVX512, roundRowAVX512})
	}
	return append(ks, pairKernels{name: "none"})
}
