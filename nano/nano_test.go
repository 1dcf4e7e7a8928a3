// SPDX-License-Identifier: Apache-2.0

package nano_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(t testing.TB, opts ...zen.Option) *zen.Model {
	t.Helper()
	m, err := nano.Load(t.Context(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

func ask(t testing.TB, m *zen.Model, question string) *zen.Response {
	t.Helper()
	resp, err := m.Generate(t.Context(), zen.Request{
		Messages:    []zen.Message{zen.User(question)},
		Temperature: zen.Greedy(),
	})
	require.NoError(t, err)
	return resp
}

func TestNanoIsTheShapeItsCardSays(t *testing.T) {
	m := load(t)
	c := m.Config()
	require.Equal(t, []int{4096, 256, 8, 4, 2, 64, 768}, []int{c.VocabSize, c.HiddenSize, c.NumHiddenLayers,
		c.NumAttentionHeads, c.NumKeyValueHeads, c.HeadDim, c.IntermediateSize})
	require.NotNil(t, c.Quantization)
	require.Less(t, m.MemoryPlan().Weights, int64(8<<20))
}

func TestNanoAnswersAndStopsByItself(t *testing.T) {
	m := load(t)
	for question, want := range map[string]string{
		"What is the capital of France?": "Paris",
		"What is 3 + 4?":                 "7",
		"Who are you?":                   "Zen Nano",
	} {
		resp := ask(t, m, question)
		require.Contains(t, resp.Text, want, question)
		require.Equal(t, zen.FinishStop, resp.FinishReason, question)
	}
	story := ask(t, m, "Tell me a short story.")
	require.Equal(t, zen.FinishStop, story.FinishReason)
	require.Greater(t, len(strings.Fields(story.Text)), 30)
}

func TestNanoSamplesAsItsCheckpointSays(t *testing.T) {
	m := load(t)
	req := zen.Request{Messages: []zen.Message{zen.User("Tell me a short story.")}}
	first, err := m.Generate(t.Context(), req)
	require.NoError(t, err)
	require.NotZero(t, first.Seed)
	req.Seed = &first.Seed
	again, err := m.Generate(t.Context(), req)
	require.NoError(t, err)
	require.Equal(t, first.Text, again.Text)
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		m, err := nano.Load(b.Context())
		require.NoError(b, err)
		m.Close()
	}
}

func BenchmarkDecode(b *testing.B) {
	m := load(b)
	tokens := 0
	for b.Loop() {
		resp, err := m.Generate(b.Context(), zen.Request{
			Messages: []zen.Message{zen.User("Tell me a short story.")}, Temperature: zen.Greedy(),
			MaxTokens: 64, IgnoreEOS: true,
		})
		require.NoError(b, err)
		tokens += resp.Usage.CompletionTokens
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}
