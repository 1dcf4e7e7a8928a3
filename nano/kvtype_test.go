// SPDX-License-Identifier: Apache-2.0

package nano_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
)

// answers returns the logits after each token of the goldens' answers.
func answers(t *testing.T, kv zen.DType) (logits [][]float32, kvBytes int64) {
	m := load(t, zen.WithKVType(kv))
	for _, c := range goldens(t) {
		s, err := m.NewSession()
		require.NoError(t, err)
		got, err := s.Prefill(t.Context(), c.IDs)
		require.NoError(t, err)
		logits = append(logits, append([]float32(nil), got...))
		for _, id := range c.Continuation {
			got, err := s.Next(t.Context(), id)
			require.NoError(t, err)
			logits = append(logits, append([]float32(nil), got...))
		}
		require.NoError(t, s.Close())
	}
	return logits, m.MemoryPlan().KV / int64(m.MemoryPlan().KVTokens)
}

// distance is what a KV type changes.
type distance struct {
	meanKL, maxKL float64 // nats
	maxLogit      float64 // largest difference, as a part of the largest logit
	agree         int     // tokens that are still the likeliest
}

func distanceOf(got, want [][]float32) (d distance) {
	for i := range want {
		p, q := softmax(want[i]), softmax(got[i])
		kl, largest, worst := 0., 0., 0.
		best, other := 0, 0
		for j := range p {
			kl += p[j] * math.Log(p[j]/q[j])
			largest = max(largest, math.Abs(float64(want[i][j])))
			worst = max(worst, math.Abs(float64(want[i][j])-float64(got[i][j])))
			if p[j] > p[best] {
				best = j
			}
			if q[j] > q[other] {
				other = j
			}
		}
		d.meanKL += kl / float64(len(want))
		d.maxKL, d.maxLogit = max(d.maxKL, kl), max(d.maxLogit, worst/largest)
		if best == other {
			d.agree++
		}
	}
	return d
}

func softmax(logits []float32) []float64 {
	largest, sum := math.Inf(-1), 0.
	for _, v := range logits {
		largest = max(largest, float64(v))
	}
	p := make([]float64, len(logits))
	for i, v := range logits {
		p[i] = math.Exp(float64(v) - largest)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// The smaller KV types stay near F32 on every token of the goldens. The bounds are
// about three times what was measured; see benchmarks/results.
func TestKVTypesStayClose(t *testing.T) {
	want, bytes := answers(t, zen.F32)
	require.EqualValues(t, 8*2*2*64*4, bytes)
	for _, c := range []struct {
		kv       zen.DType
		bytes    int64 // a token, all layers
		kl       float64
		disagree int
	}{
		{zen.F16, 8 * 2 * 2 * 64 * 2, 1e-7, 0},
		{zen.BF16, 8 * 2 * 2 * 64 * 2, 5e-6, 2},
		{zen.I8, 8 * 2 * 2 * (64 + 2*2), 3e-5, 2},
	} {
		got, bytes := answers(t, c.kv)
		require.Equal(t, c.bytes, bytes)
		d := distanceOf(got, want)
		t.Logf("kv=%v tokens=%d bytes_per_token=%d mean_kl=%.3g max_kl=%.3g max_logit_difference=%.3g greedy_agreement=%d/%d",
			c.kv, len(want), bytes, d.meanKL, d.maxKL, d.maxLogit, d.agree, len(want))
		require.LessOrEqual(t, d.meanKL, c.kl)
		require.LessOrEqual(t, len(want)-d.agree, c.disagree)
		require.Positive(t, d.maxLogit, "the comparison sees nothing")
	}
}
