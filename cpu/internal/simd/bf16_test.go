// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// eachBF16 runs test with every variant this processor has, one at a time.
func eachBF16(t *testing.T, test func(t *testing.T)) {
	defer func(k bf16Kernels) { bf16Chosen = k }(bf16Chosen)
	for _, k := range bf16Variants() {
		bf16Chosen = k
		t.Run(k.name, test)
	}
}

// bf16Bits are most often a weight, else any bits of a finite number.
func bf16Bits(rng *rand.Rand) uint16 {
	if rng.IntN(20) == 0 {
		for {
			if h := uint16(rng.Uint32()); h&0x7f80 != 0x7f80 {
				return h
			}
		}
	}
	return uint16(math.Float32bits(float32(rng.NormFloat64())) >> 16)
}

// bf16Product returns random operands, the weights between NaNs, and the activations
// as they were.
func bf16Product(rng *rand.Rand, rows, in, out int) (p *BF16Product, x []float32) {
	const nan, guard = 0x7fff, 67
	w := make([]uint16, out*in+2*guard)
	for i := range w {
		w[i] = nan
	}
	start := guard - rng.IntN(4)
	p = &BF16Product{Rows: rows, In: in, Out: out, Stride: out + rng.IntN(4), W: w[start : start+out*in]}
	for i := range p.W {
		p.W[i] = bf16Bits(rng)
	}
	x = make([]float32, rows*in)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
		if rng.IntN(30) == 0 {
			x[i] = math.Float32frombits(rng.Uint32()%0x7f000000 | rng.Uint32()<<31)
		}
	}
	p.split(x)
	return p, x
}

func (p *BF16Product) split(x []float32) {
	p.X = make([]uint16, SplitLen(p.Rows, p.In))
	for r := 0; r < p.Rows; r += tileRows {
		n := min(tileRows, p.Rows-r)
		SplitRows(p.X[SplitLen(r, p.In):], x[r*p.In:], n, p.In, make([]float32, SplitScratch(p.In)))
	}
}

// run computes the product into canaries.
func (p *BF16Product) run(t *testing.T, f func(p *BF16Product)) []float32 {
	whole := make([]float32, p.Rows*p.Stride+8)
	for i := range whole {
		whole[i] = canary
	}
	p.Dst = whole[4 : 4+(p.Rows-1)*p.Stride+p.Out]
	f(p)
	for i, v := range whole {
		at := i - 4
		if outside := at < 0 || at >= p.Rows*p.Stride || at%p.Stride >= p.Out; outside && v != canary {
			t.Fatalf("%d rows, %d inputs, %d outputs: wrote at %d", p.Rows, p.In, p.Out, at)
		}
	}
	return p.Dst
}

func multiplyBF16(p *BF16Product) {
	scratch := make([]float32, BF16Scratch(p.Rows, p.In, p.Out))
	for i := range scratch {
		scratch[i] = float32(math.NaN())
	}
	MultiplyBF16(p, scratch)
}

func checkBF16(t *testing.T, p *BF16Product) {
	t.Helper()
	want := append([]float32(nil), p.run(t, bf16Generic)...)
	got := p.run(t, multiplyBF16)
	for i := range want {
		if a, b := math.Float32bits(want[i]), math.Float32bits(got[i]); a != b && (want[i] == want[i] || got[i] == got[i]) {
			t.Fatalf("%d rows, %d inputs, %d outputs: %v at %d, want %v", p.Rows, p.In, p.Out, got[i], i, want[i])
		}
	}
}

// Every variant gives the bits of the Go loop and writes nothing else.
func TestBF16Variants(t *testing.T) {
	eachBF16(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for in := range 101 {
			p, _ := bf16Product(rng, 1+rng.IntN(20), in+1, 1+rng.IntN(40))
			checkBF16(t, p)
		}
		for _, rows := range []int{1, 2, 15, 16, 17, 31, 32, 33, 48, 49, 63, 64, 65} {
			for _, out := range []int{1, 15, 16, 17, 31, 32, 33, 65} {
				p, _ := bf16Product(rng, rows, []int{32, 64, 70, 256, 300, 520}[rng.IntN(6)], out)
				checkBF16(t, p)
			}
		}
		for _, out := range []int{2, 32, 35, 70} { // weights of whole stripes are copied
			p, _ := bf16Product(rng, packRows+rng.IntN(17), 100, out)
			checkBF16(t, p)
		}
		p, _ := bf16Product(rng, passRows+17, 40, 7)
		checkBF16(t, p)
	})
}

// A row's bits are those that it has alone.
func TestBF16RowsAreIndependent(t *testing.T) {
	eachBF16(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, in := range []int{64, 300, 896} {
			const rows, out = 64, 50
			p, x := bf16Product(rng, rows, in, out)
			want := append([]float32(nil), p.run(t, multiplyBF16)...)
			for n := 1; n <= rows; n += 1 + n/8 {
				first := rng.IntN(rows - n + 1)
				q := &BF16Product{Rows: n, In: in, Out: out, Stride: p.Stride, W: p.W}
				q.split(x[first*in:])
				require.Equal(t, floatBits(want[first*p.Stride:][:(n-1)*p.Stride+out]), floatBits(q.run(t, multiplyBF16)), "%d rows", n)
			}
		}
	})
}

