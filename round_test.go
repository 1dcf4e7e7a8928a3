// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
)

// Rounded activations cost a checkpoint of BF16 about a hundredth of the largest logit, with one
// row a step or many, and the two give the same bits. On processors that do not round nothing
// changes.
func TestRoundingKeepsLogitsNear(t *testing.T) {
	dir := filepath.Join("model/qwen2/testdata", "bf16")
	tokens, _ := golden(t, dir)
	exact, err := zen.Load(t.Context(), dir)
	require.NoError(t, err)
	defer exact.Close()
	_, want := prefill(t, exact, tokens)
	var rounded []float32
	for _, chunk := range []int{1, 7, 64} {
		m, err := zen.Load(t.Context(), dir, zen.WithRounding(), zen.WithPrefill(chunk))
		require.NoError(t, err)
		_, got := prefill(t, m, tokens)
		largest, diff := 0.0, 0.0
		for i, w := range want {
			largest = max(largest, math.Abs(float64(w)))
			diff = max(diff, math.Abs(float64(w)-float64(got[i])))
		}
		require.LessOrEqual(t, diff, 2e-2*largest, "%d rows a step", chunk)
		if rounded == nil {
			rounded = got
		}
		require.Equal(t, rounded, got, "%d rows a step", chunk)
		require.NoError(t, m.Close())
	}
}
