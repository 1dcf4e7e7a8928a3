// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tensor"
)

// f16Value is a binary16 by its definition in IEEE 754-2008, 3.4.
func f16Value(h uint16) float64 {
	sign, exponent, fraction := 1-2*float64(h>>15), int(h>>10&31), float64(h&0x3ff)
	switch {
	case exponent == 31 && fraction != 0:
		return math.NaN()
	case exponent == 31:
		return sign * math.Inf(1)
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

func TestF16WidensAllValues(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		got, want := tensor.F16ToF32(h), f16Value(h)
		if want != want {
			require.True(t, got != got, "%#x", h)
			require.Equal(t, h|0x200, tensor.F32ToF16(got), "NaN keeps its sign and payload")
			continue
		}
		require.Equal(t, math.Float32bits(float32(want)), math.Float32bits(got), "%#x", h)
		require.Equal(t, h, tensor.F32ToF16(got), "%#x does not come back", h)
	}
}

// narrowed reports whether got is the value nearest to f among its neighbours,
// the even one where two are.
func narrowed(f float64, got uint16, value func(uint16) float64, top uint16) bool {
	abs, sign := got&0x7fff, got&0x8000
	distance := func(h uint16) float64 {
		v := value(h | sign)
		if h == top { // infinity stands where the next value would
			v = math.Copysign(2*math.Abs(value(top-1))-math.Abs(value(top-2)), v)
		}
		return math.Abs(v - f)
	}
	for _, other := range []uint16{abs - 1, abs + 1} {
		if other > top {
			continue
		}
		if d, o := distance(abs), distance(other); o < d || o == d && abs%2 == 1 {
			return false
		}
	}
	return true
}

func TestNarrowingRoundsToNearestEven(t *testing.T) {
	bf16Value := func(h uint16) float64 { return float64(tensor.BF16ToF32(h)) }
	check := func(bits uint32) {
		f := math.Float32frombits(bits)
		if f != f || math.IsInf(float64(f), 0) {
			return
		}
		if math.Abs(float64(f)) < 65536 {
			require.True(t, narrowed(float64(f), tensor.F32ToF16(f), f16Value, 0x7c00), "F16 of %v", f)
		} else {
			require.Equal(t, uint16(0x7c00), tensor.F32ToF16(f)&0x7fff, "F16 of %v", f)
		}
		require.True(t, narrowed(float64(f), tensor.F32ToBF16(f), bf16Value, 0x7f80), "BF16 of %v", f)
	}
	// The halves between all neighbours, and the values beside them.
	for i := range 1 << 16 {
		h := uint16(i)
		for _, half := range []uint32{uint32(h)<<16 | 0x8000, math.Float32bits(tensor.F16ToF32(h)) + 0x1000} {
			for _, bits := range []uint32{half - 1, half, half + 1} {
				check(bits)
			}
		}
	}
	for i := range 1 << 12 { // halves between subnormal F16
		check(math.Float32bits(float32(i) * 0x1p-26))
		check(math.Float32bits(-float32(i) * 0x1p-26))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1 << 16 {
		check(rng.Uint32())
	}
}

func TestNarrowingKeepsNonFinite(t *testing.T) {
	inf := float32(math.Inf(1))
	require.Equal(t, uint16(0x7c00), tensor.F32ToF16(inf))
	require.Equal(t, uint16(0xfc00), tensor.F32ToF16(-inf))
	require.Equal(t, uint16(0x7f80), tensor.F32ToBF16(inf))
	require.Equal(t, uint16(0xff80), tensor.F32ToBF16(-inf))
	for _, bits := range []uint32{0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7fc00000} {
		f := math.Float32frombits(bits) // a short payload must not become infinity
		h, g := tensor.F16ToF32(tensor.F32ToF16(f)), tensor.BF16ToF32(tensor.F32ToBF16(f))
		require.True(t, h != h && g != g, "%#x", bits)
	}
}

// Every variant gives the bits of the conversions of one element, NaN aside, for
// every length and alignment, and writes nothing else.
func TestConversionVariants(t *testing.T) {
	eachVector(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for name, f := range map[string]struct {
			widen  func([]float32, []uint16)
			one    func(uint16) float32
			narrow func([]uint16, []float32)
			back   func(float32) uint16
		}{
			"F16":  {WidenF16, tensor.F16ToF32, NarrowF16, tensor.F32ToF16},
			"BF16": {WidenBF16, tensor.BF16ToF32, NarrowBF16, tensor.F32ToBF16},
		} {
			for n := range 101 {
				_, src := guarded(rng, n, func() uint16 { return uint16(rng.Uint32()) })
				whole, dst := guarded(rng, n, rng.Float32)
				f.widen(dst, src)
				want := make([]float32, n)
				for i, h := range src {
					want[i] = f.one(h)
				}
				require.Equal(t, floatBits(want), floatBits(dst), name)
				intact(t, whole, dst)
				_, x := guarded(rng, n, func() float32 { return math.Float32frombits(rng.Uint32()) })
				all, narrow := guarded(rng, n, func() uint16 { return 7 })
				f.narrow(narrow, x)
				for i, v := range x {
					require.Equal(t, f.back(v), narrow[i], "%s of %v", name, v)
				}
				intact(t, all, narrow)
			}
			all, dst := make([]uint16, 1<<16), make([]float32, 1<<16)
			for i := range all {
				all[i] = uint16(i)
			}
			f.widen(dst, all)
			for i, v := range dst {
				require.Equal(t, floatBits([]float32{f.one(uint16(i))}), floatBits([]float32{v}))
			}
		}
	})
}

func TestWidenI8Variants(t *testing.T) {
	eachVector(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for n := range 300 {
			src := make([]int8, n)
			for i := range src {
				src[i] = int8(i)
			}
			whole, dst := guarded(rng, n, rng.Float32)
			WidenI8(dst, src, -0.37)
			for i, q := range src {
				require.Equal(t, float32(q)*-0.37, dst[i])
			}
			intact(t, whole, dst)
		}
	})
}

func TestWidenBlocksVariants(t *testing.T) {
	eachVector(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for blocks := range 12 {
			src, scales := make([]int8, blocks*ScaledBlock), make([]uint16, blocks)
			for i := range src {
				src[i] = int8(rng.Uint32())
			}
			for i := range scales {
				scales[i] = uint16(rng.Uint32())
			}
			whole, dst := guarded(rng, len(src), rng.Float32)
			WidenBlocks(dst, src, scales)
			for i, q := range src {
				want := float32(q) * tensor.F16ToF32(scales[i/ScaledBlock])
				require.Equal(t, floatBits([]float32{want}), floatBits(dst[i:i+1]))
			}
			intact(t, whole, dst)
		}
	})
	require.Panics(t, func() { WidenBlocks(make([]float32, 33), make([]int8, 33), make([]uint16, 1)) })
}
