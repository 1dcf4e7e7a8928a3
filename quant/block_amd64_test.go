// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The assembly gives the bits of the Go it stands for, on any weights.
func TestAssemblyEqualsGo(t *testing.T) {
	if !useAVX2 {
		t.Skip("this CPU has no AVX2")
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20000 {
		var w [half]float32
		sigma := math.Exp2(float64(rng.IntN(60) - 40))
		for i := range w {
			w[i] = float32(rng.NormFloat64() * sigma)
		}
		if rng.IntN(4) == 0 {
			w[rng.IntN(half)] = []float32{0, 1e30, float32(math.Inf(1)), float32(math.NaN()), 1e-40}[rng.IntN(5)]
		}
		var want, got, wantErr, gotErr [8]float32
		for i := range want {
			want[i] = w[i] / 7.5
		}
		got = want
		fitGeneric(&w, &want, &wantErr)
		fitAVX2(&w, &got, &gotErr)
		require.Equal(t, bits(want), bits(got))
		require.Equal(t, bits(wantErr), bits(gotErr))

		var q, p [half]int8
		inv := 1 / w[0]
		roundGeneric(q[:], w[:], inv, -127, 127)
		roundAVX2(&p[0], &w[0], half, inv, -127, 127)
		require.Equal(t, q, p)
	}
}

// bits are the values with all NaNs alike.
func bits(v [8]float32) (b [8]uint32) {
	for i, x := range v {
		b[i] = math.Float32bits(x)
		if x != x {
			b[i] = 0x7fc00000
		}
	}
	return b
}
