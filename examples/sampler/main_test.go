// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

func TestTopADrawsInProportionAmongWhatItKeeps(t *testing.T) {
	// Probabilities 0.5, 0.3, 0.15 and 0.05: with A = 0.4 those of at least
	// 0.4 · 0.5² = 0.1 are kept.
	logits := make([]float32, 4)
	for i, p := range []float64{0.5, 0.3, 0.15, 0.05} {
		logits[i] = float32(math.Log(p))
	}
	s := &TopA{A: 0.4, Random: rand.New(rand.NewPCG(1, 2))}
	const n = 100_000
	var counts [4]float64
	for range n {
		id, err := s.Sample(logits, nil)
		require.NoError(t, err)
		counts[id]++
	}
	for i, want := range []float64{0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0} {
		require.InDelta(t, want, counts[i]/n, 0.01)
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = s.Sample(logits, nil) }))
}

func TestTopAReportsLogitsItCannotUse(t *testing.T) {
	s := &TopA{A: 0.4, Random: rand.New(rand.NewPCG(1, 2))}
	_, err := s.Sample([]float32{0, float32(math.NaN())}, nil)
	require.ErrorIs(t, err, zen.ErrNonFinite)
}

func TestTopAAnswersARequest(t *testing.T) {
	m := zentest.Model(t)
	resp, err := m.Generate(t.Context(), zen.Request{
		Prompt: "the", MaxTokens: 20, IgnoreEOS: true,
		Sampler: &TopA{A: 0.2, Random: rand.New(rand.NewPCG(1, 2))},
	})
	require.NoError(t, err)
	require.Len(t, resp.Tokens, 20)
}
