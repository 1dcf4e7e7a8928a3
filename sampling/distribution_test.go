// SPDX-License-Identifier: Apache-2.0

package sampling_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/sampling"
)

// chiSquare returns Pearson's statistic, as a standard normal deviate by Wilson and Hilferty's cube
// root (1931), and the degrees of freedom. Outcomes expected less than ten times are pooled.
func chiSquare(counts []int, probs []float64) (deviate float64, freedom int) {
	draws := 0
	for _, c := range counts {
		draws += c
	}
	statistic, pooledCount, pooled := 0.0, 0.0, 0.0
	add := func(count, want float64) {
		statistic += (count - want) * (count - want) / want
		freedom++
	}
	for i, p := range probs {
		if want := p * float64(draws); want >= 10 {
			add(float64(counts[i]), want)
		} else {
			pooledCount, pooled = pooledCount+float64(counts[i]), pooled+want
		}
	}
	if pooled > 0 {
		add(pooledCount, pooled)
	}
	if freedom--; freedom == 0 {
		return 0, 0
	}
	v := 2 / (9 * float64(freedom))
	return (math.Cbrt(statistic/float64(freedom)) - (1 - v)) / math.Sqrt(v), freedom
}

// TestAMillionDrawsFollowTheReferenceDistribution is deterministic, the seeds are fixed. A deviate
// beyond 3.5 has a chance of 1 in 4,300 per case under a right sampler; one below -3.5 would mean
// that the draws are too even to be random.
func TestAMillionDrawsFollowTheReferenceDistribution(t *testing.T) {
	logits := normalLogits(11, 64, 2)
	logits[5], logits[40] = negInf, negInf
	for seed, p := range []sampling.Params{
		{Temperature: 1},
		{Temperature: 0.5},
		{Temperature: 4},
		{Temperature: 1, TopK: 10},
		{Temperature: 1, TopP: 0.8},
		{Temperature: 1, MinP: 0.1},
		{Temperature: 1, TypicalP: 0.7},
		{Temperature: 0.7, TopK: 40, TopP: 0.9},
		{Temperature: 2, TopK: 40, TopP: 0.9, MinP: 0.02, TypicalP: 0.8},
	} {
		p.Seed = uint64(seed)
		draws := 1_000_000
		if p.TypicalP > 0 { // two more filters: the time of the others together
			draws = 300_000
		}
		if raceEnabled { // nothing here is concurrent, and the detector makes it ten times slower
			draws = 50_000
		}
		t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
			t.Parallel()
			chain, err := sampling.New(p, len(logits))
			require.NoError(t, err)
			counts, probs := make([]int, len(logits)), reference(p, logits)
			state := &sampling.State{}
			for range draws {
				id, err := chain.Sample(logits, state)
				if err != nil || probs[id] == 0 {
					t.Fatalf("token %d of probability 0 drawn, error %v", id, err)
				}
				counts[id]++
			}
			deviate, freedom := chiSquare(counts, probs)
			if !(math.Abs(deviate) <= 3.5) {
				t.Fatalf("deviate %.2f with %d degrees of freedom, counts %v", deviate, freedom, counts)
			}
		})
	}
}

// TestChiSquareNoticesAWrongDistribution keeps the test above able to fail.
func TestChiSquareNoticesAWrongDistribution(t *testing.T) {
	logits := normalLogits(11, 64, 2)
	chain, err := sampling.New(sampling.Params{Temperature: 1.05}, len(logits))
	require.NoError(t, err)
	counts := make([]int, len(logits))
	for range 300_000 {
		id, err := chain.Sample(logits, &sampling.State{})
		require.NoError(t, err)
		counts[id]++
	}
	deviate, _ := chiSquare(counts, reference(sampling.Params{Temperature: 1}, logits))
	require.Greater(t, deviate, 10.0)
}

// TestSeedsAreIndependent draws once from each of many consecutive seeds.
func TestSeedsAreIndependent(t *testing.T) {
	logits := normalLogits(12, 64, 1)
	counts := make([]int, len(logits))
	for seed := range uint64(20_000) {
		chain, err := sampling.New(sampling.Params{Temperature: 1, Seed: seed}, len(logits))
		require.NoError(t, err)
		id, err := chain.Sample(logits, &sampling.State{})
		require.NoError(t, err)
		counts[id]++
	}
	deviate, _ := chiSquare(counts, reference(sampling.Params{Temperature: 1}, logits))
	require.LessOrEqual(t, math.Abs(deviate), 3.5)
}
