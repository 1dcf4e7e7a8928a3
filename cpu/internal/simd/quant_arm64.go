// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// panelsQ4DotProd is panelsGeneric's twin for 4-bit weights, for SDOT.
//
//go:noescape
func panelsQ4DotProd(dst *float32, dstStride uintptr, w *byte, s *uint16, x *byte, xStride uintptr, blocks, rows, panels int)

// panelsQ8DotProd is panelsGeneric's twin for 8-bit weights, for SDOT.
//
//go:noescape
func panelsQ8DotProd(dst *float32, dstStride uintptr, w *byte, s *uint16, x *byte, xStride uintptr, blocks, rows, panels int)

// panelsQ4NEON is panelsGeneric's twin for 4-bit weights.
//
//go:noescape
func panelsQ4NEON(dst *float32, dstStride uintptr, w *byte, s *uint16, x *byte, xStride uintptr, blocks, rows, panels int)

// panelsQ8NEON is panelsGeneric's twin for 8-bit weights.
//
//go:noescape
func panelsQ8NEON(dst *float32, dstStride uintptr, w *byte, s *uint16, x *byte, xStride uintptr, blocks, rows, panels int)

// largestNEON returns the largest of 64 magnitudes, as bits.
//
//go:noescape
func largestNEON(x *float32) uint32

// roundNEON sets 32 dst to the integers nearest to x·inv and returns their sum.
//
//go:noescape
func roundNEON(dst *byte, x *float32, inv float32) (sum int32)

// quantVariants returns what the processor has, the fastest first.
func quantVariants() []quantKernels {
	ks := []quantKernels{
		{name: "NEON", quantize: quantizeNEON, q8: panelsQ8NEON, q4: panelsQ4NEON},
		{name: "generic"},
	}
	if hasDotProd() {
		dot := quantKernels{name: "DotProd", quantize: quantizeNEON, q8: panelsQ8DotProd, q4: panelsQ4DotProd}
		ks = append([]quantKernels{dot}, ks...)
	}
	return ks
}

// hasDotProd reports whether the processor has SDOT. Every Mac of arm64 does, while
// macOS 11 has no name by which package cpu could ask it.
func hasDotProd() bool { return cpu.ARM64.HasASIMDDP || runtime.GOOS == "darwin" }

func readVariants() []readKernel { return []readKernel{{name: "generic"}} }

func pause(int) {}
