// SPDX-License-Identifier: Apache-2.0

package zentest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

func TestPicoHasTheShapeItsDocumentationSays(t *testing.T) {
	m := zentest.Model(t)
	c := m.Config()
	require.Equal(t, []int{512, 64, 2, 2, 1, 32, 192, 512}, []int{c.VocabSize, c.HiddenSize, c.NumHiddenLayers,
		c.NumAttentionHeads, c.NumKeyValueHeads, c.HeadDim, c.IntermediateSize, c.MaxPositionEmbeddings})
	require.True(t, c.TieWordEmbeddings)
	tok := m.Tokenizer()
	require.Equal(t, 512, tok.VocabSize())
	for i, content := range []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"} {
		id, ok := tok.Special(content)
		require.True(t, ok)
		require.EqualValues(t, 509+i, id)
		require.True(t, tok.IsSpecial(id))
	}
}

func TestPicoIsTheSameEveryTime(t *testing.T) {
	sum := func(name string) string {
		data, err := fs.ReadFile(zentest.FS(), name)
		require.NoError(t, err)
		h := sha256.Sum256(data)
		return hex.EncodeToString(h[:8])
	}
	require.Equal(t, sum("model.safetensors"), sum("model.safetensors"))
	require.Equal(t, sum("tokenizer.json"), sum("tokenizer.json"))
}

func TestPicoReadsAnyText(t *testing.T) {
	m := zentest.Model(t)
	for _, text := range []string{"the people", "Grüße, 世界 🌍", "\x00\t\r\n  x", "<|im_end|>"} {
		ids, err := m.Tokenizer().Encode(nil, text)
		require.NoError(t, err)
		require.Equal(t, text, m.Tokenizer().Decode(ids))
	}
	ids, err := m.Encode(zen.Request{Messages: []zen.Message{zen.User("the people")}})
	require.NoError(t, err)
	require.EqualValues(t, 510, ids[0])
}

func TestPicoAnswersWithWords(t *testing.T) {
	m := zentest.Model(t)
	words := regexp.MustCompile(`^([ .,][a-z]*)*$`)
	ended := 0
	for seed := range uint64(10) {
		resp, err := m.Generate(t.Context(), zen.Request{
			Messages: []zen.Message{zen.User("Grüße, 世界")}, Temperature: new(1.0), Seed: &seed,
		})
		require.NoError(t, err)
		require.Regexp(t, words, resp.Text)
		if resp.FinishReason == zen.FinishStop {
			ended++
		}
	}
	require.NotZero(t, ended, "no answer ended by itself")
}

func BenchmarkModel(b *testing.B) {
	for b.Loop() {
		zentest.Model(b)
	}
}
