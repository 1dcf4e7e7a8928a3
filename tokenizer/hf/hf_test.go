// SPDX-License-Identifier: Apache-2.0

//go:build cgo && hf_tokenizers

package hf_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tokenizer"
	"github.com/zenlm/zen/tokenizer/hf"
)

// Both implementations give the same ids, text and offsets.
func TestEqualsPureGo(t *testing.T) {
	data, err := os.ReadFile("../../nano/model/tokenizer.json")
	require.NoError(t, err)
	pure, err := tokenizer.Parse(data)
	require.NoError(t, err)
	library, err := hf.Parse(data)
	require.NoError(t, err)
	defer library.Close()
	require.Equal(t, pure.VocabSize(), library.VocabSize())
	for _, text := range []string{
		"", "Hello, world!", "  spaces\n\n\tand tabs ", "中文 العربية 👩‍👩‍👧", "don't I'LL 12345", "<|im_start|>user",
		strings.Repeat("a", 5000), "e\u0301\u0323",
	} {
		want, err := pure.Encode(nil, text)
		require.NoError(t, err)
		got, err := library.Encode(nil, text)
		require.NoError(t, err)
		require.Equal(t, want, got, "%q", text)
		require.Equal(t, pure.Decode(want), library.Decode(want))
		d, streamed := library.NewDecoder(), ""
		for _, id := range want {
			streamed += d.Next(id)
		}
		require.Equal(t, pure.Decode(want), streamed+d.Flush())
	}
	_, err = library.Encode(nil, "a\x00b")
	require.ErrorContains(t, err, "NUL")
}
