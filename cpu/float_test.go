// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
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
		got, want := f16ToF32(h), f16Value(h)
		group := make([]float32, 4)
		widenF16(group, []uint16{h, h, h, h})
		for _, v := range group {
			require.Equal(t, math.Float32bits(got), math.Float32bits(v), "%#x among others", h)
		}
		if want != want {
			require.True(t, got != got, "%#x", h)
			require.Equal(t, h|0x200, f32ToF16(got), "NaN keeps its sign and payload")
			continue
		}
		require.Equal(t, math.Float32bits(float32(want)), math.Float32bits(got), "%#x", h)
		require.Equal(t, h, f32ToF16(got), "%#x does not come back", h)
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
	bf16Value := func(h uint16) float64 { return float64(bf16ToF32(h)) }
	check := func(bits uint32) {
		f := math.Float32frombits(bits)
		if f != f || math.IsInf(float64(f), 0) {
			return
		}
		if math.Abs(float64(f)) < 65536 {
			require.True(t, narrowed(float64(f), f32ToF16(f), f16Value, 0x7c00), "F16 of %v", f)
		} else {
			require.Equal(t, uint16(0x7c00), f32ToF16(f)&0x7fff, "F16 of %v", f)
		}
		require.True(t, narrowed(float64(f), f32ToBF16(f), bf16Value, 0x7f80), "BF16 of %v", f)
	}
	// The halves between all neighbours, and the values beside them.
	for i := range 1 << 16 {
		h := uint16(i)
		for _, half := range []uint32{uint32(h)<<16 | 0x8000, math.Float32bits(f16ToF32(h)) + 0x1000} {
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
	require.Equal(t, uint16(0x7c00), f32ToF16(inf))
	require.Equal(t, uint16(0xfc00), f32ToF16(-inf))
	require.Equal(t, uint16(0x7f80), f32ToBF16(inf))
	require.Equal(t, uint16(0xff80), f32ToBF16(-inf))
	for _, bits := range []uint32{0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7fc00000} {
		f := math.Float32frombits(bits) // a short payload must not become infinity
		h, g := f16ToF32(f32ToF16(f)), bf16ToF32(f32ToBF16(f))
		require.True(t, h != h && g != g, "%#x", bits)
	}
}

// TestRowsOfEveryLength compares the unrolled loops with the conversions of one
// element, between guards.
func TestRowsOfEveryLength(t *testing.T) {
	const guard = 9.25
	src, quants := make([]uint16, 100), make([]int8, 256)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range src {
		src[i] = uint16(rng.Uint32())
	}
	for i := range quants {
		quants[i] = int8(i)
	}
	same := func(got, want float32) {
		require.Equal(t, math.Float32bits(want), math.Float32bits(got))
	}
	for n := range len(src) + 1 {
		for name, f := range map[string]struct {
			widen  func([]float32, []uint16)
			one    func(uint16) float32
			narrow func([]uint16, []float32)
			back   func(float32) uint16
		}{
			"F16":  {widenF16, f16ToF32, narrowF16, f32ToF16},
			"BF16": {widenBF16, bf16ToF32, narrowBF16, f32ToBF16},
		} {
			dst := make([]float32, n+1)
			dst[n] = guard
			f.widen(dst[:n], src[:n])
			for i, h := range src[:n] {
				same(dst[i], f.one(h))
			}
			require.EqualValues(t, guard, dst[n], name)
			narrow := make([]uint16, n+1)
			narrow[n] = 77
			f.narrow(narrow[:n], dst[:n])
			for i, v := range dst[:n] {
				require.Equal(t, f.back(v), narrow[i], name)
			}
			require.EqualValues(t, 77, narrow[n], name)
		}
	}
	scales := []uint16{f32ToF16(1), f32ToF16(-0.37), f32ToF16(65504), 1}
	dst := make([]float32, len(quants)+1)
	dst[len(quants)] = guard
	widenI8(dst[:len(quants)], quants, scales)
	for i, q := range quants {
		same(dst[i], float32(float64(q)*f16Value(scales[i/quantBlock])))
	}
	require.EqualValues(t, guard, dst[len(quants)])
}

func TestExpIsWithinTwoUnits(t *testing.T) {
	worst := 0.
	check := func(x float32) {
		want := math.Exp(float64(x))
		f := float32(want)
		ulp := math.Max(float64(f-math.Nextafter32(f, 0)), 0x1p-149)
		worst = max(worst, math.Abs(float64(exp(x))-want)/ulp)
	}
	for bits := uint32(0); bits < f32Infinity; bits += 997 {
		if x := math.Float32frombits(bits); x < 88.72 {
			check(x)
			check(-x)
		}
	}
	for x := float32(-110); x < 88.72; x += 1. / 4099 {
		check(x)
	}
	t.Logf("worst error %.3f units", worst)
	require.Less(t, worst, 2.)

	inf := float32(math.Inf(1))
	require.Equal(t, float32(1), exp(0))
	require.Equal(t, float32(1), exp(float32(math.Copysign(0, -1))))
	require.Zero(t, exp(-inf))
	require.Zero(t, exp(-104.1))
	require.Equal(t, inf, exp(inf))
	require.Equal(t, inf, exp(88.73))
	require.Equal(t, inf, exp(math.MaxFloat32))
	nan := exp(float32(math.NaN()))
	require.True(t, nan != nan)
}
