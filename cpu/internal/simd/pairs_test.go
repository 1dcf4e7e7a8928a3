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

// eachPairs runs test with every variant this processor has, one at a time.
func eachPairs(t *testing.T, test func(t *testing.T)) {
	ks := pairVariants()
	if len(ks) == 1 {
		t.Skip("no AVX512_BF16, or AMX, which multiplies BF16 then")
	}
	defer func(k pairKernels) { pairsChosen = k }(pairsChosen)
	for _, k := range ks[:len(ks)-1] {
		pairsChosen = k
		t.Run(k.name, test)
	}
}

// pairProduct returns random operands between NaNs, some of them very large or small.
func pairProduct(rng *rand.Rand, rows, in, out int) *DotProduct {
	p := dotProduct(rng, tensor.BF16, rows, in, out)
	for i := range p.X {
		if rng.IntN(50) == 0 {
			p.X[i] = math.Float32frombits(rng.Uint32()%0x5f000000 | rng.Uint32()<<31)
		}
	}
	p.round()
	return p
}

func (p *DotProduct) round() {
	words := make([]uint16, p.Rows*p.In+64)
	for i := range words {
		words[i] = 0x7fff
	}
	p.Rounded = words[32:][:p.Rows*p.In]
	Round(p.Rounded, p.X)
}

// pairsGeneric is what Dots should compute, from activations that are not rounded yet.
func pairsGeneric(p *DotProduct) {
	for r := range p.Rows {
		x := make([]uint16, p.In)
		narrowBF16Generic(x, p.X[r*p.In:][:p.In])
		for o := range p.Out {
			w := p.BF16[o*p.In:][:p.In]
			var u [dotLanes]float32
			for k := 0; k < p.In; k += 2 {
				lane := &u[k/2%dotLanes]
				*lane = fmaFlushed(widened(x[k+1]), widened(w[k+1]), *lane)
				*lane = fmaFlushed(widened(x[k]), widened(w[k]), *lane)
			}
			for i := range dotLanes / 2 {
				u[i] += u[i+dotLanes/2]
			}
			p.Dst[r*p.Stride+o] = ((u[0] + u[1]) + (u[2] + u[3])) + ((u[4] + u[5]) + (u[6] + u[7]))
		}
	}
}

// Every variant gives the bits of the Go loop and writes nothing else, whatever the number of
// rows.
func TestPairsVariants(t *testing.T) {
	eachPairs(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 8))
		for rows := 1; rows <= 33; rows++ {
			for _, out := range []int{4, 5, 6, 7, 8, 19, 32} {
				p := pairProduct(rng, rows, 32*(1+rng.IntN(9)), out)
				want := floatBits(p.compute(t, pairsGeneric))
				require.Equal(t, want, floatBits(p.compute(t, Dots)), "%d rows, %d inputs, %d outputs", rows, p.In, out)
			}
		}
		p := pairProduct(rng, 130, 2048, 11)
		require.Equal(t, floatBits(p.compute(t, pairsGeneric)), floatBits(p.compute(t, Dots)))
	})
}

// Against sums in float64 of the operands as they were: rounding costs at most 2⁻⁸ of each product.
func TestPairsAreTheProduct(t *testing.T) {
	eachPairs(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 8))
		for _, rows := range []int{1, 9} {
			p := dotProduct(rng, tensor.BF16, rows, 1024, 6)
			p.round()
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
				require.True(t, diff <= (0x1p-8+0x1p-20)*size, "%v of %v", diff, size)
			}
		}
	})
}

// A value that is not finite shows in its own row and output, and nowhere else.
func TestPairsShowNonFinite(t *testing.T) {
	eachPairs(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 8))
		for _, rows := range []int{3, 20} {
			for _, bits := range []uint32{0x7f800000, 0xff800000, 0x7f800001, 0xffffffff} {
				p := dotProduct(rng, tensor.BF16, rows, 64, 9)
				p.X[2*64+47] = math.Float32frombits(bits)
				p.BF16[5*64+3] = 0x7f80
				p.round()
				for i, v := range p.compute(t, Dots) {
					if r, o := i/p.Stride, i%p.Stride; o < p.Out {
						require.Equal(t, r == 2 || o == 5, v-v != 0, "row %d, output %d: %v", r, o, v)
					}
				}
			}
		}
	})
}

func TestPairsShortOperandsPanic(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 8))
	p := dotProduct(rng, tensor.F16, 2, 32, 5)
	p.Dst, p.Rounded = make([]float32, 2*p.Stride), make([]uint16, 64)
	require.Panics(t, func() { Dots(p) }, "weights of F16")
	require.Panics(t, func() { Round(make([]uint16, 33), make([]float32, 33)) })
	require.Panics(t, func() { Round(make([]uint16, 32), make([]float32, 64)) })
	eachPairs(t, func(t *testing.T) {
		for _, rows := range []int{2, 9} {
			p := pairProduct(rng, rows, 32, 5)
			p.Dst, p.X = make([]float32, rows*p.Stride), nil
			Dots(p)
			p.Rounded = p.Rounded[1:]
			require.Panics(t, func() { Dots(p) }, "rounded activations of %d rows", rows)
		}
	})
}

func BenchmarkPairs(b *testing.B) {
	if pairsChosen.dots == nil {
		b.Skip("no AVX512_BF16, or AMX, which multiplies BF16 then")
	}
	rng := rand.New(rand.NewPCG(5, 5))
	for _, in := range []int{896, 2048, 4864, 11008, 18944} {
		for _, rows := range []int{1, 8, 12, 512} {
			b.Run(fmt.Sprintf("rows=%d/k=%d", rows, in), func(b *testing.B) {
				p := dotProduct(rng, tensor.BF16, rows, in, 32)
				p.round()
				p.Dst = make([]float32, rows*p.Stride)
				b.SetBytes(int64(2 * in * p.Out))
				for b.Loop() {
					Dots(p)
				}
				b.ReportMetric(2*float64(rows*in*p.Out)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
