// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func eachTile(t *testing.T, test func(t *testing.T)) {
	defer func(k tileKernels) { tileChosen = k }(tileChosen)
	for _, k := range tileVariants() {
		tileChosen = k
		t.Run(k.name, test)
	}
}

// tileProduct returns random operands with rows that do not touch.
func tileProduct(rng *rand.Rand, lines, inner, columns int) *TileProduct {
	p := &TileProduct{Lines: lines, Inner: inner, Columns: columns, Add: rng.IntN(2) == 0,
		CStride: columns + rng.IntN(3), AStride: inner + rng.IntN(5), BStride: columns + rng.IntN(7)}
	value := func() float32 { return float32(rng.NormFloat64()) }
	_, p.C = guarded(rng, (lines-1)*p.CStride+columns, value)
	_, p.A = guarded(rng, (lines-1)*p.AStride+inner, value)
	_, p.B = guarded(rng, (inner-1)*p.BStride+columns, value)
	return p
}

// narrow makes B one of 16 bits and returns what it holds.
func (p *TileProduct) narrow(rng *rand.Rand) (wide []float32) {
	wide = make([]float32, len(p.B))
	_, p.B16 = guarded(rng, len(p.B), func() uint16 { return 0 })
	if p.BF16 = rng.IntN(2) == 0; p.BF16 {
		narrowBF16Generic(p.B16, p.B)
		widenBF16Generic(wide, p.B16)
	} else {
		narrowF16Generic(p.B16, p.B)
		widenF16Generic(wide, p.B16)
	}
	p.B = nil
	return wide
}

// chain is the sum of one element as assembly computes it, and its size.
func (p *TileProduct) chain(c, b []float32, i, j int) (sum float32, size float64) {
	if p.Add {
		sum = c[i*p.CStride+j]
	}
	size = math.Abs(float64(sum))
	for k := range p.Inner {
		a, b := p.A[i*p.AStride+k], b[k*p.BStride+j]
		sum = fma(a, b, sum)
		size += math.Abs(float64(a) * float64(b))
	}
	return sum, size
}

// Assembly gives the bits of chains of fused operations, the Go loop nearly, and
// nothing else is written.
func TestMultiplyTileVariants(t *testing.T) {
	eachTile(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for lines := 1; lines <= 33; lines++ {
			for _, columns := range []int{32, 64, 96} {
				p := tileProduct(rng, lines, 1+rng.IntN(70), columns)
				before, b := append([]float32(nil), p.C...), p.B
				if rng.IntN(2) == 0 {
					b = p.narrow(rng)
				}
				if rng.IntN(2) == 0 {
					p.Ahead = make([]uint16, p.Inner*p.Columns) // changes nothing
				}
				MultiplyTile(p)
				for i, got := range p.C {
					if i%p.CStride >= columns {
						require.Equal(t, before[i], got, "between rows")
						continue
					}
					want, size := p.chain(before, b, i/p.CStride, i%p.CStride)
					if tileChosen.multiply != nil {
						require.Equal(t, math.Float32bits(want), math.Float32bits(got), "%d lines, element %d", lines, i)
					}
					require.InDelta(t, want, got, 1e-6*size)
				}
			}
		}
	})
}

// A row's bits do not depend on how many are computed with it.
func TestMultiplyTileRowsAlone(t *testing.T) {
	eachTile(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		p := tileProduct(rng, 30, 64, 64)
		p.Add = false
		MultiplyTile(p)
		for i := range p.Lines {
			one := *p
			one.Lines, one.A, one.C = 1, p.A[i*p.AStride:], make([]float32, 64)
			MultiplyTile(&one)
			require.Equal(t, p.C[i*p.CStride:][:64], one.C)
		}
	})
}

