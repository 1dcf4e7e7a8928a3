// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

// multiplyTileF32NEON is multiplyTileGeneric's twin for b of F32. columns counts groups of 16, strides are bytes. Every step of inner fetches the line at ahead, which then moves by aheadStep.
//
//go:noescape
func multiplyTileF32NEON(c, a, b *float32, cStride, aStride, bStride uintptr, lines, inner, columns int, add bool, ahead *uint16, aheadStep uintptr)

// multiplyTileF16NEON is the same for b of F16.
//
//go:noescape
func multiplyTileF16NEON(c, a *float32, b *uint16, cStride, aStride, bStride uintptr, lines, inner, columns int, add bool, ahead *uint16, aheadStep uintptr)

// multiplyTileBF16NEON is the same for b of BF16.
//
//go:noescape
func multiplyTileBF16NEON(c, a *float32, b *uint16, cStride, aStride, bStride uintptr, lines, inner, columns int, add bool, ahead *uint16, aheadStep uintptr)

// transposeTileNEON is transposeTileGeneric's twin. A block is 4 columns of src, a group 8 rows.
//
//go:noescape
func transposeTileNEON(dst, src *float32, dstStride, srcStride uintptr, blocks, groups int)

// tileVariants returns what every arm64 has, the fastest first. A step of them is of
// 16 columns, as if registers had 8 lanes.
func tileVariants() []tileKernels {
	return []tileKernels{
		{name: "NEON", lanes: 8, multiply: multiplyTileF32NEON, multiplyF16: multiplyTileF16NEON,
			multiplyBF16: multiplyTileBF16NEON, transpose: transposeTileNEON},
		{name: "generic"},
	}
}
