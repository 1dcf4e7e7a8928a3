// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

// folder writes zen-pico to a folder of the operating system.
func folder(t *testing.T) string {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, zentest.FS()))
	return dir
}

func TestQuantisedWeightsStayCloseAndSmall(t *testing.T) {
	plain := zentest.Model(t)
	prompt := greedy(1)
	ids, err := plain.Encode(prompt)
	require.NoError(t, err)
	want, err := plain.ScoreTokens(background, ids, ids)
	require.NoError(t, err)
	for format, bound := range map[zen.DType]float64{zen.Int8: 0.03, zen.Int4: 0.3} {
		m := zentest.Model(t, zen.WithWeights(format))
		got, err := m.ScoreTokens(background, ids, ids)
		require.NoError(t, err)
		require.InEpsilon(t, want.LogProb, got.LogProb, bound, "%v", format)
		require.NotEqual(t, want.LogProb, got.LogProb)
		require.Less(t, 2*m.MemoryPlan().Weights, plain.MemoryPlan().Weights+1<<17)
	}
}

func TestSavedWeightsGiveTheSameTokens(t *testing.T) {
	for _, format := range []zen.DType{zen.Int8, zen.Int4} {
		dir := folder(t)
		m, err := zen.Load(background, dir, zen.WithWeights(format))
		require.NoError(t, err)
		want, err := m.Generate(background, greedy(40))
		require.NoError(t, err)
		saved := filepath.Join(t.TempDir(), "saved")
		require.NoError(t, m.Save(saved))
		require.ErrorIs(t, m.Save(saved), fs.ErrExist)
		plan := m.MemoryPlan()
		require.NoError(t, m.Close())
		require.ErrorIs(t, m.Save(saved+"2"), zen.ErrClosed)

		again, err := zen.Load(background, saved)
		require.NoError(t, err)
		got, err := again.Generate(background, greedy(40))
		require.NoError(t, err)
		require.Equal(t, want.Tokens, got.Tokens)
		require.Equal(t, plan.Weights, again.MemoryPlan().Weights)
		require.NoError(t, again.Close())

		other := zen.Int8
		if format == zen.Int8 {
			other = zen.Int4
		}
		_, err = zen.Load(background, saved, zen.WithWeights(other))
		require.ErrorIs(t, err, zen.ErrUnsupported, "nothing is quantised twice")
	}
}

func TestQuantisedTokensDoNotDependOnTheEngine(t *testing.T) {
	req := zen.Request{Tokens: make([]int32, 90), MaxTokens: 10, Temperature: zen.Greedy(), IgnoreEOS: true}
	for i := range req.Tokens {
		req.Tokens[i] = int32(i * 7 % 509)
	}
	for _, format := range []zen.DType{zen.Int8, zen.Int4} {
		want, err := zentest.Model(t, zen.WithWeights(format)).Generate(background, req)
		require.NoError(t, err)
		for _, chunk := range []int{1, 15, 16, 17, 64} {
			m := zentest.Model(t, zen.WithWeights(format), zen.WithPrefill(chunk), zen.WithWorkers(1+chunk%3))
			got, err := m.Generate(background, req)
			require.NoError(t, err)
			require.Equal(t, want.Tokens, got.Tokens, "%v in chunks of %d", format, chunk)
		}
	}
}

func TestQuantisingTellsItsProgressAndStops(t *testing.T) {
	var last zen.Progress
	m := zentest.Model(t, zen.WithWeights(zen.Int4), zen.WithProgress(func(p zen.Progress) { last = p }))
	require.NoError(t, m.Close())
	require.Equal(t, last.Total, last.Done)
	require.Positive(t, last.Total)

	ctx, cancel := context.WithCancel(background)
	_, err := zen.LoadFS(ctx, zentest.FS(), ".", zen.WithWeights(zen.Int4), zen.WithProgress(func(zen.Progress) { cancel() }))
	require.True(t, errors.Is(err, context.Canceled), err)
	_, err = zen.LoadFS(background, zentest.FS(), ".", zen.WithWeights(zen.F32))
	require.EqualError(t, err, "zen: WithWeights(F32), want Int8 or Int4")
}
