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

// eachDots runs test with every variant this processor has, one at a time.
func eachDots(t *testing.T, test func(t *testing.T)) {
	defer func(k dotKernels) { dotsChosen = k }(dotsChosen)
	for _, k := range dotVariants() {
		dotsChosen = k
		t.Run(k.name, test)
	}
}

var dotTypes = []tensor.DType{tensor.F32, tensor.F16, tensor.BF16}

// dotProduct returns random operands between NaNs, at any alignment of an element.
func dotProduct(rng *rand.Rand, dtype tensor.DType, rows, in, out int) *DotProduct {
	p := &DotProduct{Rows: rows, In: in, Out: out, Stride: out + rng.IntN(4)}
	start, n := rng.IntN(4)+1, in*out
	p.X = nans(rows*in + 40)[start:][:rows*in]
	for i := range p.X {
		p.X[i] = float32(rng.NormFloat64())
	}
	if dtype == tensor.F32 {
		p.F32 = nans(n + 40)[start:][:n]
		for i := range p.F32 {
			p.F32[i] = float32(rng.NormFloat64())
		}
		return p
	}
	w := make([]uint16, n+40)
	for i := range w {
		w[i] = 0x7fff // NaN in both types
	}
	w = w[start:][:n]
	for i := range w {
		w[i] = uint16(rng.IntN(0x4400)) | uint16(rng.IntN(2))<<15 // with subnormals
		if dtype == tensor.BF16 && rng.IntN(50) > 0 {
			w[i] = 0x3000 + w[i]&0x8fff // products of subnormals are slow, and rare in models
		}
	}
	if dtype == tensor.F16 {
		p.F16 = w
	} else {
		p.BF16 = w
	}
	return p
}

func nans(n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(math.NaN())
	}
	return s
}

// compute returns the product, computed between canaries.
func (p *DotProduct) compute(t *testing.T, f func(*DotProduct)) []float32 {
	t.Helper()
	whole := make([]float32, p.Rows*p.Stride+8)
	for i := range whole {
		whole[i] = canary
	}
	p.Dst = whole[4:][:(p.Rows-1)*p.Stride+p.Out]
	f(p)
	for i, v := range whole {
		if at := i - 4; (at < 0 || at >= len(p.Dst) || at%p.Stride >= p.Out) && v != canary {
			t.Fatalf("%d rows, %d inputs, %d outputs: wrote at %d", p.Rows, p.In, p.Out, at)
		}
	}
	return p.Dst
}

// Every variant gives the bits of the Go loop and writes nothing else, whatever the
// number of rows.
func TestDotsVariants(t *testing.T) {
	eachDots(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 7))
		for _, dtype := range dotTypes {
			for _, in := range []int{16, 32, 48, 96, 112, 896} {
				for _, out := range []int{4, 5, 7, 8, 19} {
					p := dotProduct(rng, dtype, []int{1, 2, 3, 5, 16}[rng.IntN(5)], in, out)
					want := floatBits(p.compute(t, dotsGeneric))
					require.Equal(t, want, floatBits(p.compute(t, Dots)), "%v, %d rows, %d inputs, %d outputs", dtype, p.Rows, in, out)
				}
			}
			p := dotProduct(rng, dtype, dotBytes/(4*896)+3, 896, 5) // more rows than stay in the cache
			want := floatBits(p.compute(t, dotsGeneric))
			require.Equal(t, want, floatBits(p.compute(t, Dots)), "%v, %d rows", dtype, p.Rows)
			for _, rows := range []int{dotMany - 1, dotMany, dotMany + 5} {
				p = dotProduct(rng, dtype, rows, 160, 9)
				want = floatBits(p.compute(t, dotsGeneric))
				require.Equal(t, want, floatBits(p.compute(t, Dots)), "%v, %d rows", dtype, rows)
			}
			// Two pieces of the inputs, one shorter, more tiles than stay in the cache, and rows of none.
			p = dotProduct(rng, dtype, dotTileBytes/(4*dotLanes*dotPiece)+2*dotsChosen.tile.rows-1, dotLanes*(2*dotPiece-1), 6)
			want = floatBits(p.compute(t, dotsGeneric))
			require.Equal(t, want, floatBits(p.compute(t, Dots)), "%v, %d rows, %d inputs", dtype, p.Rows, p.In)
			require.Equal(t, want, floatBits(p.compute(t, Dots)), "%v: with the scratch of the last", dtype)
		}
	})
}

