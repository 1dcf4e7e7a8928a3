// SPDX-License-Identifier: Apache-2.0

package nano_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
)

// golden is what transformers does with the dequantised int8 weights in float32;
// testdata/_gen writes it.
type golden struct {
	Messages     []zen.Message `json:"messages"`
	IDs          []int32       `json:"ids"`
	Continuation []int32       `json:"continuation"`
	Text         string        `json:"text"`
	Stopped      bool          `json:"stopped"`
	SmallestGap  float64       `json:"smallest_gap"` // of the two largest logits, over the continuation
	FirstLogits  string        `json:"logits_float32_le_base64"`
}

// logitTolerance bounds the difference of a logit, as a part of the largest. The
// weights are the same numbers and both sides compute in float32. The closest race
// between two tokens of the goldens is won by more.
const logitTolerance = 1e-4

func goldens(t *testing.T) []golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	require.NoError(t, err)
	var file struct{ Cases []golden }
	require.NoError(t, json.Unmarshal(data, &file))
	require.Len(t, file.Cases, 20)
	return file.Cases
}

func TestNanoAnswersAsTransformersDoes(t *testing.T) {
	m := load(t, zen.WithKVType(zen.F32))
	for _, c := range goldens(t) {
		req := zen.Request{Messages: c.Messages, Temperature: zen.Greedy(), MaxTokens: 64}
		ids, err := m.Encode(req)
		require.NoError(t, err)
		require.Equal(t, c.IDs, ids, "prompt of %q", c.Text)

		resp, err := m.Generate(t.Context(), req)
		require.NoError(t, err)
		require.Equal(t, c.Continuation, resp.Tokens, "gap %g", c.SmallestGap)
		require.Equal(t, c.Text, resp.Text)
		require.Equal(t, c.Stopped, resp.FinishReason == zen.FinishStop)
	}
}

func TestNanoLogitsEqualTransformers(t *testing.T) {
	m := load(t, zen.WithKVType(zen.F32))
	for _, c := range goldens(t) {
		s, err := m.NewSession()
		require.NoError(t, err)
		got, err := s.Prefill(t.Context(), c.IDs)
		require.NoError(t, err)
		want, err := base64.StdEncoding.DecodeString(c.FirstLogits)
		require.NoError(t, err)
		require.Len(t, want, 4*len(got))
		largest, worst := 0.0, 0.0
		for i, v := range got {
			w := float64(math.Float32frombits(binary.LittleEndian.Uint32(want[4*i:])))
			largest = max(largest, math.Abs(w))
			worst = max(worst, math.Abs(float64(v)-w))
		}
		require.LessOrEqual(t, worst, logitTolerance*largest, c.Text)
		require.NoError(t, s.Close())
	}
}

// The default cache rounds keys and values to 11 bits: where two tokens are closer
// than that moves them, another may win.
func TestNanoAnswersTheSameWithTheDefaultCache(t *testing.T) {
	m := load(t)
	const closest = 0.1
	compared := 0
	for _, c := range goldens(t) {
		if c.SmallestGap < closest {
			continue
		}
		resp, err := m.Generate(t.Context(), zen.Request{Messages: c.Messages, Temperature: zen.Greedy(), MaxTokens: 64})
		require.NoError(t, err)
		require.Equal(t, c.Continuation, resp.Tokens, "gap %g", c.SmallestGap)
		compared++
	}
	require.Greater(t, compared, 12)
}
