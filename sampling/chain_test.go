// SPDX-License-Identifier: Apache-2.0

package sampling_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/sampling"
)

var negInf = float32(math.Inf(-1))

// settings returns every combination of filters worth telling apart.
func settings() []sampling.Params {
	var all []sampling.Params
	for _, t := range []float64{0.1, 0.7, 1, 3} {
		for _, k := range []int{0, 1, 40, 3000} {
			for _, topP := range []float64{0, 0.05, 0.9, 0.999} {
				for _, minP := range []float64{0, 0.05} {
					for _, typical := range []float64{0, 0.2, 0.95} {
						all = append(all, sampling.Params{
							Temperature: t, TopK: k, TopP: topP, MinP: minP, TypicalP: typical,
						})
					}
				}
			}
		}
	}
	return all
}

// requireSame fails unless the chain keeps the tokens and probabilities of the reference.
func requireSame(t *testing.T, p sampling.Params, logits []float32) {
	t.Helper()
	chain, err := sampling.New(p, len(logits))
	require.NoError(t, err)
	ids, weights, err := chain.Kept(slices.Clone(logits), &sampling.State{})
	require.NoError(t, err)
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	got := make([]float64, len(logits))
	for i, id := range ids {
		got[id] = weights[i] / sum
	}
	for id, want := range reference(p, logits) {
		if diff := math.Abs(got[id] - want); !(diff <= 1e-12+1e-11*want) {
			t.Fatalf("%+v: token %d of %d: probability %v, want %v", p, id, len(logits), got[id], want)
		}
	}
}

func TestChainMatchesThePlainReference(t *testing.T) {
	for _, n := range []int{1, 2, 255, 256, 257, 1500, 5000} {
		logits := normalLogits(uint64(n), n, 3)
		for _, p := range settings() {
			requireSame(t, p, logits)
		}
	}
}

func TestForbiddenTokensAreNeverKept(t *testing.T) {
	logits := normalLogits(1, 2000, 2)
	r := rand.New(rand.NewPCG(2, 0))
	for i := range logits {
		if r.IntN(3) > 0 {
			logits[i] = negInf
		}
	}
	for _, p := range settings() {
		requireSame(t, p, logits)
	}
}

func TestTiesFollowTheDocumentedRule(t *testing.T) {
	// Steps of a quarter, as a bf16 output layer gives, make many ties. Typical sampling is left
	// out: the reference's float64 rounding tells equal distances apart.
	logits := normalLogits(3, 3000, 3)
	for i := range logits {
		logits[i] = float32(math.Round(float64(logits[i])*4) / 4)
	}
	for _, p := range settings() {
		if p.TypicalP == 0 {
			requireSame(t, p, logits)
		}
	}
	for _, c := range []struct {
		name string
		p    sampling.Params
		want []int32
	}{
		{"top_k keeps all that equal the k-th", sampling.Params{Temperature: 1, TopK: 2}, []int32{0, 2, 3, 4}},
		{"top_p takes lower ids first", sampling.Params{Temperature: 1, TopP: 0.7}, []int32{0, 2, 3}},
		{"min_p keeps equals", sampling.Params{Temperature: 1, MinP: 0.5}, []int32{0, 2, 3, 4}},
		{"typical_p keeps equals", sampling.Params{Temperature: 1, TypicalP: 0.3}, []int32{0, 2, 3, 4}},
	} {
		chain, err := sampling.New(c.p, 6)
		require.NoError(t, err, c.name)
		ids, _, err := chain.Kept([]float32{2, -3, 2, 2, 2, 0}, &sampling.State{})
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, ids, c.name)
	}
}

func TestSameSeedSameTokens(t *testing.T) {
	draw := func(seed uint64) (tokens []int32) {
		chain, err := sampling.New(sampling.Params{Temperature: 1.5, Seed: seed}, 1000)
		require.NoError(t, err)
		for range 20 {
			id, err := chain.Sample(normalLogits(9, 1000, 1), &sampling.State{})
			require.NoError(t, err)
			tokens = append(tokens, id)
		}
		require.EqualValues(t, 20, chain.Draws())
		return tokens
	}
	require.Equal(t, draw(7), draw(7))
	require.NotEqual(t, draw(7), draw(8))
}

func TestSeekContinuesWhereDrawsSays(t *testing.T) {
	logits := normalLogits(9, 1000, 1)
	p := sampling.Params{Temperature: 1.5, Seed: 3}
	first, err := sampling.New(p, len(logits))
	require.NoError(t, err)
	for range 5 {
		_, err = first.Sample(logits, &sampling.State{})
		require.NoError(t, err)
	}
	second, err := sampling.New(p, len(logits))
	require.NoError(t, err)
	second.Seek(first.Draws())
	for range 20 {
		a, _ := first.Sample(logits, &sampling.State{})
		b, _ := second.Sample(logits, &sampling.State{})
		require.Equal(t, a, b)
	}
}

func TestSampleRefusesLogitsThatAreNotFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, p := range []sampling.Params{
		{}, {Temperature: 1}, {Temperature: 1, TopK: 2}, {Temperature: 1, TopP: 0.5},
	} {
		for _, c := range []struct {
			name   string
			logits []float32
			token  int32
		}{
			{"NaN first", []float32{nan, 1, 2, 3}, 0},
			{"NaN last", []float32{1, 2, 3, nan}, 3},
			{"NaN after larger", []float32{9, 8, nan, 3}, 2},
			{"infinite", []float32{1, 2, inf, 3}, 2},
			{"all forbidden", []float32{negInf, negInf, negInf, negInf}, -1},
		} {
			name := fmt.Sprintf("%s, %+v", c.name, p)
			chain, err := sampling.New(p, 4)
			require.NoError(t, err, name)
			_, err = chain.Sample(c.logits, &sampling.State{})
			require.ErrorIs(t, err, sampling.ErrNonFinite, name)
			var detail *sampling.NonFiniteError
			require.ErrorAs(t, err, &detail, name)
			require.Equal(t, c.token, detail.Token, name)
		}
	}
}

func TestSampleRefusesAnotherVocabulary(t *testing.T) {
	chain, err := sampling.New(sampling.Params{}, 4)
	require.NoError(t, err)
	_, err = chain.Sample(make([]float32, 5), &sampling.State{})
	require.EqualError(t, err, "sampling: 5 logits, want 4")
}
