// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package simd

func pairVariants() []pairKernels { return []pairKernels{{name: "none"}} }
