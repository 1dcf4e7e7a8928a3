// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExpIsWithinTwoUnits(t *testing.T) {
	worst := 0.
	check := func(x float32) {
		want := math.Exp(float64(x))
		f := float32(want)
		ulp := math.Max(float64(f-math.Nextafter32(f, 0)), 0x1p-149)
		worst = max(worst, math.Abs(float64(Exp(x))-want)/ulp)
	}
	for bits := uint32(0); bits < 0x7f800000; bits += 997 {
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
	require.Equal(t, float32(1), Exp(0))
	require.Equal(t, float32(1), Exp(float32(math.Copysign(0, -1))))
	require.Zero(t, Exp(-inf))
	require.Zero(t, Exp(-104.1))
	require.Equal(t, inf, Exp(inf))
	require.Equal(t, inf, Exp(88.73))
	require.Equal(t, inf, Exp(math.MaxFloat32))
	nan := Exp(float32(math.NaN()))
	require.True(t, nan != nan)
}
