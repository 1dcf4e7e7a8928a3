// SPDX-License-Identifier: Apache-2.0

package sampling_test

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/sampling"
)

func TestValidateNamesTheKeyAndTheValue(t *testing.T) {
	nan := math.NaN()
	for want, p := range map[string]sampling.Params{
		"sampling: temperature (-1) is not a finite number of at least 0":   {Temperature: -1},
		"sampling: temperature (+Inf) is not a finite number of at least 0": {Temperature: math.Inf(1)},
		"sampling: temperature (NaN) is not a finite number of at least 0":  {Temperature: nan},
		"sampling: top_k (-1) is negative":                                  {TopK: -1},
		"sampling: top_p (1.5) is not in (0, 1]":                            {TopP: 1.5},
		"sampling: top_p (NaN) is not in (0, 1]":                            {TopP: nan},
		"sampling: min_p (-0.1) is not in [0, 1]":                           {MinP: -0.1},
		"sampling: typical_p (2) is not in (0, 1]":                          {TypicalP: 2},
		"sampling: repetition_penalty (0.001) is not in [0.01, 100]":        {RepetitionPenalty: 0.001},
		"sampling: presence_penalty (2.5) is not in [-2, 2]":                {PresencePenalty: 2.5},
		"sampling: frequency_penalty (-3) is not in [-2, 2]":                {FrequencyPenalty: -3},
		"sampling: logit_bias: token (-7) is negative":                      {LogitBias: map[int32]float64{5: 1, -7: 1}},
		"sampling: logit_bias: bias of token 5 (101) is not in [-100, 100]": {LogitBias: map[int32]float64{5: 101}},
		"sampling: logit_bias: bias of token 6 (NaN) is not in [-100, 100]": {LogitBias: map[int32]float64{6: nan}},
	} {
		require.EqualError(t, p.Validate(), want)
		_, err := sampling.New(p, 10)
		require.EqualError(t, err, want)
	}
	require.NoError(t, sampling.Params{}.Validate())
	require.NoError(t, sampling.Params{TopP: 1, MinP: 1, TypicalP: 1, RepetitionPenalty: 1}.Validate())
}

func TestNewRefusesWhatDoesNotFitTheVocabulary(t *testing.T) {
	_, err := sampling.New(sampling.Params{LogitBias: map[int32]float64{10: 1}}, 10)
	require.EqualError(t, err, "sampling: logit_bias: token (10) is not in the vocabulary (10)")
	_, err = sampling.New(sampling.Params{}, 0)
	require.EqualError(t, err, "sampling: vocabulary (0) is not in [1, 2147483647]")
	_, err = sampling.New(sampling.Params{}, 10, sampling.BanTokens(1), nil)
	require.EqualError(t, err, "sampling: processor 1 of 2 is nil")
}

