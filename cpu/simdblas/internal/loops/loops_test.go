// SPDX-License-Identifier: Apache-2.0

package loops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/cpu/internal/simd"
)

// eachVariant runs test with every variant this processor has, one at a time.
func eachVariant(t *testing.T, test func(t *testing.T)) {
	Each(func(name string) { t.Run(name, test) })
}

// guarded returns n random values at an offset in memory that is NaN before and
// behind them.
func guarded(rng *rand.Rand, n, offset int) []float32 {
	const guard = 80
	m := make([]float32, guard+offset+n+guard)
	for i := range m {
		m[i] = float32(math.NaN())
	}
	v := m[guard+offset:][:n:n]
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

// floatBits are the values with all NaNs alike.
func floatBits(v []float32) []uint32 {
	b := make([]uint32, len(v))
	for i, x := range v {
		b[i] = math.Float32bits(x)
		if x != x {
			b[i] = 0x7fc00000
		}
	}
	return b
}

func bitsOf(v float32) uint32 { return floatBits([]float32{v})[0] }

// Every variant gives the bits of the Go loops, for all lengths and alignments, reads
// nothing beside its operands and writes nothing else.
func TestVectorVariants(t *testing.T) {
	eachVariant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for n := range 200 {
			for offset := range 4 {
				x, y := guarded(rng, n, offset), guarded(rng, n, (offset+1)%4)
				best := chosen
				chosen = plain()
				dot, double, squares := Dot(x, y), DotDouble(x, y), SumSquares(x)
				asum, largest := Asum(x), MaxAbs(x)
				axpy, scal := framed(y), framed(y)
				Axpy(inside(axpy), 1.7, x)
				Scal(inside(scal), -0.3)
				chosen = best

				require.Equal(t, bitsOf(dot), bitsOf(Dot(x, y)), n)
				require.Equal(t, double, DotDouble(x, y), n)
				require.Equal(t, squares, SumSquares(x), n)
				require.Equal(t, bitsOf(asum), bitsOf(Asum(x)), n)
				require.Equal(t, largest, MaxAbs(x), n)
				got := framed(y)
				Axpy(inside(got), 1.7, x)
				require.Equal(t, axpy, got, n)
				got = framed(y)
				Scal(inside(got), -0.3)
				require.Equal(t, scal, got, n)
			}
		}
	})
}

const frame = 70

// framed returns a copy of x with canaries on both sides, and inside what is between
// them.
func framed(x []float32) []float32 {
	f := make([]float32, len(x)+2*frame)
	for i := range f {
		f[i] = 777
	}
	copy(inside(f), x)
	return f
}

func inside(framed []float32) []float32 { return framed[frame : len(framed)-frame] }

// Axpy8 has the bits of eight Axpy.
func TestAxpy8Variants(t *testing.T) {
	eachVariant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(4, 2))
		for n := range 130 {
			stride := n + rng.IntN(4)
			x, y := guarded(rng, 7*stride+n, rng.IntN(4)), guarded(rng, n, rng.IntN(4))
			alpha := [8]float32(guarded(rng, 8, 0))
			want, got := framed(y), framed(y)
			for r := range alpha {
				row := x[r*stride:][:n]
				for i, v := range row {
					want[frame+i] = simd.FMA(alpha[r], v, want[frame+i])
				}
			}
			Axpy8(inside(got), &alpha, x, stride)
			require.Equal(t, want, got, n)
			if n > 0 {
				require.Panics(t, func() { Axpy8(inside(got), &alpha, x[1:], stride) })
				require.Panics(t, func() { Axpy8(inside(got), &alpha, x, n-1) })
			}
		}
	})
}

// The loops against float64, and NaN and infinity wherever they are.
func TestVectorLoops(t *testing.T) {
	eachVariant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 2))
		for _, n := range []int{1, 2, 63, 64, 65, 1000} {
			x, y := guarded(rng, n, 1), guarded(rng, n, 2)
			want, size, asum, largest := 0.0, 0.0, 0.0, 0.0
			for i, v := range x {
				want += float64(v) * float64(y[i])
				size += math.Abs(float64(v) * float64(y[i]))
				asum += math.Abs(float64(v))
				largest = max(largest, math.Abs(float64(v)))
			}
			require.InDelta(t, want, float64(Dot(x, y)), 1e-6*size)
			require.InDelta(t, want, DotDouble(x, y), 1e-14*size)
			require.InDelta(t, asum, float64(Asum(x)), 1e-6*asum)
			require.EqualValues(t, float32(largest), MaxAbs(x))
			for i := range x {
				kept := x[i]
				x[i] = float32(math.NaN())
				require.True(t, math.IsNaN(float64(Dot(x, y))), "%d of %d", i, n)
				require.True(t, math.IsNaN(SumSquares(x)), "%d of %d", i, n)
				require.True(t, math.IsNaN(float64(Asum(x))), "%d of %d", i, n)
				require.False(t, math.IsNaN(float64(MaxAbs(x))), "%d of %d", i, n)
				x[i] = float32(math.Inf(-1))
				require.True(t, math.IsInf(SumSquares(x), 1), "%d of %d", i, n)
				require.True(t, math.IsInf(float64(MaxAbs(x)), 1), "%d of %d", i, n)
				x[i] = kept
			}
		}
		require.Zero(t, Dot(nil, nil))
		require.Zero(t, MaxAbs([]float32{float32(math.NaN())}))
	})
}

