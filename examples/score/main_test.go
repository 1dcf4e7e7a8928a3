// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
)

func TestRankPutsTheTruthFirst(t *testing.T) {
	m, err := nano.Load(t.Context())
	require.NoError(t, err)
	defer m.Close()
	var out strings.Builder
	answers := []string{"The capital of Italy is Paris.", "The capital of Italy is Rome.", "The capital of Italy is Berlin."}
	require.NoError(t, rank(t.Context(), &out, m, "What is the capital of Italy?", answers))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 3)
	require.Contains(t, lines[0], "Rome")

	err = rank(t.Context(), &out, m, "What?", []string{""})
	require.ErrorIs(t, err, zen.ErrInvalidRequest)
}
