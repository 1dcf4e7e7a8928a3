// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

// addNEON is addGeneric's twin. n is a multiple of 16 and not 0.
//
//go:noescape
func addNEON(dst, x, y *float32, n int)

// scaleNEON is scaleGeneric's twin. n is a multiple of 16 and not 0.
//
//go:noescape
func scaleNEON(dst, x *float32, scale float32, n int)

// scaleMulNEON is scaleMulGeneric's twin. n is a multiple of 16 and not 0.
//
//go:noescape
func scaleMulNEON(dst, x *float32, scale float32, w *float32, n int)

// swiGLUNEON is swiGLUGeneric's twin. n is a multiple of 16 and not 0.
//
//go:noescape
func swiGLUNEON(dst, gate, up *float32, n int)

// squaresNEON is squaresGeneric's twin. n is a multiple of 16 and not 0.
//
//go:noescape
func squaresNEON(x *float32, n int) float64

// rotateNEON is rotateGeneric's twin. half is a multiple of 8 and not 0.
//
//go:noescape
func rotateNEON(x, angles *float32, half, heads int)

// lineMaxNEON is lineMaxGeneric's twin.
//
//go:noescape
func lineMaxNEON(dst, scores *float32, lines int)

// lineExpNEON is lineExpGeneric's twin.
//
//go:noescape
func lineExpNEON(sums, bases, scores *float32, lines int)

// widenF16NEON is widenF16Generic's twin. n is a multiple of 16 and not 0.
//
//go:noescape
func widenF16NEON(dst *float32, src *uint16, n int)

// widenBF16NEON is widenBF16Generic's twin. n is a multiple of 16 and not 0.
//
//go:noescape
func widenBF16NEON(dst *float32, src *uint16, n int)

// narrowF16NEON is narrowF16Generic's twin. n is a multiple of 16 and not 0.
//
//go:noescape
func narrowF16NEON(dst *uint16, src *float32, n int)

// narrowBF16NEON is narrowBF16Generic's twin. n is a multiple of 16 and not 0.
//
//go:noescape
func narrowBF16NEON(dst *uint16, src *float32, n int)

// widenI8NEON is widenI8Generic's twin. n is a multiple of 16 and not 0.
//
//go:noescape
func widenI8NEON(dst *float32, src *int8, scale float32, n int)

// widenBlocksNEON is widenBlocksGeneric's twin.
//
//go:noescape
func widenBlocksNEON(dst *float32, src *int8, scales *uint16, blocks int)

// vectorVariants returns what every arm64 has, the fastest first.
func vectorVariants() []vectorKernels {
	return []vectorKernels{
		{"NEON", addNEON, scaleNEON, scaleMulNEON, swiGLUNEON,
			squaresNEON, rotateNEON, lineMaxNEON, lineExpNEON,
			widenF16NEON, widenBF16NEON, narrowF16NEON, narrowBF16NEON, widenI8NEON, widenBlocksNEON},
		{name: "generic"},
	}
}
