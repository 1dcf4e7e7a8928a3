// SPDX-License-Identifier: Apache-2.0

package sampling_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/zenlm/zen/sampling"
)

// vocab is Qwen2.5's.
const vocab = 151936

// modelLike returns logits shaped like a language model's: a normal bulk and 60 candidates above it.
func modelLike() []float32 {
	logits := normalLogits(1, vocab, 2.5)
	for i := range 60 {
		logits[(i*7919+13)%vocab] = 14 + 8/float32(1+i)
	}
	return logits
}

// flat returns logits among which no token stands out, the worst case of top_p.
func flat() []float32 { return normalLogits(2, vocab, 0.5) }

// rows are the logits the benchmarks and the allocation test run on.
func rows() map[string][]float32 {
	ascending := normalLogits(3, vocab, 2.5)
	slices.Sort(ascending)
	return map[string][]float32{"model": modelLike(), "flat": flat(), "ascending": ascending}
}

// chains are the settings the benchmarks and the allocation test run.
func chains() map[string]sampling.Params {
	return map[string]sampling.Params{
		"greedy":           {},
		"temperature":      {Temperature: 0.7},
		"top_k40":          {Temperature: 0.7, TopK: 40},
		"top_k40_top_p0.9": {Temperature: 0.7, TopK: 40, TopP: 0.9},
		"top_k20000":       {Temperature: 0.7, TopK: 20000},
		"top_p0.9":         {Temperature: 0.7, TopP: 0.9},
		"min_p0.05":        {Temperature: 0.7, MinP: 0.05},
		"typical_p0.9":     {Temperature: 0.7, TypicalP: 0.9},
		"qwen2.5_defaults": {Temperature: 0.7, TopK: 20, TopP: 0.8, RepetitionPenalty: 1.05},
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func BenchmarkSample(b *testing.B) {
	all, params := rows(), chains()
	state := &sampling.State{Tokens: make([]int32, 1024), PromptTokens: 512}
	for _, name := range sortedKeys(params) {
		for _, row := range sortedKeys(all) {
			b.Run(fmt.Sprintf("chain=%s/logits=%s", name, row), func(b *testing.B) {
				chain, err := sampling.New(params[name], vocab)
				if err != nil {
					b.Fatal(err)
				}
				logits := slices.Clone(all[row])
				b.ReportAllocs()
				for b.Loop() {
					if _, err := chain.Sample(logits, state); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkPenalties(b *testing.B) {
	for _, length := range []int{1024, 32768} {
		b.Run(fmt.Sprintf("length=%d", length), func(b *testing.B) {
			chain, err := sampling.New(sampling.Params{
				RepetitionPenalty: 1.05, PresencePenalty: 0.5, FrequencyPenalty: 0.5,
			}, vocab)
			if err != nil {
				b.Fatal(err)
			}
			state := &sampling.State{Tokens: make([]int32, length), PromptTokens: length / 2}
			for i := range state.Tokens {
				state.Tokens[i] = int32(i * 7919 % 5000)
			}
			row := modelLike()
			logits := slices.Clone(row)
			b.ReportAllocs()
			for b.Loop() {
				copy(logits, row) // penalties add up otherwise
				if _, err := chain.Sample(logits, state); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLogprobs(b *testing.B) {
	all, dst := rows(), make([]sampling.Logprob, 0, 20)
	for _, row := range sortedKeys(all) {
		b.Run("top=20/logits="+row, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, dst = sampling.Logprobs(dst, all[row], 42, 20)
			}
		})
	}
}

func BenchmarkStopMatcher(b *testing.B) {
	text := "The quick brown fox jumps over the lazy dog.\n"
	m, err := sampling.NewStopMatcher([]string{"<|im_end|>", "\n\nUser:", "Observation:", "</s>"})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for i := 0; i < len(text); i += 5 {
			m.Push(text[i : i+5])
		}
	}
}
