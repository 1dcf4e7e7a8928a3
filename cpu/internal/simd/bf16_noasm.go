// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package simd

func bf16Variants() []bf16Kernels { return []bf16Kernels{{name: "generic"}} }
