// SPDX-License-Identifier: Apache-2.0

package tokenizer_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tokenizer"
)

// The goldens are what the Rust library answers; see testdata/_gen/goldens.py. Vocabularies are
// rebuilt here from a smaller form and checked by hash.

type manifest struct {
	Tokenizers   string
	Vocabularies map[string]struct {
		Form  string
		Extra []string
		Order string
		Model string `json:"model_sha256"`
	}
	Families map[string]struct {
		Vocabulary string
		Legacy     bool `json:"legacy_merges"`
		Size       int
		Small      bool
		Digests    int
		AddSpecial []int32 `json:"add_special"`
		Normalizes bool
	}
	Named map[string]struct {
		Text string
		IDs  []int32 `json:"qwen3"`
	}
}

func readManifest(t testing.TB) manifest {
	data, err := os.ReadFile("testdata/manifest.json")
	require.NoError(t, err)
	var m manifest
	require.NoError(t, json.Unmarshal(data, &m))
	return m
}

func readGzip(t testing.TB, parts ...string) []byte {
	f, err := os.Open(filepath.Join(append([]string{"testdata"}, parts...)...))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	return data
}

// model is a vocabulary and its merges.
type model struct {
	tokens []string // by id
	merges [][2]string
}

var models sync.Map // vocabulary name -> func() model

// readModel rebuilds a vocabulary, once for all tests, and checks that it is the original.
func readModel(t testing.TB, m manifest, name string) model {
	once, _ := models.LoadOrStore(name, sync.OnceValue(func() model { return rebuild(t, m, name) }))
	return once.(func() model)()
}

func rebuild(t testing.TB, m manifest, name string) model {
	v := m.Vocabularies[name]
	data := readGzip(t, "vocab", name+".gz")
	var out model
	if v.Form == "merges" {
		out.tokens = byteSpellings()
		for line := range strings.Lines(string(data)) {
			a, b, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			out.merges = append(out.merges, [2]string{a, b})
			out.tokens = append(out.tokens, a+b)
		}
		out.tokens = append(out.tokens, v.Extra...)
	} else {
		require.NoError(t, json.Unmarshal(data, &out.tokens))
		out.merges = splits(out.tokens)
		if v.Order != "" {
			out.merges = reorder(out.merges, readGzip(t, "vocab", name+".order.gz"))
		}
	}
	h := sha256.New()
	for id, text := range out.tokens {
		fmt.Fprintf(h, "%d\x00%s\n", id, text)
	}
	for _, p := range out.merges {
		fmt.Fprintf(h, "%s\x00%s\n", p[0], p[1])
	}
	require.Equal(t, v.Model, fmt.Sprintf("%x", h.Sum(nil)), "the vocabulary of %s", name)
	return out
}

// byteSpellings returns GPT-2's characters for bytes in the order of their ids.
func byteSpellings() []string {
	var out []string
	for b := range 256 {
		if b > ' ' && b < 0x7f || b >= 0xa1 && b != 0xad {
			out = append(out, string(rune(b)))
		}
	}
	for n := 0; len(out) < 256; n++ {
		out = append(out, string(rune(256+n)))
	}
	return out
}

// splits returns every split of a token into two, by id of the whole, then of the parts.
func splits(tokens []string) [][2]string {
	ids := make(map[string]int, len(tokens))
	for id, text := range tokens {
		ids[text] = id
	}
	var out [][2]string
	for _, text := range tokens {
		var pairs [][2]int
		for i := range text {
			a, okA := ids[text[:i]]
			b, okB := ids[text[i:]]
			if i > 0 && okA && okB {
				pairs = append(pairs, [2]int{a, b})
			}
		}
		slices.SortFunc(pairs, func(p, q [2]int) int { return slices.Compare(p[:], q[:]) })
		for _, p := range pairs {
			out = append(out, [2]string{tokens[p[0]], tokens[p[1]]})
		}
	}
	return out
}

// reorder picks pairs by their differences, zigzag varints.
func reorder(pairs [][2]string, order []byte) [][2]string {
	var out [][2]string
	for at := int64(0); len(order) > 0; {
		d, n := binary.Varint(order)
		at += d
		out, order = append(out, pairs[at]), order[n:]
	}
	return out
}

// tokenizerJSON writes the tokenizer.json of a family as its file has it.
func tokenizerJSON(t testing.TB, m manifest, family string) []byte {
	f := m.Families[family]
	voc := readModel(t, m, f.Vocabulary)
	slim := readGzip(t, "families", family+".json.gz")
	var b bytes.Buffer
	cut := bytes.LastIndex(slim, []byte("}}")) // the end of model, the last member
	b.Write(slim[:cut])
	b.WriteString(`,"vocab":{`)
	for id, text := range voc.tokens {
		if id > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:%d", quote(text), id)
	}
	b.WriteString(`},"merges":[`)
	for i, p := range voc.merges {
		if i > 0 {
			b.WriteByte(',')
		}
		if f.Legacy {
			b.WriteString(quote(p[0] + " " + p[1]))
		} else {
			b.WriteString("[" + quote(p[0]) + "," + quote(p[1]) + "]")
		}
	}
	b.WriteString("]}}")
	return b.Bytes()
}

