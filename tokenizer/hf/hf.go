// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/daulet/tokenizers"

	"github.com/zenlm/zen/tokenizer"
)

// Tokenizer is a tokenizer.Tokenizer. It is safe for concurrent use until Close.
type Tokenizer struct {
	library *tokenizers.Tokenizer
	added   map[string]int32
	special map[int32]bool
	size    int
}

var _ tokenizer.Tokenizer = (*Tokenizer)(nil)

// Parse reads a tokenizer.json. The caller closes the Tokenizer.
func Parse(tokenizerJSON []byte) (*Tokenizer, error) {
	var file struct {
		AddedTokens []struct {
			ID      int32  `json:"id"`
			Content string `json:"content"`
			Special bool   `json:"special"`
		} `json:"added_tokens"`
	}
	if err := json.Unmarshal(tokenizerJSON, &file); err != nil {
		return nil, fmt.Errorf("hf: tokenizer.json: %w", err)
	}
	library, err := tokenizers.FromBytes(tokenizerJSON, tokenizers.WithEncodeSpecialTokens())
	if err != nil {
		return nil, fmt.Errorf("hf: tokenizer.json: %w", err)
	}
	t := &Tokenizer{library: library, added: map[string]int32{}, special: map[int32]bool{}, size: int(library.VocabSize())}
	for _, a := range file.AddedTokens {
		t.added[a.Content] = a.ID
		t.special[a.ID] = a.Special
		t.size = max(t.size, int(a.ID)+1)
	}
	return t, nil
}

// Close frees the library's memory. The Tokenizer must not be used afterwards.
func (t *Tokenizer) Close() error { return t.library.Close() }

var errNUL = errors.New("hf: the text has a NUL byte, at which the library would cut it")

// Encode appends the ids of text to dst. Special tokens spelled in it are plain
// text. A text with a NUL byte is refused.
func (t *Tokenizer) Encode(dst []int32, text string) ([]int32, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return dst, errNUL
	}
	ids, _ := t.library.Encode(text, false)
	for _, id := range ids {
		dst = append(dst, int32(id))
	}
	return dst, nil
}

// EncodeOffsets returns the tokens of Encode with their bytes of text, as the
// library reports them.
func (t *Tokenizer) EncodeOffsets(text string) ([]tokenizer.Token, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, errNUL
	}
	e := t.library.EncodeWithOptions(text, false, tokenizers.WithReturnOffsets())
	tokens := make([]tokenizer.Token, len(e.IDs))
	for i, id := range e.IDs {
		tokens[i] = tokenizer.Token{ID: int32(id), Start: int(e.Offsets[i][0]), End: int(e.Offsets[i][1])}
	}
	return tokens, nil
}

// AddSpecial returns ids between what the post-processor adds, which it learns
// from an empty text.
func (t *Tokenizer) AddSpecial(ids []int32) []int32 {
	around, _ := t.library.Encode("", true)
	if len(around) == 0 {
		return ids
	}
	out := make([]int32, 0, len(around)+len(ids))
	for _, id := range around { // a BOS: no family here adds an end
		out = append(out, int32(id))
	}
	return append(out, ids...)
}

// Decode returns the text of ids without special tokens.
func (t *Tokenizer) Decode(ids []int32) string { return t.decode(ids, true) }

func (t *Tokenizer) decode(ids []int32, skipSpecial bool) string {
	u := make([]uint32, len(ids))
	for i, id := range ids {
		u[i] = uint32(id)
	}
	return t.library.Decode(u, skipSpecial)
}

// NewDecoder starts a streaming Decode.
func (t *Tokenizer) NewDecoder() *tokenizer.Decoder { return tokenizer.NewDecoder(t.Decode) }

// Special returns the id of an added token by its exact content.
func (t *Tokenizer) Special(content string) (int32, bool) {
	id, ok := t.added[content]
	return id, ok
}

// IsSpecial reports whether id is an added token marked special.
func (t *Tokenizer) IsSpecial(id int32) bool { return t.special[id] }

// TokenBytes returns the text of one token, in which a part of a character reads
// as U+FFFD: the library does not give its bytes.
func (t *Tokenizer) TokenBytes(id int32) []byte {
	if id < 0 || int(id) >= t.size {
		return nil
	}
	return []byte(t.decode([]int32{id}, false))
}

// VocabSize returns the largest id plus one.
func (t *Tokenizer) VocabSize() int { return t.size }