// Every length up to 100: those that Dots takes between NaNs and at any alignment, with up
// to eight rows; the others it refuses.
func TestDotsOfEveryLength(t *testing.T) {
	eachDots(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(6, 7))
		for _, dtype := range dotTypes {
			for in := range 101 {
				rows, out := 1+rng.IntN(8), 4+rng.IntN(6)
				p := dotProduct(rng, dtype, rows, in, out)
				if in == 0 || in%dotLanes != 0 {
					p.Dst = make([]float32, rows*p.Stride)
					require.False(t, HasDots(out, in))
					require.Panics(t, func() { Dots(p) }, "%d inputs", in)
					continue
				}
				want := floatBits(p.compute(t, dotsGeneric))
				got := floatBits(p.compute(t, Dots))
				require.Equal(t, want, got, "%v, %d rows, %d inputs, %d outputs", dtype, rows, in, out)
				for i, v := range p.Dst {
					require.False(t, i%p.Stride < out && v != v, "%v: a NaN from outside at %d", dtype, i)
				}
				for r := range rows { // a row's bits are those that it has alone
					q := *p
					q.Rows, q.X = 1, p.X[r*in:][:in]
					alone := floatBits(q.compute(t, Dots))
					require.Equal(t, got[r*p.Stride:][:out], alone, "%v, row %d of %d", dtype, r, rows)
				}
			}
		}
	})
}

// Against sums in float64.
func TestDotsAreTheProduct(t *testing.T) {
	eachDots(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 7))
		for _, dtype := range dotTypes {
			p := dotProduct(rng, dtype, 2, 1024, 6)
			for i, got := range p.compute(t, Dots) {
				if i%p.Stride >= p.Out {
					continue
				}
				want, size := 0.0, 0.0
				for k := range p.In {
					v := float64(p.X[i/p.Stride*p.In+k]) * float64(p.weight(i%p.Stride*p.In+k))
					want, size = want+v, size+math.Abs(v)
				}
				diff := math.Abs(float64(got) - want)
				require.True(t, diff <= 0x1p-20*size, "%v: %v of %v", dtype, diff, size)
			}
		}
	})
}

// A value that is not finite shows in its own row and output, and nowhere else.
func TestDotsShowNonFinite(t *testing.T) {
	eachDots(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 7))
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			p := dotProduct(rng, tensor.BF16, 3, 48, 9)
			p.X[2*48+47] = float32(bad)
			p.BF16[5*48+3] = 0x7f80
			for i, v := range p.compute(t, Dots) {
				if r, o := i/p.Stride, i%p.Stride; o < p.Out {
					require.Equal(t, r == 2 || o == 5, v-v != 0, "row %d, output %d: %v", r, o, v)
				}
			}
		}
	})
}

func TestDotsShortOperandsPanic(t *testing.T) {
	for name, cut := range map[string]func(p *DotProduct){
		"dst":     func(p *DotProduct) { p.Dst = p.Dst[1:] },
		"stride":  func(p *DotProduct) { p.Stride = p.Out - 1 },
		"weights": func(p *DotProduct) { p.F16 = p.F16[1:] },
		"x":       func(p *DotProduct) { p.X = p.X[1:] },
		"rows":    func(p *DotProduct) { p.Rows = 0 },
		"in":      func(p *DotProduct) { p.In = 17 },
		"out":     func(p *DotProduct) { p.Out = 3 },
	} {
		p := dotProduct(rand.New(rand.NewPCG(4, 7)), tensor.F16, 2, 32, 5)
		p.Dst = make([]float32, p.Stride+p.Out)
		cut(p)
		require.Panics(t, func() { Dots(p) }, name)
	}
}

func BenchmarkDots(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 5))
	defer func(k dotKernels) { dotsChosen = k }(dotsChosen)
	for _, k := range dotVariants() {
		dotsChosen = k
		for _, dtype := range dotTypes {
			for _, rows := range []int{1, 16, 128} {
				b.Run(fmt.Sprintf("impl=%s/dtype=%v/rows=%d/k=2048", k.name, dtype, rows), func(b *testing.B) {
					p := dotProduct(rng, dtype, rows, 2048, 64)
					p.Dst = make([]float32, rows*p.Stride)
					b.SetBytes(int64(2048 * 64 * dtype.Size()))
					for b.Loop() {
						Dots(p)
					}
					b.ReportMetric(2*float64(rows*2048*64)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
