// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tensor"
)

// product returns random operands. Among the scales are all kinds of numbers.
func product(rng *rand.Rand, format tensor.DType, blocks, rows, panels int) *Product {
	p := &Product{Format: format, Rows: rows, Blocks: blocks, Panels: panels, Stride: panels * width}
	p.Weights, p.Scales = make([]byte, panels*p.panelBytes()), make([]uint16, panels*p.panelScales())
	for i := range p.Weights {
		p.Weights[i] = byte(rng.Uint32())
	}
	for i := range p.Scales {
		p.Scales[i] = uint16(rng.IntN(0x4400)) | uint16(rng.IntN(2))<<15
	}
	row := make([]float32, rows*blocks*block)
	for i := range row {
		row[i] = float32(rng.NormFloat64())
	}
	p.X = make([]byte, rows*blocks*BlockBytes)
	QuantizeRow(p.X, row)
	p.Dst = make([]float32, rows*p.Stride)
	return p
}

func (p *Product) run() {
	q := *p
	q.X = p.packed()
	Panels(&q, make([]byte, ScratchBytes(p.Blocks)))
}

// packed returns the activations as Panels wants them.
func (p *Product) packed() []byte {
	x := slices.Clone(p.X)
	tile := TileRows * p.Blocks * BlockBytes
	for at := 0; HasTiles() && at+tile <= len(x); at += tile {
		PackTile(x[at:], p.X[at:], p.Blocks)
	}
	return x
}

// Every byte of a row's blocks but their sums has its place in a tile.
func TestPackTile(t *testing.T) {
	const blocks = 3
	x := make([]byte, TileRows*blocks*BlockBytes)
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range x {
		x[i] = byte(rng.Uint32())
	}
	tile := make([]byte, len(x))
	PackTile(tile, x, blocks)
	for r := range TileRows {
		for b := range blocks {
			row := x[(r*blocks+b)*BlockBytes:]
			at := tile[b*TileRows*(block+4):]
			require.Equal(t, row[:block], at[r*block:][:block])
			require.Equal(t, row[block:][:4], at[TileRows*block+4*r:][:4])
		}
	}
	require.Panics(t, func() { PackTile(tile[:blocks*TileRows*(block+4)-1], x, blocks) })
	require.Panics(t, func() { PackTile(tile, x[:len(x)-1], blocks) })
	require.Panics(t, func() { PackTile(tile, x, 0) })
}

// Every variant gives the bits of the Go loop, whatever the number of rows and
// panels, and writes nothing else.
func TestPanelsVariants(t *testing.T) {
	eachQuant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		for _, format := range formats {
			for _, blocks := range []int{1, 2, 3, 14} {
				for _, rows := range []int{1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 33} {
					checkPanels(t, rng, product(rng, format, blocks, rows, 1+rng.IntN(9)))
				}
			}
			checkPanels(t, rng, product(rng, format, 172, 3, 2))
		}
	})
}

func checkPanels(t *testing.T, rng *rand.Rand, p *Product) {
	t.Helper()
	const canary = 12345
	p.Stride += rng.IntN(5)
	n := (p.Rows-1)*p.Stride + p.Panels*width
	whole := make([]float32, n+8)
	want := make([]float32, n+8)
	for i := range whole {
		whole[i], want[i] = canary, canary
	}
	p.Dst = want[4 : 4+n]
	panelsGeneric(p)
	p.Dst = whole[4 : 4+n]
	p.run()
	same(t, floatBits(want), floatBits(whole), p)

	one := *p // the last row and the last panel alone
	one.Rows, one.Panels, one.Stride, one.Dst = 1, 1, width, make([]float32, width)
	one.X = p.X[(p.Rows-1)*p.Blocks*BlockBytes:]
	one.Weights, one.Scales = p.Weights[(p.Panels-1)*p.panelBytes():], p.Scales[(p.Panels-1)*p.panelScales():]
	one.run()
	same(t, floatBits(p.Dst[n-width:]), floatBits(one.Dst), p)
}

// same fails at the first difference.
func same[T comparable](t *testing.T, want, got []T, p *Product) {
	t.Helper()
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("%v, %d blocks, %d rows, %d panels: %v at %d, want %v",
				p.Format, p.Blocks, p.Rows, p.Panels, got[i], i, want[i])
		}
	}
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

// The extremes of weights and activations, where a sum of few bits would overflow.
func TestPanelsExtremes(t *testing.T) {
	eachQuant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 9))
		for _, format := range formats {
			for _, weight := range []byte{0x00, 0xff, 0x80, 0x7f, 0x0f, 0xf0, 0x81} {
				for _, sign := range []float32{1, -1} {
					p := product(rng, format, 2, 9, 1)
					row := make([]float32, p.Rows*p.Blocks*block)
					for i := range row {
						row[i] = sign * 3
					}
					QuantizeRow(p.X, row)
					for i := range p.Weights {
						p.Weights[i] = weight
					}
					checkPanels(t, rng, p)
				}
			}
		}
	})
}