func TestGreedyTakesTheLargestAndTheLowestIDAmongEquals(t *testing.T) {
	for _, c := range []struct {
		logits []float32
		want   int32
	}{
		{[]float32{1, 3, 2}, 1},
		{[]float32{1, 3, 3, 3}, 1},
		{[]float32{negInf, -5, negInf}, 1},
		{[]float32{float32(math.Copysign(0, -1)), 0}, 0},
		{[]float32{-math.MaxFloat32, math.MaxFloat32}, 1},
	} {
		got, err := sampling.Greedy{}.Sample(c.logits, nil)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	chain, err := sampling.New(sampling.Params{RepetitionPenalty: 2}, 2)
	require.NoError(t, err)
	got, err := chain.Sample([]float32{1, 3}, nil)
	require.NoError(t, err, "a nil state is an empty one")
	require.EqualValues(t, 1, got)
	_, err = sampling.Greedy{}.Sample(nil, nil)
	require.ErrorIs(t, err, sampling.ErrNonFinite)
}

// TestPenaltiesFollowOpenAIsFormula checks vLLM's order too: repetition before the other two.
// OpenAI: mu[j] -> mu[j] - c[j]*alpha_frequency - (c[j] > 0)*alpha_presence.
func TestPenaltiesFollowOpenAIsFormula(t *testing.T) {
	p := sampling.Params{RepetitionPenalty: 2, PresencePenalty: 0.5, FrequencyPenalty: 0.25,
		LogitBias: map[int32]float64{3: 4}}
	chain, err := sampling.New(p, 6)
	require.NoError(t, err)
	state := &sampling.State{Tokens: []int32{0, 1, 1, 2, 3, 3, 2, 3}, PromptTokens: 3}
	for range 2 { // twice: nothing is left over from the first call
		logits := []float32{8, -8, -1, 4, 5, negInf}
		_, err = chain.Sample(logits, state)
		require.NoError(t, err)
		require.Equal(t, []float32{
			4,                      // in the prompt: 8/2
			-16,                    // in the prompt twice: -8*2, once
			-2 - 2*0.25 - 0.5,      // twice in the completion
			(4+4)/2 - 3*0.25 - 0.5, // biased, three times in the completion
			5,
			negInf,
		}, logits)
	}
}

func TestPenaltiesRefuseForeignTokens(t *testing.T) {
	chain, err := sampling.New(sampling.Params{PresencePenalty: 1}, 4)
	require.NoError(t, err)
	for _, id := range []int32{4, -1} {
		_, err = chain.Sample(make([]float32, 4), &sampling.State{Tokens: []int32{1, id}})
		require.ErrorContains(t, err, "at position 1 is not in the vocabulary (4)")
	}
}

func TestMasksForbidTokens(t *testing.T) {
	state := &sampling.State{Tokens: []int32{1, 2, 3}, PromptTokens: 1} // completion: 2 tokens
	for _, c := range []struct {
		name      string
		processor sampling.LogitProcessor
		want      []float32
	}{
		{"AllowTokens keeps only its own", sampling.AllowTokens(3, 1, 3), []float32{negInf, 2, negInf, 4}},
		{"BanTokens forbids its own", sampling.BanTokens(0, 3), []float32{negInf, 2, 3, negInf}},
		{"MinTokens forbids before n", sampling.MinTokens(3, 2), []float32{1, 2, negInf, 4}},
		{"MinTokens allows from n on", sampling.MinTokens(2, 2), []float32{1, 2, 3, 4}},
	} {
		logits := []float32{1, 2, 3, 4}
		require.NoError(t, c.processor.Process(logits, state), c.name)
		require.Equal(t, c.want, logits, c.name)
	}
	for want, p := range map[string]sampling.LogitProcessor{
		"sampling: AllowTokens: no token is allowed":                    sampling.AllowTokens(),
		"sampling: AllowTokens: token (4) is not in the vocabulary (4)": sampling.AllowTokens(1, 4),
		"sampling: BanTokens: token (-1) is not in the vocabulary (4)":  sampling.BanTokens(-1),
		"sampling: MinTokens: token (9) is not in the vocabulary (4)":   sampling.MinTokens(1, 9),
	} {
		require.EqualError(t, p.Process(make([]float32, 4), state), want)
	}
}

func TestAMaskOutranksTheBias(t *testing.T) {
	p := sampling.Params{Temperature: 1, LogitBias: map[int32]float64{0: 100}}
	chain, err := sampling.New(p, 3, sampling.AllowTokens(1))
	require.NoError(t, err)
	got, err := chain.Sample([]float32{0, 0, 0}, &sampling.State{})
	require.NoError(t, err)
	require.EqualValues(t, 1, got)
}

type failing struct{ err error }

func (f failing) Process([]float32, *sampling.State) error { return f.err }

func TestProcessorErrorsComeBackAsTheyAre(t *testing.T) {
	want := errors.New("no grammar")
	chain, err := sampling.New(sampling.Params{}, 3, failing{want})
	require.NoError(t, err)
	_, err = chain.Sample(make([]float32, 3), &sampling.State{})
	require.Same(t, want, err)
}

func TestLogprobsOfBadRows(t *testing.T) {
	nan := float32(math.NaN())
	got, top := sampling.Logprobs(nil, []float32{1, nan, 2}, 0, 0)
	require.True(t, math.IsNaN(float64(got)))
	require.Empty(t, top)
	got, _ = sampling.Logprobs(nil, []float32{1, 2}, 2, 1)
	require.True(t, math.IsNaN(float64(got)))
	got, top = sampling.Logprobs(nil, []float32{1, negInf}, 1, 5)
	require.Equal(t, negInf, got)
	require.Equal(t, []sampling.Logprob{{Token: 0, Logprob: 0}}, top)
}

// TestRandomIsSplitMix64 uses the values of the algorithm's published C version for this seed.
func TestRandomIsSplitMix64(t *testing.T) {
	require.Equal(t, []uint64{
		6457827717110365317, 3203168211198807973, 9817491932198370423,
		4593380528125082431, 16408922859458223821,
	}, sampling.Random(1234567, 5))
}

// TestExp2TableIsExact computes 2^(j/128) by square roots in 200 bits.
func TestExp2TableIsExact(t *testing.T) {
	root := new(big.Float).SetPrec(200).SetInt64(2)
	for range 7 {
		root.Sqrt(root)
	}
	power := new(big.Float).SetPrec(200).SetInt64(1)
	for j, got := range sampling.Exp2Table() {
		want, _ := power.Float64()
		require.Equal(t, want, got, j)
		power.Mul(power, root)
	}
}

func TestWeightsAreExponentials(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 0))
	x := make([]float32, 100_000)
	for i := range x {
		x[i] = float32(20 - 700*r.Float64()*r.Float64())
	}
	x[0], x[1] = 20, negInf
	for _, temperature := range []float64{1e-300, 0.01, 0.7, 1, 50, 1e300, math.MaxFloat64} {
		for i, w := range sampling.Weights(x, 20, temperature) {
			want := math.Exp((float64(x[i]) - 20) / temperature)
			if want < 0x1p-1000 {
				require.LessOrEqual(t, w, 0x1.001p-1000)
				continue
			}
			// The exponent's own rounding grows with its size.
			bound := 4e-15 + 2e-16*math.Abs(float64(x[i])-20)/temperature
			require.LessOrEqual(t, math.Abs(w/want-1), bound, "x %v, temperature %v", x[i], temperature)
		}
	}
	require.Equal(t, 1.0, sampling.Weights(x, 20, 0.3)[0])
}

