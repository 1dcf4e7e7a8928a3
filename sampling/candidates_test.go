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

// candidatesOf returns the n largest logits of a row and those that equal the last.
func candidatesOf(logits []float32, n int) sampling.Candidates {
	sorted := slices.Sorted(slices.Values(logits))
	k := sampling.Candidates{Floor: sorted[len(sorted)-min(n, len(sorted))]}
	for id, x := range logits {
		if x >= k.Floor {
			k.IDs, k.Values = append(k.IDs, int32(id)), append(k.Values, x)
		}
	}
	return k
}

// candidateCases are settings that candidates may decide, and whether 40 of them
// decide less than all rows.
var candidateCases = []struct {
	name   string
	params sampling.Params
	least  int // of 50 rows that are decided
}{
	{"greedy", sampling.Params{}, 50},
	{"greedy, repetition", sampling.Params{RepetitionPenalty: 1.1}, 40},
	{"top_k", sampling.Params{Temperature: 0.7, TopK: 20}, 50},
	{"all of Qwen's", sampling.Params{Temperature: 0.7, TopK: 20, TopP: 0.8, RepetitionPenalty: 1.05}, 40},
	{"min_p and typical_p", sampling.Params{Temperature: 1.3, TopK: 39, MinP: 0.02, TypicalP: 0.9}, 50},
	{"presence and frequency", sampling.Params{Temperature: 1, TopK: 15, PresencePenalty: 0.7, FrequencyPenalty: 0.4}, 30},
	{"negative bias", sampling.Params{Temperature: 1, TopK: 20, LogitBias: map[int32]float64{3: -4, 700: -100}}, 50},
}

// both are two chains of the same settings: of whole rows, and of candidates.
type both struct {
	row, few *sampling.Chain
	decided  int // rows that candidates decided
}

func newBoth(t *testing.T, p sampling.Params, vocab int, extra ...sampling.LogitProcessor) *both {
	row, err := sampling.New(p, vocab, extra...)
	require.NoError(t, err)
	few, err := sampling.New(p, vocab, extra...)
	require.NoError(t, err)
	require.True(t, few.TakesCandidates())
	return &both{row: row, few: few}
}

// sample returns the row's token, which is that of the candidates if they decide it. The streams
// of random numbers stay together.
func (b *both) sample(t *testing.T, logits []float32, k sampling.Candidates, s *sampling.State) int32 {
	before := b.few.Draws()
	got, ok := b.few.SampleFrom(k, s)
	want, err := b.row.Sample(logits, s)
	require.NoError(t, err)
	if ok {
		b.decided++
		require.Equal(t, want, got)
	} else {
		require.Equal(t, before, b.few.Draws())
		b.few.Seek(b.row.Draws())
	}
	require.Equal(t, b.row.Draws(), b.few.Draws())
	return want
}

// likelyLogits are normal ones, of which those of the request are likelier by more, so that
// penalties bite, rounded to 1/steps if that is not 0, for there to be equal ones.
func likelyLogits(seed uint64, vocab, steps int, s *sampling.State, more float32) []float32 {
	logits := normalLogits(seed, vocab, 2)
	for i, x := range logits {
		if steps > 0 {
			logits[i] = float32(int(float32(steps)*x)) / float32(steps)
		}
	}
	for _, id := range s.Tokens {
		logits[id] += more
	}
	return logits
}

func TestCandidatesGiveTheRowsToken(t *testing.T) {
	const vocab = 1500
	for _, c := range candidateCases {
		for _, steps := range []int{0, 4} {
			t.Run(fmt.Sprintf("%s/steps=%d", c.name, steps), func(t *testing.T) {
				r := rand.New(rand.NewPCG(7, 7))
				chains := newBoth(t, c.params, vocab, sampling.MinTokens(30, 2, 9))
				state := &sampling.State{Tokens: []int32{1, 2, 3, 3}, PromptTokens: 4}
				for range 50 {
					logits := likelyLogits(r.Uint64(), vocab, steps, state, 2)
					state.Tokens = append(state.Tokens, chains.sample(t, logits, candidatesOf(logits, 40), state))
				}
				require.GreaterOrEqual(t, chains.decided, c.least)
			})
		}
	}
}

