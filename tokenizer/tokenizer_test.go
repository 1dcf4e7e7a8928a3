// SPDX-License-Identifier: Apache-2.0

package tokenizer_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tokenizer"
)

func TestNamedTextsHaveTheRecordedIDs(t *testing.T) {
	tok := load(t, "qwen3")
	for name, c := range readManifest(t).Named {
		ids, err := tok.Encode(nil, c.Text)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(c.IDs), fmt.Sprint(ids), name)
	}
}

func TestAddSpecialFollowsThePostProcessor(t *testing.T) {
	m := readManifest(t)
	for _, family := range []string{"qwen3", "llama3.1", "mistral-v0.1", "gpt2", "gemma3"} {
		tok := load(t, family)
		ids, err := tok.Encode(nil, "x")
		require.NoError(t, err)
		require.Equal(t, m.Families[family].AddSpecial, tok.AddSpecial(ids), family)
	}
}

func TestEncodeAppends(t *testing.T) {
	ids, err := load(t, "qwen3").Encode([]int32{7}, "Hello")
	require.NoError(t, err)
	require.Equal(t, []int32{7, 9707}, ids)
}

func TestSpecialTokensInTextAreText(t *testing.T) {
	for _, family := range []string{"qwen3", "llama3.1", "mistral-nemo", "gemma3", "phi3"} {
		tok := load(t, family)
		var all strings.Builder
		for id := range int32(tok.VocabSize()) {
			if tok.IsSpecial(id) {
				all.Write(tok.TokenBytes(id))
				all.WriteString(" x")
			}
		}
		ids, err := tok.Encode(nil, all.String())
		require.NoError(t, err)
		for _, id := range ids {
			require.False(t, tok.IsSpecial(id), "%s: %q", family, tok.TokenBytes(id))
		}
	}
}

func TestAddedTokensThatAreNotSpecialAreVocabulary(t *testing.T) {
	tok := load(t, "qwen3")
	ids, err := tok.Encode(nil, "<tool_call>")
	require.NoError(t, err)
	require.Equal(t, []int32{151657}, ids)
	require.False(t, tok.IsSpecial(151657))
	require.Equal(t, "<tool_call>", tok.Decode(ids))
	id, ok := tok.Special("<tool_call>")
	require.True(t, ok)
	require.Equal(t, int32(151657), id)
	_, ok = tok.Special("<|nothing|>")
	require.False(t, ok)
}

// brokenTexts are texts that are not UTF-8.
var brokenTexts = []string{
	"\xff", "a\xffb", "\xe4\xbd", "\xe4\xbd\xe4", "\xe4\xbd\xa0\xbd", "\xf0\x9f\x98", "\xed\xa0\x80",
	"\xc0\x80", "\xf4\x90\x80\x80", "it\x80's", " \x80 \xff\n", "e\u0301\xcc", "\xcc\u0301", "1\xff2",
}

func TestBrokenUTF8SurvivesInTheTokensBytes(t *testing.T) {
	for _, family := range []string{"qwen3", "llama3.1", "gpt2", "gemma3"} {
		tok := load(t, family)
		for _, text := range brokenTexts {
			ids, err := tok.Encode(nil, text)
			require.NoError(t, err)
			var joined []byte
			for _, id := range ids {
				joined = append(joined, tok.TokenBytes(id)...)
			}
			want := text
			if family == "qwen3" {
				want = tokenizer.NFC(text)
			}
			require.Equal(t, want, string(joined), "%s %q", family, text)
			require.True(t, utf8.ValidString(tok.Decode(ids)))
		}
	}
}

// TestLossyDecodeCountsMaximalSubparts has the expectations of the Unicode Standard, section 3.9,
// table 3-8, and of Rust's documentation of from_utf8_lossy.
func TestLossyDecodeCountsMaximalSubparts(t *testing.T) {
	tok := load(t, "gpt2")
	byteID := map[byte]int32{}
	for id := range int32(256) {
		byteID[tok.TokenBytes(id)[0]] = id
	}
	const r = "\uFFFD"
	for in, want := range map[string]string{
		"\xe4\xbd\xe4":                      r + r,
		"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82A": r + r + r + r + r + r + r + r + "A",
		"\xed\xa0\x80\xed\xbf\xbf\xed\xafA": r + r + r + r + r + r + r + r + "A",
		"\xf4\x91\x92\x93\xffA\x80\xbfB":    r + r + r + r + r + "A" + r + r + "B",
		"\xe1\x80\xe2\xf0\x91\x92\xf1\xbfA": r + r + r + r + "A",
		"Hello \xf0\x90\x80World":           "Hello " + r + "World",
	} {
		var ids []int32
		for _, c := range []byte(in) {
			ids = append(ids, byteID[c])
		}
		require.Equal(t, want, tok.Decode(ids), "%q", in)
	}
}

