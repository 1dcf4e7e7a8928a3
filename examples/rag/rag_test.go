// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
)

func load(t *testing.T) *zen.Model {
	m, err := nano.Load(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

func TestAnswersFromTheDocuments(t *testing.T) {
	m := load(t)
	store, err := index(t.Context(), m, samples)
	require.NoError(t, err)
	require.Equal(t, 6, store.Count())
	for question, want := range map[string][2]string{
		"Who is the captain?":              {"Mira Okon", "ferry.txt, paragraph 1"},
		"Who is the guide?":                {"Helena Brandt", "museum.txt, paragraph 1"},
		"Where is the library?":            {"Mill Street", "library.txt, paragraph 1"},
		"What does a seat cost?":           {"5 euros", "ferry.txt, paragraph 1"},
		"Who is the head of the library?":  {"Tomas Lund", "library.txt, paragraph 2"},
		"What is the name of the captain?": {"Mira Okon", "ferry.txt, paragraph 1"},
	} {
		var out strings.Builder
		require.NoError(t, answer(t.Context(), &out, m, store, question))
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, 1+sources)
		require.Equal(t, want[0], lines[0], question)
		require.Contains(t, out.String(), want[1], question)
	}
}

func TestOtherDocuments(t *testing.T) {
	m := load(t)
	store, err := index(t.Context(), m, fstest.MapFS{
		"notes/bank.txt": {Data: []byte("The bank is on Hill Street.\n")},
		"notes/bank.png": {Data: []byte("not read")},
	})
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, answer(t.Context(), &out, m, store, "Where is the bank?"))
	require.Equal(t, "Hill Street\n[1] notes/bank.txt, paragraph 1\n", out.String())
}

func TestErrorsAreReturned(t *testing.T) {
	m := load(t)
	_, err := index(t.Context(), m, fstest.MapFS{"long.txt": {Data: []byte(strings.Repeat("word ", 600))}})
	require.ErrorIs(t, err, zen.ErrContextLength)
	store, err := index(t.Context(), m, samples)
	require.NoError(t, err)
	require.Error(t, answer(t.Context(), new(strings.Builder), m, store, ""))
}