// As few candidates as MinCandidates says decide every row, none fewer do.
func TestMinCandidatesAreEnough(t *testing.T) {
	const vocab = 1500
	for _, c := range []struct {
		params sampling.Params
		want   int
	}{
		{sampling.Params{}, 1},
		{sampling.Params{Temperature: 0.7, TopK: 20}, 20},
		{sampling.Params{Temperature: 1.3, TopK: 39, TopP: 0.9, MinP: 0.02, TypicalP: 0.9}, 39},
		{sampling.Params{Temperature: 0.7, TopK: vocab}, 0},
		{sampling.Params{Temperature: 0.7, TopP: 0.8}, 0},
		{sampling.Params{RepetitionPenalty: 1.1}, 0},
		{sampling.Params{Temperature: 0.7, TopK: 20, LogitBias: map[int32]float64{3: -4}}, 0},
	} {
		chains := newBoth(t, c.params, vocab)
		require.Equal(t, c.want, chains.few.MinCandidates(), "%+v", c.params)
		if c.want == 0 {
			continue
		}
		r, state := rand.New(rand.NewPCG(7, 7)), &sampling.State{}
		for range 50 {
			logits := likelyLogits(r.Uint64(), vocab, 0, state, 2)
			chains.sample(t, logits, candidatesOf(logits, c.want), state)
		}
		require.Equal(t, 50, chains.decided)
		if c.want > 1 {
			logits := normalLogits(1, vocab, 2)
			chains.sample(t, logits, candidatesOf(logits, c.want-1), state)
			require.Equal(t, 50, chains.decided)
		}
	}
}

// Without top_k the masses of the parts are off by as much as they may be, one way or the other.
func TestCandidatesOfANucleusGiveTheRowsToken(t *testing.T) {
	const vocab = 1500
	for _, c := range []struct {
		name   string
		params sampling.Params
		least  int // of 1000 rows that are decided
	}{
		{"top_p", sampling.Params{Temperature: 0.5, TopP: 0.6}, 700},
		{"top_p and min_p", sampling.Params{Temperature: 0.6, TopP: 0.8, MinP: 0.05}, 350},
		{"min_p", sampling.Params{Temperature: 0.8, MinP: 0.1}, 950},
		{"top_p and penalties", sampling.Params{Temperature: 0.4, TopP: 0.6, PresencePenalty: 0.3, RepetitionPenalty: 1.1}, 500},
		{"top_p and a bias", sampling.Params{Temperature: 0.4, TopP: 0.6, LogitBias: map[int32]float64{1: -5, 2: -100}}, 700},
		{"temperature", sampling.Params{Temperature: 0.9}, 900},
		{"temperature and penalties", sampling.Params{Temperature: 0.5, FrequencyPenalty: 0.3, RepetitionPenalty: 1.1}, 500},
		{"min_p and a penalty", sampling.Params{Temperature: 0.8, MinP: 0.1, PresencePenalty: 0.3}, 900},
	} {
		for _, steps := range []int{0, 8} {
			t.Run(fmt.Sprintf("%s/steps=%d", c.name, steps), func(t *testing.T) {
				r := rand.New(rand.NewPCG(8, 8))
				chains := newBoth(t, c.params, vocab)
				state := &sampling.State{Tokens: []int32{1, 2, 3}}
				for i := range 1000 {
					logits := likelyLogits(r.Uint64(), vocab, steps, state, 4)
					off := 0.99e-5 * float64(2*(i%2)-1)
					k := withParts(candidatesOf(logits, 40), logits, chains.few.PartsAt(), off)
					chains.sample(t, logits, k, state)
				}
				require.GreaterOrEqual(t, chains.decided, c.least)
			})
		}
	}
}

