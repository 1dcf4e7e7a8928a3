// SPDX-License-Identifier: Apache-2.0

package simd

import "github.com/zenlm/zen/tensor"

// Conversions between float32 and smaller types. Widening is exact, narrowing
// rounds to nearest, ties to even; NaN stays NaN.

// WidenF16 sets dst[i] to the value of the binary16 src[i].
func WidenF16(dst []float32, src []uint16) {
	widenWith(vectorChosen.widenF16, widenF16Generic, dst, src)
}

// WidenBF16 sets dst[i] to the value of the bfloat16 src[i].
func WidenBF16(dst []float32, src []uint16) {
	widenWith(vectorChosen.widenBF16, widenBF16Generic, dst, src)
}

// NarrowF16 sets dst[i] to the binary16 nearest to src[i].
func NarrowF16(dst []uint16, src []float32) {
	narrowWith(vectorChosen.narrowF16, narrowF16Generic, dst, src)
}

// NarrowBF16 sets dst[i] to the bfloat16 nearest to src[i].
func NarrowBF16(dst []uint16, src []float32) {
	narrowWith(vectorChosen.narrowBF16, narrowBF16Generic, dst, src)
}

// WidenI8 sets dst[i] = src[i] · scale.
func WidenI8(dst []float32, src []int8, scale float32) {
	sameLength("WidenI8", len(dst), len(src))
	n := 0
	if k := vectorChosen.widenI8; k != nil && len(dst) >= vectorStep {
		n = whole(len(dst))
		k(&dst[0], &src[0], scale, n)
	}
	widenI8Generic(dst[n:], src[n:], scale)
}

// ScaledBlock is the elements that share a scale in WidenBlocks.
const ScaledBlock = 32

// WidenBlocks sets dst[i] = src[i] · scales[i/ScaledBlock], the scales binary16.
func WidenBlocks(dst []float32, src []int8, scales []uint16) {
	sameLength("WidenBlocks", len(dst), len(src), len(scales)*ScaledBlock)
	if k := vectorChosen.widenBlocks; k != nil && len(dst) > 0 {
		k(&dst[0], &src[0], &scales[0], len(scales))
		return
	}
	widenBlocksGeneric(dst, src, scales)
}

func widenBlocksGeneric(dst []float32, src []int8, scales []uint16) {
	for i, h := range scales {
		widenI8Generic(dst[i*ScaledBlock:][:ScaledBlock], src[i*ScaledBlock:][:ScaledBlock], tensor.F16ToF32(h))
	}
}

func widenWith(k func(*float32, *uint16, int), generic func([]float32, []uint16), dst []float32, src []uint16) {
	sameLength("Widen", len(dst), len(src))
	n := 0
	if k != nil && len(dst) >= vectorStep {
		n = whole(len(dst))
		k(&dst[0], &src[0], n)
	}
	generic(dst[n:], src[n:])
}

func narrowWith(k func(*uint16, *float32, int), generic func([]uint16, []float32), dst []uint16, src []float32) {
	sameLength("Narrow", len(dst), len(src))
	n := 0
	if k != nil && len(dst) >= vectorStep {
		n = whole(len(dst))
		k(&dst[0], &src[0], n)
	}
	generic(dst[n:], src[n:])
}

func widenF16Generic(dst []float32, src []uint16) {
	dst = dst[:len(src)]
	for i, h := range src {
		dst[i] = tensor.F16ToF32(h)
	}
}

func widenBF16Generic(dst []float32, src []uint16) {
	dst = dst[:len(src)]
	for i, h := range src {
		dst[i] = tensor.BF16ToF32(h)
	}
}

func narrowF16Generic(dst []uint16, src []float32) {
	dst = dst[:len(src)]
	for i, f := range src {
		dst[i] = tensor.F32ToF16(f)
	}
}

func narrowBF16Generic(dst []uint16, src []float32) {
	dst = dst[:len(src)]
	for i, f := range src {
		dst[i] = tensor.F32ToBF16(f)
	}
}

func widenI8Generic(dst []float32, src []int8, scale float32) {
	dst = dst[:len(src)]
	for i, q := range src {
		dst[i] = float32(q) * scale
	}
}