// A scale that is not a number, or is infinite, shows in its output alone.
func TestNonFiniteScalesShow(t *testing.T) {
	const infinity, nan = 0x7c00, 0x7e00
	eachQuant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		for _, format := range formats {
			for _, bad := range []uint16{infinity, infinity | 1<<15, nan} {
				p := product(rng, format, 3, 11, 2)
				p.Scales[p.panelScales()+5] = bad
				checkPanels(t, rng, p)
				for i, v := range p.Dst {
					if out := i % p.Stride; out < p.Panels*width {
						require.Equal(t, out == width+5, v-v != 0, "output %d", out)
					}
				}
			}
		}
	})
}

func TestNonFiniteActivationsShow(t *testing.T) {
	eachQuant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, format := range formats {
				p := product(rng, format, 2, 1, 1)
				row := make([]float32, 2*block)
				row[70] = float32(bad)
				QuantizeRow(p.X, row)
				p.run()
				for _, v := range p.Dst {
					require.True(t, math.IsNaN(float64(v)))
				}
			}
		}
	})
}

func TestPanelsShortOperandsPanic(t *testing.T) {
	for name, cut := range map[string]func(p *Product) (scratch int){
		"dst":     func(p *Product) int { p.Dst = p.Dst[1:]; return 0 },
		"stride":  func(p *Product) int { p.Stride--; return 0 },
		"weights": func(p *Product) int { p.Weights = p.Weights[1:]; return 0 },
		"scales":  func(p *Product) int { p.Scales = p.Scales[1:]; return 0 },
		"x":       func(p *Product) int { p.X = p.X[1:]; return 0 },
		"rows":    func(p *Product) int { p.Rows = 0; return 0 },
		"panels":  func(p *Product) int { p.Panels = 0; return 0 },
		"format":  func(p *Product) int { p.Format = tensor.F32; return 0 },
		"scratch": func(p *Product) int { return 1 },
	} {
		p := product(rand.New(rand.NewPCG(4, 4)), tensor.Q8, 2, 3, 2)
		scratch := make([]byte, ScratchBytes(2)-cut(p))
		require.Panics(t, func() { Panels(p, scratch) }, name)
	}
}

// The plain loop against sums in float64 of the weights that package tensor says.
func TestPanelsGenericIsTheProduct(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	p := product(rng, tensor.Q8, 2, 2, 1)
	panelsGeneric(p)
	for r := range p.Rows {
		for o := range width {
			want, size := 0.0, 0.0
			for b := range p.Blocks {
				x := p.X[(r*p.Blocks+b)*BlockBytes:]
				scale := float64(blockScale(x)) * float64(tensor.F16ToF32(p.Scales[b*width+o]))
				for i := range block {
					w := int8(p.Weights[b*block*width+i/4*width*4+o*4+i%4])
					v := float64(w) * float64(int8(x[i])) * scale
					want, size = want+v, size+math.Abs(v)
				}
			}
			require.InDelta(t, want, float64(p.Dst[r*p.Stride+o]), 1e-6*size)
		}
	}
}

// fma rounds once: against exact arithmetic, where sums cancel and where they tie.
func TestFMARoundsOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 11))
	value := func(exponent int) float32 {
		return float32(math.Ldexp(float64(int32(rng.Uint32N(1<<25))-1<<24), exponent-24))
	}
	for range 200000 {
		a, b := value(0), value(0)
		c := value(rng.IntN(100) - 50)
		switch rng.IntN(4) {
		case 0:
			c = -float32(float64(a) * float64(b))
		case 1:
			a, b = 1+0x1p-12, 1+0x1p-12 // the product's last bit decides a tie
			c = value(rng.IntN(30))
		}
		exact := new(big.Float).SetPrec(400).SetFloat64(float64(a))
		exact.Mul(exact, big.NewFloat(float64(b))).Add(exact, big.NewFloat(float64(c)))
		want, _ := exact.Float32()
		require.Equal(t, want, fma(a, b, c), "%v %v %v", a, b, c)
	}
	for _, v := range []float32{float32(math.Inf(1)), float32(math.NaN())} {
		require.Equal(t, floatBits([]float32{v}), floatBits([]float32{fma(v, 1, 2)}))
		require.Equal(t, floatBits([]float32{v}), floatBits([]float32{fma(1, 2, v)}))
	}
}

func BenchmarkPanels(b *testing.B) {
	const blocks, panels = 32, 64
	rng := rand.New(rand.NewPCG(5, 5))
	defer func(k quantKernels) { quantChosen = k }(quantChosen)
	for _, k := range quantVariants() {
		quantChosen = k
		for _, format := range formats {
			for _, rows := range []int{1, 2, 4, 8, 64} {
				b.Run(fmt.Sprintf("impl=%s/format=%v/rows=%d/k=%d", k.name, format, rows, blocks*block), func(b *testing.B) {
					p, scratch := product(rng, format, blocks, rows, panels), make([]byte, ScratchBytes(blocks))
					p.X = p.packed()
					b.SetBytes(int64(len(p.Weights) + 2*len(p.Scales)))
					for b.Loop() {
						Panels(p, scratch)
					}
					ops := 2 * float64(rows*panels*blocks*block*width) * float64(b.N)
					b.ReportMetric(ops/b.Elapsed().Seconds()/1e9, "GOP/s")
				})
			}
		}
	}
}