func quote(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		return `"` + s + `"`
	}
	q, _ := json.Marshal(s)
	return string(q)
}

var parsed sync.Map // family name -> func() *tokenizer.BPE

// load returns a family's tokenizer, parsed once for all tests.
func load(t testing.TB, family string) *tokenizer.BPE {
	once, _ := parsed.LoadOrStore(family, sync.OnceValue(func() *tokenizer.BPE {
		tok, err := tokenizer.Parse(tokenizerJSON(t, readManifest(t), family))
		require.NoError(t, err)
		return tok
	}))
	return once.(func() *tokenizer.BPE)()
}

func caseTexts(t testing.TB) []string {
	var texts []string
	require.NoError(t, json.Unmarshal(readGzip(t, "cases.json.gz"), &texts))
	return texts
}

// repeats mirrors goldens.py.
func repeats(size int) []string {
	units := []string{"a", " ", "\n", "ab", "0", "\u4f60", "the ", "A\u0301", "\U0001f600", "!", "\u0e01",
		" \n", "<|im_end|>", "\u2581", "aB3 _"}
	for i, u := range units {
		units[i] = strings.Repeat(u, size/len(u))
	}
	return units
}

// sweepText mirrors sweep in goldens.py.
func sweepText(i int) string {
	var out strings.Builder
	for c := rune(256 * i); c < rune(256*i+256); c++ {
		if utf8.ValidRune(c) {
			s := string(c)
			out.WriteString("a" + s + "1" + s + s + " " + s + "\u0301 ")
		}
	}
	return out.String()
}

// decodeCase mirrors decode_cases in goldens.py.
func decodeCase(i, size int) []int32 {
	if i%2 == 0 {
		size = min(size, 600)
	}
	x := uint64(i)
	ids := make([]int32, 1+i%24)
	for k := range ids {
		x = x*6364136223846793005 + 1442695040888963407
		ids[k] = int32((x >> 33) % uint64(size))
	}
	return ids
}

var full = flag.Bool("full", false, "compare every recorded case, not a sample of some families")

// stride returns how many cases to pass over: none for Qwen3, which is compared in full always.
func stride(family string) int {
	switch {
	case *full:
		return 1
	case raceEnabled:
		return 37
	case family == "qwen3":
		return 1
	}
	return 5
}

type digest [8]byte

func digestOf(data []byte) digest {
	sum := sha256.Sum256(data)
	return digest(sum[:8])
}

func packed(dst []byte, ids []int32) []byte {
	for _, id := range ids {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(id))
	}
	return dst
}

// answer is the digest of all that the tokenizer says about text. Offsets count where NFC leaves
// the text alone: elsewhere the library points at the first of the joined characters only.
func answer(t testing.TB, tok *tokenizer.BPE, text string, normalizes bool) digest {
	ids, err := tok.Encode(nil, text)
	require.NoError(t, err)
	special, err := tok.EncodeSpecial(nil, text)
	require.NoError(t, err)
	data := packed(append(packed(nil, ids), '|'), special)
	data = append(data, '|')
	tokens, err := tok.EncodeOffsets(text)
	require.NoError(t, err)
	comparable := !normalizes || tokenizer.NFC(text) == text
	for i, tk := range tokens {
		if i >= len(ids) || ids[i] != tk.ID {
			t.Fatalf("EncodeOffsets of %.40q: another token at %d", text, i)
		}
		if comparable {
			data = packed(data, []int32{int32(tk.Start), int32(tk.End)})
		}
	}
	data = append(data, '|')
	return digestOf(append(data, tok.Decode(special)...))
}

func TestAnswersEqualTheRustLibrary(t *testing.T) {
	m := readManifest(t)
	texts := caseTexts(t)
	for family, f := range m.Families {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile("testdata/answers/" + family + ".bin")
			require.NoError(t, err)
			require.Len(t, want, 8*f.Digests)
			tok := load(t, family)
			require.Equal(t, f.Size, tok.VocabSize())
			at, wrong, step := 0, 0, stride(family)
			check := func(got func() digest, name string, args ...any) {
				if at%step == 0 {
					if d := got(); !bytes.Equal(d[:], want[8*at:8*at+8]) {
						if wrong++; wrong <= 5 {
							t.Errorf("case %d: "+name, append([]any{at}, args...)...)
						}
					}
				}
				at++
			}
			text := func(s string) func() digest {
				return func() digest { return answer(t, tok, s, f.Normalizes) }
			}
			for _, s := range texts {
				check(text(s), "%q", s)
			}
			size, sweeps := 1<<20, 1
			if f.Small {
				size, sweeps = 1<<16, 8
			}
			for _, s := range repeats(size) {
				check(text(s), "%.20q and so on", s)
			}
			for i := 0; i < 0x110000/256; i += sweeps {
				check(func() digest { return answer(t, tok, sweepText(i), f.Normalizes) }, "the text around U+%04X", 256*i)
			}
			for i := range 2000 {
				ids := decodeCase(i, f.Size)
				check(func() digest { return digestOf([]byte(tok.Decode(ids))) }, "decode %v", ids)
			}
			require.Equal(t, f.Digests, at)
			require.Zero(t, wrong, "of %d cases", at)
		})
	}
}
