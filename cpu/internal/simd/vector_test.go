// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tensor"
)

// eachVector runs test with every variant this processor has, one at a time.
func eachVector(t *testing.T, test func(t *testing.T)) {
	defer func(k vectorKernels) { vectorChosen = k }(vectorChosen)
	for _, k := range vectorVariants() {
		vectorChosen = k
		t.Run(k.name, test)
	}
}

// anyFloat is usually a number as activations are, else any bits.
func anyFloat(rng *rand.Rand) float32 {
	switch rng.IntN(12) {
	case 0:
		return math.Float32frombits(rng.Uint32())
	case 1:
		return float32(rng.NormFloat64() * 60) // where exponentials end
	}
	return float32(rng.NormFloat64())
}

const canary = 12345

// guarded returns n values between canaries, at any of four alignments.
func guarded[T float32 | uint16](rng *rand.Rand, n int, value func() T) (whole, part []T) {
	whole = make([]T, n+8)
	for i := range whole {
		whole[i] = canary
	}
	start := 1 + rng.IntN(4)
	part = whole[start : start+n : start+n]
	for i := range part {
		part[i] = value()
	}
	return whole, part
}

// intact fails where something beside part was written.
func intact[T float32 | uint16](t *testing.T, whole, part []T) {
	t.Helper()
	changed := 0
	for _, v := range whole {
		if v != canary {
			changed++
		}
	}
	require.LessOrEqual(t, changed, len(part))
	require.Equal(t, []T{canary, canary, canary}, []T{whole[0], whole[len(whole)-1], whole[len(whole)-2]})
}

// Every loop gives the bits of the Go loop, for every length and alignment, also
// in place, and writes nothing else.
func TestVectorVariants(t *testing.T) {
	type operation struct {
		name      string
		run, want func(dst, x, y []float32)
	}
	operations := []operation{
		{"Add", Add, addGeneric},
		{"Scale", func(dst, x, _ []float32) { Scale(dst, x, -1.7) }, func(dst, x, _ []float32) { scaleGeneric(dst, x, -1.7) }},
		{"ScaleMul", func(dst, x, y []float32) { ScaleMul(dst, x, 0.3, y) },
			func(dst, x, y []float32) { scaleMulGeneric(dst, x, 0.3, y) }},
		{"SwiGLU", SwiGLU, swiGLUGeneric},
	}
	eachVector(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		value := func() float32 { return anyFloat(rng) }
		for n := range 101 {
			for _, op := range operations {
				_, x := guarded(rng, n, value)
				_, y := guarded(rng, n, value)
				want := make([]float32, n)
				op.want(want, x, y)
				whole, dst := guarded(rng, n, value)
				op.run(dst, x, y)
				require.Equal(t, floatBits(want), floatBits(dst), "%s of %d", op.name, n)
				intact(t, whole, dst)
				op.run(y, x, y)
				require.Equal(t, floatBits(want), floatBits(y), "%s of %d in place", op.name, n)
			}
		}
	})
}

func TestSwiGLUEverySize(t *testing.T) {
	eachVector(t, func(t *testing.T) {
		gate, one := make([]float32, 0, 1<<16), make([]float32, 1<<16)
		for i := range 1 << 16 { // every exponent, either sign
			gate = append(gate, math.Float32frombits(uint32(i)<<16|uint32(i*40503)&0xffff))
			one[i] = 1
		}
		want, got := make([]float32, 1<<16), make([]float32, 1<<16)
		swiGLUGeneric(want, gate, one)
		SwiGLU(got, gate, one)
		require.Equal(t, floatBits(want), floatBits(got))
	})
}

func TestSumSquaresVariants(t *testing.T) {
	eachVector(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for n := range 101 {
			_, x := guarded(rng, n, func() float32 { return float32(rng.NormFloat64()) * 1e18 })
			want, exact := squaresGeneric(x[:whole(n)]), 0.0
			for i, v := range x {
				exact += float64(v) * float64(v)
				if i >= whole(n) {
					want += float64(v) * float64(v)
				}
			}
			require.Equal(t, math.Float64bits(want), math.Float64bits(SumSquares(x)), n)
			require.InEpsilon(t, exact+1, want+1, 1e-13)
		}
		x := make([]float32, 40)
		for _, i := range []int{3, 37} {
			x[i] = float32(math.NaN())
			require.True(t, math.IsNaN(SumSquares(x)))
			x[i] = 0
		}
	})
}