// withParts adds the masses of parts at a temperature, off by a share of each, and the parts.
func withParts(k sampling.Candidates, logits []float32, temperature float32, off float64) sampling.Candidates {
	size := (len(logits) + 6) / 7
	k.Part = func(i int) []float32 {
		return slices.Clone(logits[min(i*size, len(logits)):min((i+1)*size, len(logits))])
	}
	if temperature == 0 {
		return k
	}
	top := float64(slices.Max(logits))
	masses := make([]float64, 7)
	for i, x := range logits {
		masses[i/size] += math.Exp((float64(x) - top) / float64(temperature))
	}
	k.Temperature, k.Parts = temperature, nil
	for _, m := range masses {
		k.Parts = append(k.Parts, float32(m*(1+off)))
	}
	return k
}

// Masses from which an error within its bound could make another nucleus do not decide: here
// the mass of the first two of five tokens is the very share that top_p asks for.
func TestMassesTooNearDoNotDecide(t *testing.T) {
	logits := []float32{2, 2, 1, 1, 0}
	total := 2 + 2*math.Exp(-1) + math.Exp(-2)
	k := withParts(candidatesOf(logits, 4), logits, 1, 0)
	for share, decides := range map[float64]bool{1: false, 1 + 0.9e-5: false, 1 - 0.9e-5: false, 1 + 3e-5: true, 1 - 3e-5: true} {
		c, err := sampling.New(sampling.Params{Temperature: 1, TopP: 2 / total * share, Seed: 4}, len(logits))
		require.NoError(t, err)
		_, ok := c.SampleFrom(k, nil)
		require.Equal(t, decides, ok, "%v", share)
	}
	// Two tokens are enough with the fifth gone, which the candidates do not show, else three.
	c, err := sampling.New(sampling.Params{
		Temperature: 1, TopP: 2 / (total - math.Exp(-2)/2), Seed: 4, LogitBias: map[int32]float64{4: -100},
	}, len(logits))
	require.NoError(t, err)
	_, ok := c.SampleFrom(k, nil)
	require.False(t, ok, "what is below the floor may be lowered")
}

// Of the parts one is fetched, in which the token lies; without it there is none.
func TestTemperatureAloneNeedsOnePart(t *testing.T) {
	logits := normalLogits(5, 1500, 2)
	c, err := sampling.New(sampling.Params{Temperature: 1, Seed: 3}, len(logits))
	require.NoError(t, err)
	k := withParts(candidatesOf(logits, 40), logits, 1, 0)
	fetched, part := 0, k.Part
	k.Part = func(i int) []float32 { fetched++; return part(i) }
	_, ok := c.SampleFrom(k, nil)
	require.True(t, ok)
	require.Equal(t, 1, fetched)
	require.EqualValues(t, 1, c.Draws())
	for name, f := range map[string]func(int) []float32{
		"none": nil, "a failure": func(int) []float32 { return nil }, "another length": func(i int) []float32 { return part(i)[1:] },
		"another part": func(i int) []float32 { return part((i + 1) % 6) },
	} {
		k.Part = f
		_, ok := c.SampleFrom(k, nil)
		require.False(t, ok, name)
		require.EqualValues(t, 1, c.Draws(), name)
	}
}

func TestPartsAreAskedForWhereTheyAreNeeded(t *testing.T) {
	for _, c := range []struct {
		params sampling.Params
		takes  bool
		at     float32
	}{
		{sampling.Params{Temperature: 0.7, TopP: 0.9}, true, 0.7},
		{sampling.Params{Temperature: 0.7, TopP: 0.9, MinP: 0.1}, true, 0.7},
		{sampling.Params{Temperature: 0.7, MinP: 0.1}, true, 0},
		{sampling.Params{Temperature: 0.7, TopP: 0.9, TopK: 20}, true, 0},
		{sampling.Params{TopP: 0.9}, true, 0},
		{sampling.Params{Temperature: 0.7}, true, 0.7},
		{sampling.Params{Temperature: 0.7, TypicalP: 0.9}, false, 0},
		{sampling.Params{Temperature: 0.7, TopP: 0.9, TypicalP: 0.9}, false, 0},
		{sampling.Params{Temperature: 0.7, TopP: 0.9, PresencePenalty: 1}, true, 0.7},
		{sampling.Params{Temperature: 0.7, TopP: 0.9, PresencePenalty: -1}, false, 0},
	} {
		s, err := sampling.New(c.params, 300)
		require.NoError(t, err)
		require.Equal(t, c.takes, s.TakesCandidates(), "%+v", c.params)
		require.Equal(t, c.at, s.PartsAt(), "%+v", c.params)
	}
}

