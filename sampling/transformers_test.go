// SPDX-License-Identifier: Apache-2.0

package sampling_test

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/sampling"
)

// row is a row of logits in which JSON's null is -Inf.
type row []float32

func (r *row) UnmarshalJSON(b []byte) error {
	var values []*float64
	if err := json.Unmarshal(b, &values); err != nil {
		return err
	}
	for _, v := range values {
		if v == nil {
			*r = append(*r, negInf)
		} else {
			*r = append(*r, float32(*v))
		}
	}
	return nil
}

// goldens is testdata/transformers.json, what Hugging Face's classes answer.
type goldens struct {
	Rows         map[string]row
	Tokens       []int32
	PromptTokens int `json:"prompt_tokens"`
	Logprobs     map[string]row
	Filters      []struct {
		Row    string
		Params sampling.Params
		Kept   []int32
		Probs  []float64
	}
	Processors []struct {
		Row   string
		Kind  string
		Value float64
		IDs   []int32
		Bias  map[int32]float64
		Out   row
	}
}

func loadGoldens(t *testing.T) (g goldens) {
	b, err := os.ReadFile("testdata/transformers.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &g))
	require.NotEmpty(t, g.Filters)
	require.NotEmpty(t, g.Processors)
	return g
}

func TestFiltersMatchTransformers(t *testing.T) {
	g := loadGoldens(t)
	for _, c := range g.Filters {
		logits := g.Rows[c.Row]
		chain, err := sampling.New(c.Params, len(logits))
		require.NoError(t, err)
		ids, weights, err := chain.Kept(slices.Clone(logits), &sampling.State{})
		require.NoError(t, err)
		if c.Row == "rounded" {
			// Which of several equal logits top_p drops depends on transformers' unstable sort.
			require.Equal(t, valuesOf(logits, c.Kept), valuesOf(logits, ids), "%s %+v", c.Row, c.Params)
			continue
		}
		require.Equal(t, c.Kept, ids, "%s %+v", c.Row, c.Params)
		sum := 0.0
		for _, w := range weights {
			sum += w
		}
		for i, w := range weights {
			require.InDelta(t, c.Probs[i], w/sum, 1e-12, "%s %+v token %d", c.Row, c.Params, ids[i])
		}
	}
}

// valuesOf returns the logits of ids in ascending order.
func valuesOf(logits []float32, ids []int32) (values []float32) {
	for _, id := range ids {
		values = append(values, logits[id])
	}
	slices.Sort(values)
	return values
}

func TestProcessorsMatchTransformers(t *testing.T) {
	g := loadGoldens(t)
	for _, c := range g.Processors {
		var p sampling.Params
		var extra []sampling.LogitProcessor
		switch c.Kind {
		case "repetition_penalty":
			p.RepetitionPenalty = c.Value
		case "logit_bias":
			p.LogitBias = c.Bias
		case "ban":
			extra = append(extra, sampling.BanTokens(c.IDs...))
		case "min_tokens":
			extra = append(extra, sampling.MinTokens(int(c.Value), c.IDs...))
		default:
			t.Fatalf("kind %q", c.Kind)
		}
		logits := slices.Clone(g.Rows[c.Row])
		chain, err := sampling.New(p, len(logits), extra...)
		require.NoError(t, err)
		_, err = chain.Sample(logits, &sampling.State{Tokens: g.Tokens, PromptTokens: g.PromptTokens})
		require.NoError(t, err)
		require.Equal(t, c.Out, logits, "%s %s %s", c.Row, c.Kind, strconv.FormatFloat(c.Value, 'g', -1, 64))
	}
}

func TestLogprobsMatchTorch(t *testing.T) {
	g := loadGoldens(t)
	for name, logits := range g.Rows {
		want := g.Logprobs[name]
		finite := 0
		for id := range logits {
			got, _ := sampling.Logprobs(nil, logits, int32(id), 0)
			require.Equal(t, want[id], got, "%s token %d", name, id)
			if !math.IsInf(float64(got), 0) {
				finite++
			}
		}
		_, top := sampling.Logprobs(nil, logits, 0, len(logits))
		require.Len(t, top, finite)
		for _, e := range top {
			require.Equal(t, want[e.Token], e.Logprob)
		}
		require.True(t, slices.IsSortedFunc(top, func(a, b sampling.Logprob) int {
			if a.Logprob != b.Logprob {
				return cmp.Compare(b.Logprob, a.Logprob)
			}
			return int(a.Token - b.Token)
		}), name)
		for _, n := range []int{1, 5, 20} {
			_, few := sampling.Logprobs(nil, logits, 0, n)
			require.Equal(t, top[:min(n, len(top))], few)
		}
	}
}
