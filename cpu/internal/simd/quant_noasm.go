// SPDX-License-Identifier: Apache-2.0

//go:build (!amd64 && !arm64) || purego

package simd

func quantVariants() []quantKernels { return []quantKernels{{name: "generic"}} }

func readVariants() []readKernel { return []readKernel{{name: "generic"}} }

func pause(int) {}
