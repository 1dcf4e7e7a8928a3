// SPDX-License-Identifier: Apache-2.0

package loops

import (
	"math"
	"unsafe"

	"github.com/zenlm/zen/cpu/internal/simd"
)

// vectorStep is the elements of a step, which are added to as many sums. What is
// left after whole steps is a step with zeros behind it.
const vectorStep = 64

// whole returns the elements in whole steps.
func whole(n int) int { return n &^ (vectorStep - 1) }

// rest copies what is left after n elements.
func rest(x []float32, n int) (step [vectorStep]float32) {
	copy(step[:], x[n:])
	return step
}

// Dot returns the inner product of two vectors of one length:
//
//	for i := range x {
//		sum[i%64] = fma(x[i], y[i], sum[i%64])
//	}
//	return Σ sum, halves added to halves; then the same of the rest after whole steps
func Dot(x, y []float32) float32 {
	if len(x) != len(y) {
		panic("loops: Dot: lengths differ")
	}
	n, sum := whole(len(x)), float32(0)
	if n > 0 {
		sum = dot(&x[0], &y[0], n)
	}
	if n < len(x) {
		a, b := rest(x, n), rest(y, n)
		sum += dot(&a[0], &b[0], vectorStep)
	}
	return sum
}

func dotGeneric(x, y *float32, n int) float32 {
	var sums [vectorStep]float32
	a, b := slice(x, n), slice(y, n)
	for i, v := range a {
		sums[i%vectorStep] = simd.FMA(v, b[i], sums[i%vectorStep])
	}
	return fold(sums[:])
}

// fold adds the upper half of sums to the lower, down to one. Their number is a
// power of two.
func fold[F float32 | float64](sums []F) F {
	for n := len(sums) / 2; n > 0; n /= 2 {
		for i := range n {
			sums[i] += sums[n+i]
		}
	}
	return sums[0]
}

// DotDouble is Dot with sums in float64, 32 of them.
func DotDouble(x, y []float32) float64 {
	if len(x) != len(y) {
		panic("loops: DotDouble: lengths differ")
	}
	n, sum := whole(len(x)), 0.0
	if n > 0 {
		sum = dotDouble(&x[0], &y[0], n)
	}
	if n < len(x) {
		a, b := rest(x, n), rest(y, n)
		sum += dotDouble(&a[0], &b[0], vectorStep)
	}
	return sum
}

func dotDoubleGeneric(x, y *float32, n int) float64 {
	var sums [vectorStep / 2]float64
	a, b := slice(x, n), slice(y, n)
	for i, v := range a {
		sums[i%len(sums)] += float64(v) * float64(b[i]) // an exact product
	}
	return fold(sums[:])
}

// SumSquares is DotDouble(x, x).
func SumSquares(x []float32) float64 {
	n, sum := whole(len(x)), 0.0
	if n > 0 {
		sum = squares(&x[0], n)
	}
	if n < len(x) {
		a := rest(x, n)
		sum += squares(&a[0], vectorStep)
	}
	return sum
}

func squaresGeneric(x *float32, n int) float64 { return dotDoubleGeneric(x, x, n) }

// Asum returns the sum of magnitudes, in the order of Dot.
func Asum(x []float32) float32 {
	n, sum := whole(len(x)), float32(0)
	if n > 0 {
		sum = asum(&x[0], n)
	}
	if n < len(x) {
		a := rest(x, n)
		sum += asum(&a[0], vectorStep)
	}
	return sum
}

func asumGeneric(x *float32, n int) float32 {
	var sums [vectorStep]float32
	for i, v := range slice(x, n) {
		sums[i%vectorStep] += abs(v)
	}
	return fold(sums[:])
}

// MaxAbs returns the largest magnitude, or 0 if there is none; NaN is passed over.
func MaxAbs(x []float32) float32 {
	n, largest := whole(len(x)), float32(0)
	if n > 0 {
		largest = max(largest, maxAbs(&x[0], n))
	}
	if n < len(x) {
		a := rest(x, n)
		largest = max(largest, maxAbs(&a[0], vectorStep))
	}
	return largest
}

// maxAbsGeneric returns -1 where all are NaN.
func maxAbsGeneric(x *float32, n int) float32 {
	largest := float32(-1)
	for _, v := range slice(x, n) {
		if a := abs(v); a > largest {
			largest = a
		}
	}
	return largest
}

// Axpy sets y[i] = fma(alpha, x[i], y[i]) for vectors of one length.
func Axpy(y []float32, alpha float32, x []float32) {
	if len(x) != len(y) {
		panic("loops: Axpy: lengths differ")
	}
	n := whole(len(x))
	if n > 0 {
		axpy(&y[0], &x[0], n, alpha)
	}
	if n < len(x) {
		a, b := rest(x, n), rest(y, n)
		axpy(&b[0], &a[0], vectorStep, alpha)
		copy(y[n:], b[:])
	}
}

func axpyGeneric(y, x *float32, n int, alpha float32) {
	a, b := slice(x, n), slice(y, n)
	for i, v := range a {
		b[i] = simd.FMA(alpha, v, b[i])
	}
}

// axpyRows is the rows that Axpy8 adds.
const axpyRows = 8

// Axpy8 is Axpy with eight rows of x, one after the other:
//
//	for r := range 8 {
//		Axpy(y, alpha[r], x[r])
//	}
//
//	x  [8, len(y)]  rows stride apart
func Axpy8(y []float32, alpha *[axpyRows]float32, x []float32, stride int) {
	if stride < len(y) || len(x) < (axpyRows-1)*stride+len(y) {
		panic("loops: Axpy8: x is too short")
	}
	n := 0
	if Accelerated() {
		n = len(y) &^ 15
	}
	if n > 0 {
		axpy8(&y[0], alpha, &x[0], uintptr(4*stride), n)
	}
	for r := 0; r < axpyRows && n < len(y); r++ {
		Axpy(y[n:], alpha[r], x[r*stride+n:][:len(y)-n])
	}
}

// Scal sets x[i] *= alpha.
func Scal(x []float32, alpha float32) {
	n := whole(len(x))
	if n > 0 {
		scal(&x[0], n, alpha)
	}
	if n < len(x) {
		a := rest(x, n)
		scal(&a[0], vectorStep, alpha)
		copy(x[n:], a[:])
	}
}

func scalGeneric(x *float32, n int, alpha float32) {
	a := slice(x, n)
	for i := range a {
		a[i] *= alpha
	}
}

func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

func slice(x *float32, n int) []float32 { return unsafe.Slice(x, n) }