func TestRotateVariants(t *testing.T) {
	eachVector(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		value := func() float32 { return anyFloat(rng) }
		for half := 1; half < 70; half++ {
			heads := rng.IntN(4)
			whole, x := guarded(rng, 2*half*heads, value)
			_, angles := guarded(rng, 2*half, value)
			want := append([]float32(nil), x...)
			rotateGeneric(want, angles)
			Rotate(x, angles)
			require.Equal(t, floatBits(want), floatBits(x), "half %d, %d heads", half, heads)
			intact(t, whole, x)
		}
	})
	require.Panics(t, func() { Rotate(make([]float32, 5), make([]float32, 4)) })
	require.Panics(t, func() { Rotate(nil, nil) })
}

func TestLineVariants(t *testing.T) {
	eachVector(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for lines := range 6 {
			for range 40 {
				all, scores := guarded(rng, lines*TileScores, func() float32 {
					if rng.IntN(9) == 0 {
						return float32(math.Inf(-1))
					}
					return anyFloat(rng)
				})
				want, got := make([]float32, lines), make([]float32, lines)
				lineMaxGeneric(want, scores)
				LineMax(got, scores)
				require.Equal(t, want, got, "no NaN is a maximum")
				bases := append([]float32(nil), want...)
				exps, sums := append([]float32(nil), scores...), make([]float32, lines)
				lineExpGeneric(sums, bases, exps)
				LineExp(got, bases, scores)
				require.Equal(t, floatBits(exps), floatBits(scores))
				require.Equal(t, floatBits(sums), floatBits(got))
				intact(t, all, scores)
			}
		}
	})
}

func TestVectorLengthsPanic(t *testing.T) {
	x, y := make([]float32, 32), make([]float32, 31)
	for name, f := range map[string]func(){
		"Add":      func() { Add(x, x, y) },
		"Scale":    func() { Scale(x, y, 1) },
		"ScaleMul": func() { ScaleMul(x, x, 1, y) },
		"SwiGLU":   func() { SwiGLU(x, y, x) },
		"LineMax":  func() { LineMax(x[:1], x) },
		"LineExp":  func() { LineExp(x[:1], x[:1], x) },
		"widen":    func() { WidenF16(x, make([]uint16, 31)) },
		"narrow":   func() { NarrowBF16(make([]uint16, 33), x) },
		"WidenI8":  func() { WidenI8(x, make([]int8, 31), 1) },
	} {
		require.Panics(t, f, name)
	}
}

// BenchmarkVector times the loops over rows that stay in the first-level cache.
func BenchmarkVector(b *testing.B) {
	const n = 2048
	x, y, dst := make([]float32, n), make([]float32, n), make([]float32, n)
	half, quants := make([]uint16, n), make([]int8, n)
	rng := rand.New(rand.NewPCG(9, 9))
	for i := range x {
		x[i], y[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
		half[i] = tensor.F32ToF16(x[i])
	}
	angles := make([]float32, 64)
	for i := range angles {
		angles[i] = []float32{0.6, 0.8}[i/32] // turned again and again, values keep their size
	}
	lines, sums := n/TileScores, make([]float32, n/TileScores)
	defer func(k vectorKernels) { vectorChosen = k }(vectorChosen)
	for _, op := range []struct {
		name  string
		bytes int // of an element, read and written
		run   func()
	}{
		{"Add", 12, func() { Add(dst, x, y) }},
		{"SwiGLU", 12, func() { SwiGLU(dst, x, y) }},
		{"SumSquares", 4, func() { SumSquares(x) }},
		{"ScaleMul", 12, func() { ScaleMul(dst, x, 2, y) }},
		{"Rotate", 8, func() { Rotate(x, angles) }},
		{"WidenF16", 6, func() { WidenF16(dst, half) }},
		{"WidenBF16", 6, func() { WidenBF16(dst, half) }},
		{"NarrowF16", 6, func() { NarrowF16(half, x) }},
		{"NarrowBF16", 6, func() { NarrowBF16(half, x) }},
		{"WidenI8", 5, func() { WidenI8(dst, quants, 2) }},
		{"LineMax", 4, func() { LineMax(sums[:lines], x) }},
		{"LineExp", 8, func() { copy(dst, x); LineExp(sums[:lines], y[:lines], dst) }},
	} {
		for _, k := range vectorVariants() {
			vectorChosen = k
			b.Run(fmt.Sprintf("op=%s/impl=%s/n=%d", op.name, k.name, n), func(b *testing.B) {
				b.SetBytes(int64(op.bytes * n))
				for b.Loop() {
					op.run()
				}
			})
		}
	}
}