func TestStreamingEqualsDecode(t *testing.T) {
	m := readManifest(t)
	for _, family := range []string{"qwen3", "mistral-v0.1", "gemma3", "metaspace", "phi3"} {
		tok, stream := load(t, family), load(t, family).NewDecoder()
		generic := tokenizer.NewDecoder(tok.Decode)
		for i := range 2000 {
			ids := decodeCase(i, m.Families[family].Size)
			want := tok.Decode(ids)
			require.Equal(t, want, streamed(t, stream, ids), "%s %v", family, ids)
			if family == "qwen3" {
				require.Equal(t, want, streamed(t, generic, ids), "%v", ids)
			}
		}
	}
}

// streamed decodes ids one at a time and checks that each part is whole UTF-8.
func streamed(t *testing.T, d *tokenizer.Decoder, ids []int32) string {
	var out strings.Builder
	for i, id := range ids {
		if i == len(ids)/2 {
			fork := d.Clone() // a clone must not disturb the original
			fork.Next(id)
			fork.Next(id)
		}
		part := d.Next(id)
		require.True(t, utf8.ValidString(part), "%q", part)
		out.WriteString(part)
	}
	out.WriteString(d.Flush())
	return out.String()
}

func TestStreamHoldsBackHalfACharacter(t *testing.T) {
	tok := load(t, "qwen3")
	ids, err := tok.Encode(nil, "\U00013000") // four byte-like tokens
	require.NoError(t, err)
	require.Greater(t, len(ids), 1)
	d := tok.NewDecoder()
	for _, id := range ids[:len(ids)-1] {
		require.Empty(t, d.Next(id))
	}
	require.Equal(t, "\U00013000", d.Next(ids[len(ids)-1]))
	d.Next(ids[0])
	require.Equal(t, "\uFFFD", d.Flush())
	d.Next(ids[0])
	d.Reset()
	require.Empty(t, d.Flush())
}

func TestUnknownIDsAreLeftOut(t *testing.T) {
	tok := load(t, "qwen3")
	require.Equal(t, "Hello", tok.Decode([]int32{-1, 9707, 1 << 30, int32(tok.VocabSize())}))
	require.Nil(t, tok.TokenBytes(-1))
	require.Nil(t, tok.TokenBytes(int32(tok.VocabSize())))
	require.False(t, tok.IsSpecial(-1))
}

func TestOffsetsCoverComposedCharacters(t *testing.T) {
	tokens, err := load(t, "qwen3").EncodeOffsets("cafe\u0301 x")
	require.NoError(t, err)
	require.Equal(t, []tokenizer.Token{{ID: 924, Start: 0, End: 2}, {ID: 58858, Start: 2, End: 6}, {ID: 856, Start: 6, End: 8}}, tokens)
}

func TestConcurrentUseGivesTheSameIDs(t *testing.T) {
	tok, err := tokenizer.Parse(tokenizerJSON(t, readManifest(t), "gpt2"))
	require.NoError(t, err)
	texts := caseTexts(t)[:500]
	want := make([]string, len(texts))
	for i, s := range texts {
		ids, _ := load(t, "gpt2").Encode(nil, s)
		want[i] = fmt.Sprint(ids)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i, s := range texts {
				if ids, _ := tok.Encode(nil, s); fmt.Sprint(ids) != want[i] {
					t.Errorf("%q: %v, want %s", s, ids, want[i])
				}
			}
		})
	}
	wg.Wait()
}

func TestEncodeOfAKnownWordDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items at random under the race detector")
	}
	tok := load(t, "qwen3")
	ids, _ := tok.Encode(nil, "Hello, world! It's fine.")
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { ids, _ = tok.Encode(ids[:0], "Hello, world! It's fine.") }), 1.0)
}
