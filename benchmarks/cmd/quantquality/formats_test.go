// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Values worked out by hand from ggml's description of the formats.
func TestReferenceFormats(t *testing.T) {
	w := make([]float32, 32)
	w[0], w[1], w[2], w[3] = -8, 7, 0.4, 7.6
	q4_0(w)
	require.Equal(t, []float32{-8, 7, 0, 7}, w[:4], "d = 1, and +8 is cut off to +7")

	w = make([]float32, 32)
	w[0], w[1], w[2] = 4, -3.5, 0.26
	q4_0(w)
	require.Equal(t, []float32{4, -3.5, 0.5}, w[:3], "d = -0.5: the largest weight is exact")

	w = make([]float32, 32)
	w[0], w[1], w[2], w[3] = 127, -127, 0.5, -1.4
	q8_0(w)
	require.Equal(t, []float32{127, -127, 1, -1}, w[:4])

	w = make([]float32, 32)
	q4_0(w)
	q8_0(w)
	require.Equal(t, make([]float32, 32), w)
}

// No format of the same bits is better than the bound, and ours are close to it.
func TestBoundsAreBounds(t *testing.T) {
	ctx := t.Context()
	for _, m := range randomMatrices() {
		m.all[0] = m.all[0].Rows(0, 16)
		of := func(f format) float64 { return m.relativeError(ctx, f) }
		all, bound := formats(), bounds()
		require.LessOrEqual(t, of(bound[0]), of(all[1]), m.name)
		require.LessOrEqual(t, of(bound[1]), of(all[3]), m.name)
		require.LessOrEqual(t, of(bound[1]), of(all[2]), m.name)
		require.Less(t, of(all[3]), 1.01*of(bound[1]), m.name)
	}
}

func TestNanoWithItsOwnWeightsPredictsTheText(t *testing.T) {
	weights, err := nanoWeights()
	require.NoError(t, err)
	p, err := predict(t.Context(), weights)
	require.NoError(t, err)
	require.Len(t, p.logp, len(p.next))
	require.Less(t, p.perplexity(), 300.0)
	mean, largest, same := p.divergence(p)
	require.Equal(t, []float64{0, 0}, []float64{mean, largest})
	require.InDelta(t, 1, same, 1e-9)
}
