// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

// dotsF32NEON is dotsGeneric's twin for four outputs.
//
//go:noescape
func dotsF32NEON(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *float32, wStride uintptr, blocks, rows int)

// dotsF16NEON is dotsGeneric's twin for four outputs.
//
//go:noescape
func dotsF16NEON(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)

// dotsBF16NEON is dotsGeneric's twin for four outputs.
//
//go:noescape
func dotsBF16NEON(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)

// dotVariants returns what every arm64 has, the fastest first.
func dotVariants() []dotKernels {
	return []dotKernels{{"NEON", dotsF32NEON, dotsF16NEON, dotsBF16NEON, dotTile{}, false}, {name: "generic"}}
}
