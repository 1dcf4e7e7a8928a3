// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package loops

import "golang.org/x/sys/cpu"

// variants returns what the processor has, the fastest first.
func variants() []kernels {
	x := &cpu.X86
	have := x.HasAVX2 && x.HasFMA
	var ks []kernels
	if have && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		ks = append(ks, kernels{
			set: avx512, name: "AVX512", rows: 12, cols: 32, tile: tileAVX512,
			packs: []packKernel{{16, pack16AVX512}, {8, pack8AVX2}, {4, pack4AVX2}},
		})
	}
	if have {
		ks = append(ks, kernels{
			set: avx2, name: "AVX2", rows: 4, cols: 24, tile: tileAVX2,
			packs: []packKernel{{8, pack8AVX2}, {4, pack4AVX2}},
		})
	}
	return append(ks, plain())
}

// The loops below are called by name and not by value, so that their operands may
// lie on the stack.

func dot(x, y *float32, n int) float32 {
	switch chosen.set {
	case avx512:
		return dotAVX512(x, y, n)
	case avx2:
		return dotAVX2(x, y, n)
	}
	return dotGeneric(x, y, n)
}

func dotDouble(x, y *float32, n int) float64 {
	switch chosen.set {
	case avx512:
		return dotDoubleAVX512(x, y, n)
	case avx2:
		return dotDoubleAVX2(x, y, n)
	}
	return dotDoubleGeneric(x, y, n)
}

func squares(x *float32, n int) float64 {
	switch chosen.set {
	case avx512:
		return squaresAVX512(x, n)
	case avx2:
		return squaresAVX2(x, n)
	}
	return squaresGeneric(x, n)
}

func asum(x *float32, n int) float32 {
	switch chosen.set {
	case avx512:
		return asumAVX512(x, n)
	case avx2:
		return asumAVX2(x, n)
	}
	return asumGeneric(x, n)
}

func maxAbs(x *float32, n int) float32 {
	switch chosen.set {
	case avx512:
		return maxAbsAVX512(x, n)
	case avx2:
		return maxAbsAVX2(x, n)
	}
	return maxAbsGeneric(x, n)
}

func axpy(y, x *float32, n int, alpha float32) {
	switch chosen.set {
	case avx512:
		axpyAVX512(y, x, n, alpha)
	case avx2:
		axpyAVX2(y, x, n, alpha)
	default:
		axpyGeneric(y, x, n, alpha)
	}
}

func scal(x *float32, n int, alpha float32) {
	switch chosen.set {
	case avx512:
		scalAVX512(x, n, alpha)
	case avx2:
		scalAVX2(x, n, alpha)
	default:
		scalGeneric(x, n, alpha)
	}
}

// axpy8 is for sets that are not generic.
func axpy8(y *float32, alpha *[axpyRows]float32, x *float32, stride uintptr, n int) {
	if chosen.set == avx512 {
		axpy8AVX512(y, &alpha[0], x, stride, n)
		return
	}
	axpy8AVX2(y, &alpha[0], x, stride, n)
}
