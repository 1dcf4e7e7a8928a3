// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

// text returns n tokens that are another text for each seed.
func text(seed, n int) (tokens []int32) {
	for i := range n {
		tokens = append(tokens, int32((i*11+seed*7)%500))
	}
	return tokens
}

// prefill returns a session of the tokens and the logits after them.
func prefill(t *testing.T, m *zen.Model, tokens []int32) (*zen.Session, []float32) {
	t.Helper()
	s, err := m.NewSession()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	logits, err := s.Prefill(background, tokens)
	require.NoError(t, err)
	return s, bytesOf(logits)
}

// What sessions and requests have computed of a text, they take over from each
// other, with the bits of a model that computes all of it every time.
func TestSessionsShareEqualBeginnings(t *testing.T) {
	m, alone := zentest.Model(t), zentest.Model(t, zen.WithPrefixReuse(false))
	prompt := text(1, 100)
	plain, want := prefill(t, alone, prompt)
	require.Zero(t, plain.CachedTokens())

	first, got := prefill(t, m, prompt)
	require.Zero(t, first.CachedTokens())
	require.Equal(t, want, got)
	second, got := prefill(t, m, prompt)
	require.Equal(t, 96, second.CachedTokens(), "the whole pages of 32")
	require.Equal(t, want, got)
	stats := m.Stats()
	require.EqualValues(t, 200, stats.ReusableTokens)
	require.EqualValues(t, 96, stats.CachedTokens)

	require.NoError(t, first.Close())
	require.NoError(t, second.Close())
	require.Zero(t, m.Stats().KVPagesUsed)
	answer := generate(t, m, zen.Request{Tokens: prompt, MaxTokens: 40, Temperature: zen.Greedy(), IgnoreEOS: true})
	require.Equal(t, 96, answer.Usage.CachedTokens, "pages outlive their session")

	longer := slices.Concat(prompt, answer.Tokens, text(2, 30))
	_, want = prefill(t, alone, longer)
	third, got := prefill(t, m, longer)
	require.Equal(t, 128, third.CachedTokens(), "pages of a request's answer")
	require.Equal(t, want, got)
}

// A session that was cut, forked and continued elsewhere leaves nothing wrong
// behind under the tokens it held.
func TestSessionsThatChangedShareWhatTheyAre(t *testing.T) {
	m, alone := zentest.Model(t), zentest.Model(t, zen.WithPrefixReuse(false))
	a, b := text(1, 100), slices.Concat(text(1, 70), text(3, 60))
	s, _ := prefill(t, m, a)
	fork, err := s.Fork()
	require.NoError(t, err)
	defer fork.Close()
	require.Zero(t, fork.CachedTokens())
	require.NoError(t, s.Truncate(70))
	got, err := s.Prefill(background, b[70:])
	require.NoError(t, err)
	_, want := prefill(t, alone, b)
	require.Equal(t, want, got)
	got, err = fork.Prefill(background, a[:40])
	require.NoError(t, err)
	_, want = prefill(t, alone, slices.Concat(a, a[:40]))
	require.Equal(t, want, got)
	for _, tokens := range [][]int32{a, b} {
		later, got := prefill(t, m, tokens)
		require.Equal(t, len(tokens)/32*32, later.CachedTokens())
		_, want := prefill(t, alone, tokens)
		require.Equal(t, want, got)
	}
}

// A saved session says what its tokens' keys and values are; others do not believe
// it.
func TestRestoredSessionsAreNotShared(t *testing.T) {
	m := zentest.Model(t)
	s, _ := prefill(t, zentest.Model(t), text(1, 100))
	var file bytes.Buffer
	require.NoError(t, s.Save(&file))
	restored, err := m.RestoreSession(background, &file)
	require.NoError(t, err)
	defer restored.Close()
	_, err = restored.Prefill(background, text(2, 60))
	require.NoError(t, err)
	other, _ := prefill(t, m, text(1, 100))
	require.Zero(t, other.CachedTokens())
}
