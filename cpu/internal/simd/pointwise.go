// SPDX-License-Identifier: Apache-2.0

package simd

// Add sets dst[i] = x[i] + y[i]. dst may be x or y.
func Add(dst, x, y []float32) {
	sameLength("Add", len(dst), len(x), len(y))
	n := 0
	if k := vectorChosen.add; k != nil && len(dst) >= vectorStep {
		n = whole(len(dst))
		k(&dst[0], &x[0], &y[0], n)
	}
	addGeneric(dst[n:], x[n:], y[n:])
}

func addGeneric(dst, x, y []float32) {
	x, y = x[:len(dst)], y[:len(dst)]
	for i := range dst {
		dst[i] = x[i] + y[i]
	}
}

// Scale sets dst[i] = x[i]·scale. dst may be x.
func Scale(dst, x []float32, scale float32) {
	sameLength("Scale", len(dst), len(x))
	n := 0
	if k := vectorChosen.scale; k != nil && len(dst) >= vectorStep {
		n = whole(len(dst))
		k(&dst[0], &x[0], scale, n)
	}
	scaleGeneric(dst[n:], x[n:], scale)
}

func scaleGeneric(dst, x []float32, scale float32) {
	x = x[:len(dst)]
	for i := range dst {
		dst[i] = x[i] * scale
	}
}

// ScaleMul sets dst[i] = (x[i]·scale)·w[i]. dst may be x.
func ScaleMul(dst, x []float32, scale float32, w []float32) {
	sameLength("ScaleMul", len(dst), len(x), len(w))
	n := 0
	if k := vectorChosen.scaleMul; k != nil && len(dst) >= vectorStep {
		n = whole(len(dst))
		k(&dst[0], &x[0], scale, &w[0], n)
	}
	scaleMulGeneric(dst[n:], x[n:], scale, w[n:])
}

func scaleMulGeneric(dst, x []float32, scale float32, w []float32) {
	x, w = x[:len(dst)], w[:len(dst)]
	for i := range dst {
		dst[i] = x[i] * scale * w[i]
	}
}

// SwiGLU sets dst[i] = gate[i] / (1 + Exp(-gate[i])) · up[i]. dst may be gate or up.
func SwiGLU(dst, gate, up []float32) {
	sameLength("SwiGLU", len(dst), len(gate), len(up))
	n := 0
	if k := vectorChosen.swiGLU; k != nil && len(dst) >= vectorStep {
		n = whole(len(dst))
		k(&dst[0], &gate[0], &up[0], n)
	}
	swiGLUGeneric(dst[n:], gate[n:], up[n:])
}

func swiGLUGeneric(dst, gate, up []float32) {
	gate, up = gate[:len(dst)], up[:len(dst)]
	for i := range dst {
		g := gate[i]
		dst[i] = g / (1 + Exp(-g)) * up[i]
	}
}

// SumSquares returns Σ x[i]². It adds in float64, where the squares of float32 are
// exact: a float32 sum would overflow at 1.8e19. Sixteen sums are kept, of elements
// sixteen apart, and added by halves; elements past a multiple of sixteen follow.
func SumSquares(x []float32) float64 {
	n := whole(len(x))
	sum := 0.0
	if k := vectorChosen.squares; k != nil && n > 0 {
		sum = k(&x[0], n)
	} else {
		sum = squaresGeneric(x[:n])
	}
	for _, v := range x[n:] {
		sum += float64(v) * float64(v)
	}
	return sum
}

func squaresGeneric(x []float32) float64 {
	var sums [vectorStep]float64
	for ; len(x) >= vectorStep; x = x[vectorStep:] {
		for i, v := range x[:vectorStep] {
			sums[i] += float64(v) * float64(v)
		}
	}
	for half := vectorStep / 2; half > 0; half /= 2 {
		for i := range half {
			sums[i] += sums[half+i]
		}
	}
	return sums[0]
}

// Rotate turns every head of x, pairing element i with i + headDim/2.
//
//	x       [heads, headDim]
//	angles  [headDim] cos, then sin
func Rotate(x, angles []float32) {
	half := len(angles) / 2
	if len(angles)%2 != 0 || half == 0 || len(x)%(2*half) != 0 {
		panic("simd: Rotate: wrong lengths")
	}
	if k := vectorChosen.rotate; k != nil && half%rotateStep == 0 && len(x) > 0 {
		k(&x[0], &angles[0], half, len(x)/(2*half))
		return
	}
	rotateGeneric(x, angles)
}

func rotateGeneric(x, angles []float32) {
	half := len(angles) / 2
	cos, sin := angles[:half], angles[half:]
	for ; len(x) > 0; x = x[2*half:] {
		x0, x1 := x[:half], x[half:2*half]
		for i, c := range cos {
			s, u, v := sin[i], x0[i], x1[i]
			x0[i], x1[i] = float32(u*c)-float32(v*s), float32(v*c)+float32(u*s)
		}
	}
}