// Against sums in float64 of the operands as they were.
func TestBF16AreTheProduct(t *testing.T) {
	eachBF16(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for _, rows := range []int{1, 20, 40} {
			p, x := bf16Product(rng, rows, 777, 33)
			for i := range x {
				x[i] = float32(rng.NormFloat64())
			}
			for i := range p.W {
				p.W[i] = uint16(math.Float32bits(float32(rng.NormFloat64())) >> 16)
			}
			p.split(x)
			got := p.run(t, multiplyBF16)
			for r := range rows {
				for o := range p.Out {
					want, size := 0.0, 0.0
					for k := range p.In {
						v := float64(x[r*p.In+k]) * float64(math.Float32frombits(uint32(p.W[o*p.In+k])<<16))
						want, size = want+v, size+math.Abs(v)
					}
					diff := math.Abs(float64(got[r*p.Stride+o]) - want)
					require.True(t, diff <= 0x1p-17*size, "%v of %v", diff, size)
				}
			}
		}
	})
}

// A value that is not finite shows in its own row and output, and nowhere else.
func TestBF16ShowNonFinite(t *testing.T) {
	eachBF16(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, rows := range []int{1, 18, 35} {
			for _, bits := range []uint32{0x7f800000, 0xff800000, 0x7f800001, 0xffffffff, 0x7fc00000} {
				p, x := bf16Product(rng, rows, 70, 19)
				for i := range x {
					x[i] = 1
				}
				for i := range p.W {
					p.W[i] = 0x3f80
				}
				x[(rows-1)*p.In+69] = math.Float32frombits(bits)
				p.W[3*p.In+68] = 0xff80
				p.split(x)
				for i, v := range p.run(t, multiplyBF16) {
					if r, o := i/p.Stride, i%p.Stride; o < p.Out {
						require.Equal(t, r == rows-1 || o == 3, v-v != 0, "row %d, output %d: %v", r, o, v)
					}
				}
			}
		}
	})
}

// The largest number is split without becoming infinite.
func TestSplitIsNearlyExact(t *testing.T) {
	eachBF16(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 9))
		for range 1000 {
			x, dst := make([]float32, tileInputs), make([]uint16, 2*tileInputs)
			for i := range x {
				x[i] = math.Float32frombits(rng.Uint32())
			}
			x[0], x[1] = math.MaxFloat32, -math.MaxFloat32
			SplitRows(dst, x, 1, tileInputs, make([]float32, SplitScratch(tileInputs)))
			for i, v := range x {
				hi := math.Float32frombits(uint32(dst[i]) << 16)
				lo := math.Float32frombits(uint32(dst[tileInputs+i]) << 16)
				if v-v != 0 {
					require.Equal(t, v != v, hi != hi)
					require.Zero(t, lo)
					continue
				}
				require.InDelta(t, float64(v), float64(hi)+float64(lo), 0x1p-16*math.Abs(float64(v))+0x1p-133)
			}
		}
	})
}

func TestBF16ShortOperandsPanic(t *testing.T) {
	for name, cut := range map[string]func(p *BF16Product) (scratch int){
		"dst":     func(p *BF16Product) int { p.Dst = p.Dst[1:]; return 0 },
		"stride":  func(p *BF16Product) int { p.Stride = p.Out - 1; return 0 },
		"W":       func(p *BF16Product) int { p.W = p.W[1:]; return 0 },
		"X":       func(p *BF16Product) int { p.X = p.X[1:]; return 0 },
		"rows":    func(p *BF16Product) int { p.Rows = 0; return 0 },
		"in":      func(p *BF16Product) int { p.In = 0; return 0 },
		"out":     func(p *BF16Product) int { p.Out = 0; return 0 },
		"scratch": func(p *BF16Product) int { return 1 },
	} {
		p, _ := bf16Product(rand.New(rand.NewPCG(4, 4)), 3, 40, 20)
		p.Dst = make([]float32, 2*p.Stride+p.Out)
		scratch := make([]float32, BF16Scratch(p.Rows, p.In, p.Out)-cut(p))
		require.Panics(t, func() { MultiplyBF16(p, scratch) }, name)
	}
	for _, n := range []int{0, 17} {
		require.Panics(t, func() {
			SplitRows(make([]uint16, 4096), make([]float32, 4096), n, 32, make([]float32, 4096))
		})
	}
}

func BenchmarkBF16(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, in := range []int{896, 2048, 4864} {
		for _, rows := range []int{1, 16, 32, 128, 512} {
			for _, skip := range []int{0, 16} {
				b.Run(fmt.Sprintf("rows=%d/k=%d/skip=%d", rows, in, 2*skip), func(b *testing.B) { benchBF16(b, rng, rows, in, skip) })
			}
		}
	}
}

// benchBF16 has weights that begin skip elements after a line of the cache.
func benchBF16(b *testing.B, rng *rand.Rand, rows, in, skip int) {
	p, _ := bf16Product(rng, rows, in, 256)
	memory := make([]uint16, len(p.W)+64)
	for uintptr(unsafe.Pointer(&memory[0]))%64 != uintptr(2*skip) {
		memory = memory[1:]
	}
	p.W = memory[:copy(memory, p.W)]
	p.Dst = make([]float32, rows*p.Stride)
	scratch := make([]float32, BF16Scratch(p.Rows, p.In, p.Out))
	b.SetBytes(int64(2 * len(p.W)))
	for b.Loop() {
		MultiplyBF16(p, scratch)
	}
	b.ReportMetric(2*float64(rows*in*p.Out)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
