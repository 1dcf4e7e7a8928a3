// SPDX-License-Identifier: Apache-2.0

package sampling_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/zenlm/zen/sampling"
)

// FuzzSample checks that no parameters and no logits make the chain panic, that the token it
// answers is one of the vocabulary that is not forbidden, and that candidates give no other.
func FuzzSample(f *testing.F) {
	f.Add(0.7, 40, 0.9, 0.05, 0.5, 1.05, 0.5, 0.5, 1.0, uint64(1), []byte("\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x80\xff"))
	f.Add(1.0, 0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, uint64(2), []byte("\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(5e-324, 1, 5e-324, 1.0, 5e-324, 100.0, 2.0, -2.0, -100.0, uint64(3), []byte("\xff\xff\x7f\x7f\xff\xff\x7f\xff\x01\x00\x00\x00"))
	f.Add(math.MaxFloat64, 2, 0.9999999999999999, 1e-300, 0.9999999999999999, 0.01, 0.0, 0.0, 0.0, uint64(4), []byte("\xff\xff\x7f\x7f\xff\xff\x7f\xff\x01\x00\x00\x80"))
	f.Add(5e-324, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, uint64(4), []byte("\x00\x00\x80\x3f\x01\x00\x80\x3f"))
	f.Add(5e-324, 0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, uint64(4), []byte("\x00\x00\x80\x3f\x01\x00\x80\x3f"))
	f.Add(1e300, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -100.0, uint64(4), []byte("\x00\x00\x80\x3f\x00\x00\x80\xff\x00\x00\x80\x3e"))
	f.Add(math.NaN(), -1, 2.0, -1.0, math.Inf(1), -1.0, 3.0, 3.0, 200.0, uint64(5), []byte("\x00\x00\xc0\x7f"))
	f.Fuzz(func(t *testing.T, temperature float64, k int, topP, minP, typical, repetition, presence,
		frequency, bias float64, seed uint64, raw []byte) {
		p := sampling.Params{
			Temperature: temperature, TopK: k, TopP: topP, MinP: minP, TypicalP: typical,
			RepetitionPenalty: repetition, PresencePenalty: presence, FrequencyPenalty: frequency,
			LogitBias: map[int32]float64{int32(seed % 4): bias}, Seed: seed,
		}
		logits := make([]float32, len(raw)/4)
		for i := range logits {
			logits[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		chain, err := sampling.New(p, len(logits))
		if err != nil {
			return
		}
		state := &sampling.State{Tokens: []int32{0, int32(seed % 5)}, PromptTokens: int(int8(seed))}
		sampling.Logprobs(nil, logits, int32(seed%7), k)
		few, err := sampling.New(p, len(logits))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			guess, decided := int32(0), false
			if k := candidatesOf(logits, 1+int(seed%9)); ordinary(logits) {
				k = withParts(k, logits, few.PartsAt(), 0)
				guess, decided = few.SampleFrom(k, state)
			}
			id, err := chain.Sample(logits, state)
			if decided && (err != nil || guess != id) {
				t.Fatalf("candidates %d, the row %d, %v", guess, id, err)
			}
			if err != nil {
				return
			}
			few.Seek(chain.Draws())
			if id < 0 || int(id) >= len(logits) || math.IsInf(float64(logits[id]), -1) {
				t.Fatalf("token %d of logits %v", id, logits)
			}
		}
	})
}

// ordinary reports whether a backend finds candidates of such a row.
func ordinary(logits []float32) bool {
	finite := false
	for _, x := range logits {
		if !(x <= math.MaxFloat32) {
			return false
		}
		finite = finite || x >= -math.MaxFloat32
	}
	return finite
}

// FuzzStopMatcher compares the matcher with a naive search, whatever the stop strings and the cuts.
func FuzzStopMatcher(f *testing.F) {
	f.Add("hello<|im_end|>", "<|im_end|>", uint64(0x55))
	f.Add("abababac", "ababac|bab", uint64(3))
	f.Add("aaaaaaaab", "aaab|aab|b", uint64(0xffff))
	f.Add("你好世界", "世界|好世", uint64(7))
	f.Add("broken \xe4\xbd text", "text", uint64(9))
	f.Fuzz(func(t *testing.T, text, joined string, cuts uint64) {
		if len(text) > 300 || len(joined) > 100 {
			return
		}
		var stops []string
		for _, stop := range strings.Split(joined, "|") {
			if stop != "" && utf8.ValidString(stop) {
				stops = append(stops, stop)
			}
		}
		checkStops(t, text, stops, func(i int) bool { return cuts>>(i%61)&1 == 1 })
	})
}
