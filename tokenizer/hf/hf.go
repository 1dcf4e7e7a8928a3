// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/daulet/tokenizers"

	"github.com/zenlm/zen/tokenizer"
)

// Tokenizer is a tokenizer.Tokenizer. It is safe for concurrent use until Close.
type Tokenizer struct {
	library        *tokenizers.Tokenizer
	close          sync.Once
	added          map[string]int32
	special        map[int32]bool
	prefix, suffix []int32 // what the post-processor adds
	size           int
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
	t.prefix, t.suffix = t.surroundings()
	return t, nil
}

// surroundings learns what the post-processor adds from a text with and without it.
func (t *Tokenizer) surroundings() (prefix, suffix []int32) {
	alone, around := t.ids("a", false), t.ids("a", true)
	for i := 0; i+len(alone) <= len(around); i++ {
		if slices.Equal(around[i:i+len(alone)], alone) {
			return around[:i], around[i+len(alone):]
		}
	}
	return nil, nil
}

// ids returns the library's answer for a text that check let pass.
func (t *Tokenizer) ids(text string, special bool) []int32 {
	ids := t.library.EncodeWithOptions(text, special).IDs // Encode would copy each token's text too
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = int32(id)
	}
	return out
}

// Close frees the library's memory; a second Close does nothing. The Tokenizer must not be used
// afterwards.
func (t *Tokenizer) Close() error {
	var err error
	t.close.Do(func() { err = t.library.Close() })
	return err
}

var (
	errNUL    = errors.New("hf: the text has a NUL byte, at which the library would cut it")
	errUTF8   = errors.New("hf: the text is not UTF-8, which the library would replace")
	errSilent = errors.New("hf: the library returned no tokens and no reason")
)

// check refuses a text that would reach the library changed.
func check(text string) error {
	switch {
	case len(text) > tokenizer.MaxText:
		return fmt.Errorf("%w: %d bytes, at most %d", tokenizer.ErrTooLong, len(text), tokenizer.MaxText)
	case strings.IndexByte(text, 0) >= 0:
		return errNUL
	case !utf8.ValidString(text):
		return errUTF8
	}
	return nil
}

// Encode appends the ids of text to dst. Special tokens spelled in it are plain
// text. A text with a NUL byte, or not UTF-8, is refused.
func (t *Tokenizer) Encode(dst []int32, text string) ([]int32, error) {
	if err := check(text); err != nil {
		return dst, err
	}
	ids := t.ids(text, false)
	if len(ids) == 0 && text != "" {
		return dst, errSilent
	}
	return append(dst, ids...), nil
}

// EncodeOffsets returns the tokens of Encode with their bytes of text, as the
// library reports them.
func (t *Tokenizer) EncodeOffsets(text string) ([]tokenizer.Token, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	e := t.library.EncodeWithOptions(text, false, tokenizers.WithReturnOffsets())
	if len(e.IDs) == 0 && text != "" {
		return nil, errSilent
	}
	tokens := make([]tokenizer.Token, len(e.IDs))
	for i, id := range e.IDs {
		tokens[i] = tokenizer.Token{ID: int32(id), Start: int(e.Offsets[i][0]), End: int(e.Offsets[i][1])}
	}
	return tokens, nil
}

// AddSpecial returns ids between what the post-processor adds.
func (t *Tokenizer) AddSpecial(ids []int32) []int32 {
	if len(t.prefix)+len(t.suffix) == 0 {
		return ids
	}
	return slices.Concat(t.prefix, ids, t.suffix)
}

// Decode returns the text of ids without special tokens. A text that would hold a
// NUL byte comes back from the library as "".
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