// A tile has the bits of the Go loop, for every number of rows, and nothing beside it
// is written.
func TestTileVariants(t *testing.T) {
	const canary = 777
	eachVariant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 2))
		tileRows, cols := TileSize()
		for rows := 1; rows <= tileRows; rows++ {
			for _, k := range []int{1, 2, 3, 17, 64} {
				stride := cols + rng.IntN(9)
				a, b := guarded(rng, k*tileRows, rng.IntN(4)), guarded(rng, k*cols, rng.IntN(4))
				for i := range a {
					if i%tileRows >= rows { // not this tile's
						a[i] = float32(math.NaN())
					}
				}
				want := guarded(rng, tileRows*stride+8, rng.IntN(4))
				for i := range want {
					if at := i - 4; at < 0 || at%stride >= cols || at/stride >= rows {
						want[i] = canary
					}
				}
				got := append([]float32(nil), want...)
				tileGeneric(want[4:], stride, a, b, k, rows, 0.9)
				Tile(got[4:], stride, a, b, k, rows, 0.9)
				require.Equal(t, floatBits(want), floatBits(got), "%d rows, k %d", rows, k)
			}
		}
	})
}

func TestPackVariants(t *testing.T) {
	const canary = 777
	eachVariant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(6, 2))
		for rows := 1; rows <= 37; rows++ {
			for _, columns := range []int{1, 2, 3, 4, 5, 8, 11, 64, 67} {
				stride, width := columns+rng.IntN(5), rows+rng.IntN(5)
				src := guarded(rng, (rows-1)*stride+columns, rng.IntN(4))
				dst := make([]float32, (columns-1)*width+rows+8)
				for i := range dst {
					dst[i] = canary
				}
				Pack(dst[4:len(dst)-4], width, src, stride, rows, columns)
				for i, v := range dst {
					at, want := i-4, float32(canary)
					if at >= 0 && at%width < rows && at/width < columns {
						want = src[at%width*stride+at/width]
					}
					require.Equal(t, want, v, "%d x %d at %d", rows, columns, i)
				}
			}
		}
	})
}

func TestShortOperandsPanic(t *testing.T) {
	eachVariant(t, func(t *testing.T) {
		rows, cols := TileSize()
		a, b, c := make([]float32, 2*rows), make([]float32, 2*cols), make([]float32, rows*cols)
		require.NotPanics(t, func() { Tile(c, cols, a, b, 2, rows, 1) })
		require.Panics(t, func() { Tile(c[1:], cols, a, b, 2, rows, 1) })
		require.Panics(t, func() { Tile(c, cols, a[1:], b, 2, rows, 1) })
		require.Panics(t, func() { Tile(c, cols, a, b[1:], 2, rows, 1) })
		require.Panics(t, func() { Tile(c, cols, a, b, 0, rows, 1) })
		require.Panics(t, func() { Tile(c, cols, a, b, 2, rows+1, 1) })
		require.Panics(t, func() { Tile(c, cols-1, a, b, 2, rows, 1) })
		require.NotPanics(t, func() { Pack(make([]float32, 8), 2, make([]float32, 8), 4, 2, 4) })
		require.Panics(t, func() { Pack(make([]float32, 7), 2, make([]float32, 8), 4, 2, 4) })
		require.Panics(t, func() { Pack(make([]float32, 8), 2, make([]float32, 7), 4, 2, 4) })
		require.Panics(t, func() { Pack(make([]float32, 8), 1, make([]float32, 8), 4, 2, 4) })
		for _, f := range []func(x, y []float32){
			func(x, y []float32) { Dot(x, y) }, func(x, y []float32) { DotDouble(x, y) },
			func(x, y []float32) { Axpy(y, 1, x) },
		} {
			require.Panics(t, func() { f(make([]float32, 3), make([]float32, 4)) })
		}
	})
}

func BenchmarkVector(b *testing.B) {
	rng := rand.New(rand.NewPCG(8, 8))
	for _, n := range []int{32, 256, 4096} {
		x, y := guarded(rng, n, 0), guarded(rng, n, 0)
		Each(func(name string) {
			for op, f := range map[string]func(){
				"dot": func() { Dot(x, y) }, "axpy": func() { Axpy(y, 1e-3, x) },
			} {
				b.Run(fmt.Sprintf("op=%s/impl=%s/n=%d", op, name, n), func(b *testing.B) {
					b.SetBytes(int64(8 * n))
					for b.Loop() {
						f()
					}
				})
			}
		})
	}
}