// TestWeightsHaveTheSameBitsEverywhere pins a hash, which every platform has to reproduce and which
// the same formula gives in Python, where nothing is fused.
func TestWeightsHaveTheSameBitsEverywhere(t *testing.T) {
	hash := uint64(14695981039346656037)
	x := make([]float32, 10_000)
	for i := range x {
		x[i] = -float32(i) * 0x1.9p-8
	}
	for _, w := range sampling.Weights(x, 0, 0.7) {
		hash = (hash ^ math.Float64bits(w)) * 1099511628211
	}
	require.Equal(t, uint64(0xb9600a462c8f1586), hash)
}

func TestKthLargestMatchesSorting(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 0))
	for range 300 {
		values := make([]float32, 1+r.IntN(200))
		for i := range values {
			switch r.IntN(4) {
			case 0:
				values[i] = float32(r.IntN(5) - 2)
			case 1:
				values[i] = math.Float32frombits(r.Uint32() &^ (1 << 30)) // no NaN, no infinity
			default:
				values[i] = float32(r.NormFloat64())
			}
		}
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		for k := 1; k <= len(values); k += 1 + r.IntN(20) {
			require.Equal(t, sorted[len(sorted)-k]+0, sampling.KthLargest(values, k)+0)
		}
	}
}

func TestSamplingAllocatesNothing(t *testing.T) {
	state := &sampling.State{Tokens: make([]int32, 100), PromptTokens: 50}
	all := rows()
	for name, p := range chains() {
		p.PresencePenalty, p.FrequencyPenalty = 0.1, 0.1
		p.LogitBias = map[int32]float64{5: 1}
		chain, err := sampling.New(p, vocab, sampling.BanTokens(9), sampling.MinTokens(60, 8))
		require.NoError(t, err)
		for row := range all {
			logits := slices.Clone(all[row])
			require.Zero(t, testing.AllocsPerRun(2, func() {
				if _, err := chain.Sample(logits, state); err != nil {
					t.Fatal(err)
				}
			}), "%s %s", name, row)
		}
	}
	allow, logits := sampling.AllowTokens(1, 2, 3), modelLike()
	require.Zero(t, testing.AllocsPerRun(2, func() { _ = allow.Process(logits, state) }))
	dst := make([]sampling.Logprob, 0, 20)
	require.Zero(t, testing.AllocsPerRun(2, func() { _, dst = sampling.Logprobs(dst, all["model"], 3, 20) }))
}

// TestHostileRowsMatchThePlainReference has the rows a threshold search could trip over.
func TestHostileRowsMatchThePlainReference(t *testing.T) {
	const n = 3000
	ascending := normalLogits(4, n, 3)
	slices.Sort(ascending)
	descending := slices.Clone(ascending)
	slices.Reverse(descending)
	equal, two, zeros, extreme := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range n {
		equal[i] = 3.25
		two[i] = float32(i % 2)
		zeros[i] = float32(math.Copysign(0, float64(i%2)-0.5))
		extreme[i] = []float32{-math.MaxFloat32, -1e-45, 1e-45, 0, 1}[i%5]
	}
	for _, logits := range [][]float32{ascending, descending, equal, two, zeros, extreme} {
		for _, p := range settings() {
			// The reference adds thousands of equal shares one by one; its own rounding decides at
			// which of them the mass is reached.
			if p.TypicalP == 0 && (p.TopP == 0 || &logits[0] == &ascending[0] || &logits[0] == &descending[0]) {
				requireSame(t, p, logits)
			}
		}
	}
	chain, err := sampling.New(sampling.Params{Temperature: 1, TopP: 0.5}, n)
	require.NoError(t, err)
	ids, _, err := chain.Kept(zeros, &sampling.State{})
	require.NoError(t, err)
	require.Len(t, ids, n/2)
	require.EqualValues(t, n/2-1, ids[n/2-1])
}