// What is not finite stays in its row or column; what C held does not matter where
// nothing is added to it.
func TestMultiplyTileNonFinite(t *testing.T) {
	eachTile(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
			p := tileProduct(rng, 9, 20, 32)
			p.Add = false
			for i := range p.C {
				p.C[i] = bad
			}
			p.A[3*p.AStride+5], p.B[7*p.BStride+11] = bad, bad
			MultiplyTile(p)
			for i := range p.Lines {
				for j, v := range p.C[i*p.CStride:][:32] {
					require.Equal(t, i == 3 || j == 11, v-v != 0, "%d %d", i, j)
				}
			}
		}
	})
}

func TestTransposeTileVariants(t *testing.T) {
	eachTile(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, columns := range []int{0, 4, 8, 12, 64, 100} {
			stride := columns + rng.IntN(9)
			_, src := guarded(rng, TileScores*stride, rng.Float32)
			whole, dst := guarded(rng, TileScores*columns, rng.Float32)
			TransposeTile(dst, src, stride, columns)
			for i := range columns {
				for j := range TileScores {
					require.Equal(t, src[j*stride+i], dst[i*TileScores+j])
				}
			}
			intact(t, whole, dst)
		}
	})
}

func TestTransposeWordsVariants(t *testing.T) {
	eachTile(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, columns := range []int{8, 16, 64, 104} {
			_, src := guarded(rng, WordRows*columns, func() uint16 { return uint16(rng.Uint32()) })
			dst := make([]uint16, TileScores*columns)
			TransposeWords(dst, src, columns)
			for i, got := range dst {
				want := uint16(0)
				if j := i % TileScores; j < WordRows {
					want = src[j*columns+i/TileScores]
				}
				require.Equal(t, want, got)
			}
		}
	})
	require.Panics(t, func() { TransposeWords(make([]uint16, 480), make([]uint16, 255), 8) })
	require.Panics(t, func() { TransposeWords(make([]uint16, 479), make([]uint16, 256), 8) })
}

func TestTileLengthsPanic(t *testing.T) {
	for name, spoil := range map[string]func(p *TileProduct){
		"columns": func(p *TileProduct) { p.Columns = 16 },
		"c":       func(p *TileProduct) { p.C = p.C[1:] },
		"a":       func(p *TileProduct) { p.A = p.A[1:] },
		"b":       func(p *TileProduct) { p.B = p.B[1:] },
		"stride":  func(p *TileProduct) { p.CStride = 31 },
	} {
		p := tileProduct(rand.New(rand.NewPCG(4, 4)), 3, 5, 32)
		spoil(p)
		require.Panics(t, func() { MultiplyTile(p) }, name)
	}
	MultiplyTile(&TileProduct{})
	require.Panics(t, func() { TransposeTile(make([]float32, 256), make([]float32, 255), 4, 4) })
	require.Panics(t, func() { TransposeTile(make([]float32, 384), make([]float32, 384), 6, 6) })
}

func BenchmarkTile(b *testing.B) {
	defer func(k tileKernels) { tileChosen = k }(tileChosen)
	for _, k := range tileVariants() {
		tileChosen = k
		for _, lines := range []int{1, 7, 8, 112} {
			for _, inner := range []int{64, 128} {
				b.Run(fmt.Sprintf("op=multiply/impl=%s/lines=%d/k=%d/n=64", k.name, lines, inner), func(b *testing.B) {
					p := tileProduct(rand.New(rand.NewPCG(1, 1)), lines, inner, 64)
					p.Add = false
					b.SetBytes(int64(4 * inner * 64))
					for b.Loop() {
						MultiplyTile(p)
					}
					b.ReportMetric(2*float64(lines*inner*64)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
		b.Run(fmt.Sprintf("op=transpose/impl=%s/n=64", k.name), func(b *testing.B) {
			src, dst := make([]float32, 64*64), make([]float32, 64*64)
			b.SetBytes(4 * 64 * 64)
			for b.Loop() {
				TransposeTile(dst, src, 64, 64)
			}
		})
	}
}
