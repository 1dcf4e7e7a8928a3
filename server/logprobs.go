// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/tokenizer"
)

// Log-probabilities are told of the tokens that make text; a control token that ends
// an answer makes none. JSON has no infinity: a token that cannot come has -9999, as
// OpenAI writes it.
const impossible = -9999.0

// chatLogprobs is the logprobs of a chat choice.
type chatLogprobs struct {
	Content []tokenLogprob `json:"content"`
	Refusal *string        `json:"refusal"`
}

type tokenLogprob struct {
	candidate
	Top []candidate `json:"top_logprobs"`
}

// candidate is a token that could come. Bytes are those of its text, which alone need
// not be UTF-8.
type candidate struct {
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
	Bytes   []int   `json:"bytes"`
}

func (f *chatFormat) logprobsOf(p piece) *chatLogprobs {
	if !f.logprobs {
		return nil
	}
	out := &chatLogprobs{Content: []tokenLogprob{}}
	for _, l := range p.logprobs {
		if f.tokens.IsSpecial(l.Token) {
			continue
		}
		entry := tokenLogprob{candidate: newCandidate(f.tokens, l.Logprob), Top: []candidate{}}
		for _, top := range l.Top {
			entry.Top = append(entry.Top, newCandidate(f.tokens, top))
		}
		out.Content = append(out.Content, entry)
	}
	return out
}

func newCandidate(t tokenizer.Tokenizer, l zen.Logprob) candidate {
	text := t.TokenBytes(l.Token)
	c := candidate{Token: strings.ToValidUTF8(string(text), "\ufffd"), Logprob: finite(l.Logprob), Bytes: make([]int, len(text))}
	for i, b := range text {
		c.Bytes[i] = int(b)
	}
	return c
}

func finite[F float32 | float64](p F) float64 {
	if math.IsInf(float64(p), -1) {
		return impossible
	}
	return float64(p)
}

// textLogprobs is the logprobs of a completion, an older form.
type textLogprobs struct {
	Tokens   []string             `json:"tokens"`
	Logprobs []float64            `json:"token_logprobs"`
	Top      []map[string]float64 `json:"top_logprobs"`
	Offsets  []int                `json:"text_offset"` // in characters of the answer
}

// logprobsOf returns those of a piece, and counts its characters.
func (f *textFormat) logprobsOf(p piece) *textLogprobs {
	if !f.logprobs {
		return nil
	}
	out := &textLogprobs{Tokens: []string{}, Logprobs: []float64{}, Top: []map[string]float64{}, Offsets: []int{}}
	for _, l := range p.logprobs {
		if f.tokens.IsSpecial(l.Token) {
			continue
		}
		bytes := f.tokens.TokenBytes(l.Token)
		out.Tokens = append(out.Tokens, spelled(bytes))
		out.Logprobs = append(out.Logprobs, finite(l.Logprob.Logprob))
		out.Offsets = append(out.Offsets, f.offset)
		top := map[string]float64{}
		for _, t := range l.Top {
			top[spelled(f.tokens.TokenBytes(t.Token))] = finite(t.Logprob)
		}
		out.Top = append(out.Top, top)
		for _, b := range bytes {
			if utf8.RuneStart(b) {
				f.offset++
			}
		}
	}
	return out
}

// spelled returns the text of a token, or its bytes spelled out where they are not
// UTF-8.
func spelled(token []byte) string {
	if utf8.Valid(token) {
		return string(token)
	}
	var out strings.Builder
	out.WriteString("bytes:")
	for _, b := range token {
		fmt.Fprintf(&out, `\x%02x`, b)
	}
	return out.String()
}
