// SPDX-License-Identifier: Apache-2.0

package simd

// FMA returns a·b + c, rounded once.
func FMA(a, b, c float32) float32 { return fma(a, b, c) }

// The compiler makes one FMADDS of this; TestFMARoundsOnce fails if it does not.
func fma(a, b, c float32) float32 { return a*b + c }
