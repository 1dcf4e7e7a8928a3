// SPDX-License-Identifier: Apache-2.0

package tokenizer_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zenlm/zen/tokenizer"
)

var corpora = flag.String("corpora", "", "folder of .txt files for the benchmarks")

// corpus returns the benchmark texts by name.
func corpus(b *testing.B) map[string]string {
	texts := map[string]string{}
	if *corpora == "" {
		texts["mixed"] = strings.Join(caseTexts(b), "\n")
		return texts
	}
	paths, _ := filepath.Glob(filepath.Join(*corpora, "*.txt"))
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		texts[strings.TrimSuffix(filepath.Base(path), ".txt")] = string(data)
	}
	return texts
}

func BenchmarkEncode(b *testing.B) {
	for _, family := range []string{"qwen3", "llama3.1", "gpt2", "mistral-v0.1", "gemma3"} {
		for name, text := range corpus(b) {
			b.Run("family="+family+"/text="+name, func(b *testing.B) {
				tok := load(b, family)
				var ids []int32
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					ids, _ = tok.Encode(ids[:0], text)
				}
				b.ReportMetric(float64(len(text))/float64(len(ids)), "B/token")
			})
		}
	}
}

// BenchmarkEncodeLetter is the worst for merging: one word without end.
func BenchmarkEncodeLetter(b *testing.B) {
	for name, size := range map[string]int{"64kB": 1 << 16, "1MB": 1 << 20, "4MB": 1 << 22} {
		b.Run("size="+name, func(b *testing.B) {
			tok, text := load(b, "qwen3"), strings.Repeat("a", size)
			var ids []int32
			b.SetBytes(int64(size))
			for b.Loop() {
				ids, _ = tok.Encode(ids[:0], text)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	tok := load(b, "qwen3")
	for name, text := range corpus(b) {
		ids, _ := tok.Encode(nil, text)
		b.Run("text="+name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				tok.Decode(ids)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	m := readManifest(b)
	for _, family := range []string{"qwen3", "llama3.1", "mistral-v0.1", "gemma3"} {
		b.Run("family="+family, func(b *testing.B) {
			data := tokenizerJSON(b, m, family)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tokenizer.Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