func TestCandidatesThatDoNotDecide(t *testing.T) {
	const vocab = 300
	logits := normalLogits(3, vocab, 1)
	state := &sampling.State{}
	sample := func(p sampling.Params, k sampling.Candidates, extra ...sampling.LogitProcessor) bool {
		c, err := sampling.New(p, vocab, extra...)
		require.NoError(t, err)
		_, ok := c.SampleFrom(k, state)
		if !ok {
			require.Zero(t, c.Draws())
		}
		return ok
	}
	require.True(t, sample(sampling.Params{Temperature: 1, TopK: 20}, candidatesOf(logits, 20)))
	require.False(t, sample(sampling.Params{Temperature: 1, TopK: 21}, candidatesOf(logits, 20)), "too few")
	require.False(t, sample(sampling.Params{Temperature: 1}, candidatesOf(logits, 20)), "no parts")
	require.False(t, sample(sampling.Params{Temperature: 1, TopP: 0.2}, candidatesOf(logits, 20)), "no parts")
	require.True(t, sample(sampling.Params{Temperature: 1, MinP: 0.5}, candidatesOf(logits, 20)))
	require.False(t, sample(sampling.Params{Temperature: 1, MinP: 0.01}, candidatesOf(logits, 20)), "more than there are")
	require.False(t, sample(sampling.Params{Temperature: 1, TopK: 299}, candidatesOf(logits, 300)), "a large top_k")
	require.False(t, sample(sampling.Params{}, sampling.Candidates{}), "none")
	require.False(t, sample(sampling.Params{LogitBias: map[int32]float64{1: 3}}, candidatesOf(logits, 20)), "raised")
	require.False(t, sample(sampling.Params{RepetitionPenalty: 0.9}, candidatesOf(logits, 20)), "raised")
	require.False(t, sample(sampling.Params{}, candidatesOf(logits, 20), sampling.AllowTokens(1)), "the caller's")
	best := candidatesOf(logits, 1)
	require.True(t, sample(sampling.Params{}, best))
	require.False(t, sample(sampling.Params{}, candidatesOf(logits, 1), sampling.BanTokens(best.IDs...)), "all are banned")
	state.Tokens = []int32{-1}
	require.False(t, sample(sampling.Params{RepetitionPenalty: 1.1}, candidatesOf(logits, 20)), "not a token")
}

func TestSampleFromAllocatesNothing(t *testing.T) {
	logits := normalLogits(3, 5000, 1)
	c, err := sampling.New(sampling.Params{Temperature: 0.7, TopK: 20, TopP: 0.8, RepetitionPenalty: 1.05}, 5000)
	require.NoError(t, err)
	k, state := candidatesOf(logits, 256), &sampling.State{Tokens: []int32{4, 5, 6}}
	values := slices.Clone(k.Values)
	require.Zero(t, testing.AllocsPerRun(50, func() {
		copy(k.Values, values)
		if _, ok := c.SampleFrom(k, state); !ok {
			t.Error("the candidates did not decide")
		}
	}))
}

func BenchmarkSampleFrom(b *testing.B) {
	logits := normalLogits(3, 151936, 2)
	c, err := sampling.New(sampling.Params{Temperature: 0.7, TopK: 20, TopP: 0.8, RepetitionPenalty: 1.05}, 151936)
	require.NoError(b, err)
	k, state := candidatesOf(logits, 280), &sampling.State{Tokens: make([]int32, 512)}
	values := slices.Clone(k.Values)
	b.ReportAllocs()
	for b.Loop() {
		copy(k.Values, values)
		if _, ok := c.SampleFrom(k, state); !ok {
			b.Fatal("the candidates did not decide")
		}
	}
}
