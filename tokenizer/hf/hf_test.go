// SPDX-License-Identifier: Apache-2.0

//go:build cgo && hf_tokenizers

package hf_test

import (
	"compress/gzip"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tokenizer"
	"github.com/zenlm/zen/tokenizer/hf"
)

var files = flag.String("files", "../../nano/model/tokenizer.json", "tokenizer.json files to compare with, by commas")

// texts are those of the pure implementation's tests that a C string can hold.
func texts(t *testing.T) []string {
	f, err := os.Open("../testdata/cases.json.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var all []string
	require.NoError(t, json.NewDecoder(z).Decode(&all))
	all = slices.DeleteFunc(all, func(s string) bool { return strings.IndexByte(s, 0) >= 0 })
	return append(all, strings.Repeat("a", 5000))
}

func TestEqualsPureGo(t *testing.T) {
	for file := range strings.SplitSeq(*files, ",") {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		pure, err := tokenizer.Parse(data)
		require.NoError(t, err)
		library, err := hf.Parse(data)
		require.NoError(t, err)
		defer library.Close()
		require.Equal(t, pure.VocabSize(), library.VocabSize())
		all := texts(t)
		for _, text := range all {
			compare(t, pure, library, text)
		}
		t.Logf("%s: %d texts", file, len(all))
	}
}

// compare expects the same ids, text and stream of both.
func compare(t *testing.T, pure *tokenizer.BPE, library *hf.Tokenizer, text string) {
	want, err := pure.Encode(nil, text)
	require.NoError(t, err)
	got, err := library.Encode(nil, text)
	require.NoError(t, err)
	require.True(t, slices.Equal(want, got), "%q: %v, want %v", text, got, want)
	require.True(t, slices.Equal(pure.AddSpecial(want), library.AddSpecial(got)), "%q", text)
	require.Equal(t, pure.Decode(want), library.Decode(want))
	d, streamed := library.NewDecoder(), ""
	for _, id := range want {
		streamed += d.Next(id)
	}
	require.Equal(t, pure.Decode(want), streamed+d.Flush())
	if pure.Decode(want) == text { // of characters that NFC joins the library reports one alone
		want, err := pure.EncodeOffsets(text)
		require.NoError(t, err)
		got, err := library.EncodeOffsets(text)
		require.NoError(t, err)
		require.True(t, slices.Equal(want, got), "%q: %v, want %v", text, got, want)
	}
}

func TestWhatTheLibraryWouldChangeIsRefused(t *testing.T) {
	data, err := os.ReadFile("../../nano/model/tokenizer.json")
	require.NoError(t, err)
	library, err := hf.Parse(data)
	require.NoError(t, err)
	for text, want := range map[string]string{"a\x00b": "NUL", "a\xff": "UTF-8"} {
		_, err = library.Encode(nil, text)
		require.ErrorContains(t, err, want)
		_, err = library.EncodeOffsets(text)
		require.ErrorContains(t, err, want)
	}
	tokens, err := library.EncodeOffsets("中a")
	require.NoError(t, err)
	require.Equal(t, 4, tokens[len(tokens)-1].End) // bytes, not characters
	require.NoError(t, library.Close())
	require.NoError(t, library.Close())
	_, err = hf.Parse([]byte("{"))
	require.Error(t, err)
}
