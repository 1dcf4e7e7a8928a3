// SPDX-License-Identifier: Apache-2.0

//go:build !race

package zen_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/zentest"
)

// Tokens cost no memory of their own through any door: an answer of 448 allocates
// what one of 64 does, but for what grows by doubling and a block of text, tokens or
// log-probabilities now and then.
func TestATokenAllocatesNothing(t *testing.T) {
	const few, many = 64, 448 // the context has 512
	m, err := nano.Load(t.Context())
	require.NoError(t, err)
	defer m.Close()
	request := func(tokens int) zen.Request {
		return zen.Request{Prompt: "Once upon a time", MaxTokens: tokens, Temperature: zen.Greedy(), IgnoreEOS: true}
	}
	sampled := func(tokens int) zen.Request {
		r := request(tokens)
		r.Temperature, r.TopK, r.TopP = new(0.8), new(40), new(0.95)
		r.RepetitionPenalty, r.Seed, r.Stop = new(1.1), new(uint64(1)), []string{"###"}
		return r
	}
	logprobs := func(tokens int) zen.Request {
		r := request(tokens)
		r.Logprobs, r.TopLogprobs = true, 5
		return r
	}
	generate := func(r zen.Request) {
		answer, err := m.Generate(background, r)
		require.NoError(t, err)
		require.Len(t, answer.Tokens, r.MaxTokens)
	}
	stream := func(r zen.Request) {
		n := 0
		for chunk, err := range m.Stream(background, r) {
			require.NoError(t, err)
			n += len(chunk.Tokens)
		}
		require.Equal(t, r.MaxTokens, n)
	}
	for name, run := range map[string]func(tokens int){
		"Generate":       func(n int) { generate(request(n)) },
		"sampled":        func(n int) { generate(sampled(n)) },
		"log-probs":      func(n int) { generate(logprobs(n)) },
		"Stream":         func(n int) { stream(request(n)) },
		"sampled stream": func(n int) { stream(sampled(n)) },
		"Session":        func(n int) { decode(t, m, n) },
	} {
		t.Run(name, func(t *testing.T) {
			before, after := mallocs(run, few), mallocs(run, many)
			t.Logf("%d allocations for %d tokens, %d for %d", before, few, after, many)
			require.Less(t, after-before, (many-few)/8)
		})
	}
}

// Quantised weights have kernels of their own for one row.
func TestATokenOfQuantizedWeightsAllocatesNothing(t *testing.T) {
	const few, many = 64, 448
	for _, format := range []zen.DType{zen.Int8, zen.Int4} {
		m := zentest.Model(t, zen.WithWeights(format))
		run := func(tokens int) { decode(t, m, tokens) }
		before, after := mallocs(run, few), mallocs(run, many)
		require.Less(t, after-before, (many-few)/8, "%v", format)
	}
}

// decode feeds n tokens to a session one by one.
func decode(t *testing.T, m *zen.Model, n int) {
	s, err := m.NewSession()
	require.NoError(t, err)
	defer s.Close()
	for i := range n {
		_, err := s.Next(background, int32(i%500))
		require.NoError(t, err)
	}
}

// mallocs returns the fewest allocations of the whole program during a run: others
// may have made some, too.
func mallocs(run func(int), tokens int) int {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	fewest := 1 << 30
	for range 2 { // the first may be the one for which scratch memory grows
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		run(tokens)
		runtime.ReadMemStats(&after)
		fewest = min(fewest, int(after.Mallocs-before.Mallocs))
	}
	return fewest
}
