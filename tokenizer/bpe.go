// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// BPE is the tokenizer of a tokenizer.json with a BPE model. Make one with [Parse]. It is safe
// for concurrent use and holds no resources to release.
type BPE struct {
	raw, normalized *matcher // added tokens, found before and after normalisation
	normalizers     []normalizer
	pretokenizers   []pretokenizer
	scan            scanner // the last cut, nil when there is none

	vocab        *vocab
	pairs        *pairTable
	whole        []atomic.Uint32 // by id: does merging the token's text give the token?
	cache        *wordCache
	scratches    sync.Pool
	byteLevel    bool // a word is a row of bytes, not of characters
	byteFallback bool
	fuseUnknown  bool
	ignoreMerges bool
	bytes        [256]int32 // the token of each byte, -1 without
	runes        []int32    // the tokens of the characters below len(runes), -1 without
	unknown      int32      // the unknown token, -1 without

	added          map[string]int32
	special        []bool // by id
	prefix, suffix []int32
	decoding       decoding
}

var _ Tokenizer = (*BPE)(nil)

// States of BPE.whole.
const (
	wholeUnasked = iota
	wholeYes
	wholeNo
)

// scratch is the memory of one Encode.
type scratch struct {
	syms      []symbol
	links     []link
	heap      []uint64
	fragments [2][]fragment
}

func (b *BPE) borrow() *scratch {
	if sc, ok := b.scratches.Get().(*scratch); ok {
		return sc
	}
	return &scratch{}
}

// giveBack keeps sc for the next Encode unless a long text made it large.
func (b *BPE) giveBack(sc *scratch) {
	const keep = 1 << 16
	if cap(sc.syms) > keep {
		*sc = scratch{}
	}
	for i, fs := range sc.fragments {
		if cap(fs) > keep {
			sc.fragments[i] = nil
			continue
		}
		clear(fs[:cap(fs)])
	}
	b.scratches.Put(sc)
}

// Encode appends the ids of text to dst; see [Tokenizer]. Bytes of text that are not UTF-8 are
// kept: each counts as a symbol character and becomes the token of that byte, so that the tokens'
// bytes joined are the text.
func (b *BPE) Encode(dst []int32, text string) ([]int32, error) { return b.encode(dst, text, false) }

// EncodeSpecial is Encode for a trusted text: the special tokens spelled in it are recognised, as
// the Rust library does unless told otherwise.
func (b *BPE) EncodeSpecial(dst []int32, text string) ([]int32, error) {
	return b.encode(dst, text, true)
}

func (b *BPE) encode(dst []int32, text string, special bool) ([]int32, error) {
	sc := b.borrow()
	defer b.giveBack(sc)
	out := dst
	err := b.eachFragment(sc, text, special, false, func(id int32, f fragment) {
		if id >= 0 {
			out = append(out, id)
			return
		}
		out = b.appendWords(out, f.text, sc)
	})
	if err != nil {
		return dst, err
	}
	return out, nil
}

// EncodeOffsets returns the tokens of Encode with their places in text; see [Tokenizer].
func (b *BPE) EncodeOffsets(text string) ([]Token, error) {
	sc := b.borrow()
	defer b.giveBack(sc)
	var out []Token
	err := b.eachFragment(sc, text, false, true, func(id int32, f fragment) {
		if id >= 0 {
			start, end := f.source(0, len(f.text))
			out = append(out, Token{id, start, end})
			return
		}
		out = b.appendOffsets(out, f, sc)
	})
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Start, out[i].End = wholeCharacters(text, out[i].Start, out[i].End)
	}
	return out, nil
}

// eachFragment calls emit for each added token in text (with its id) and for what the
// pre-tokenizers leave of the rest (with id -1), in order.
func (b *BPE) eachFragment(sc *scratch, text string, special, offsets bool, emit func(int32, fragment)) error {
	if len(text) > MaxText {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, len(text), MaxText)
	}
	var failed error
	source := fragment{text: text}
	b.raw.cut(text, special, func(id int32, start, end int) {
		f := source.slice(start, end)
		if id >= 0 {
			emit(id, f)
			return
		}
		for _, n := range b.normalizers {
			f = n.normalize(f, offsets)
		}
		b.normalized.cut(f.text, special, func(id int32, start, end int) {
			part := f.slice(start, end)
			if id >= 0 {
				emit(id, part)
				return
			}
			if err := b.pretokenize(sc, part, offsets, emit); err != nil && failed == nil {
				failed = err
			}
		})
	})
	return failed
}

func (b *BPE) pretokenize(sc *scratch, f fragment, offsets bool, emit func(int32, fragment)) error {
	if len(b.pretokenizers) == 0 {
		emit(-1, f)
		return nil
	}
	from, to := append(sc.fragments[0][:0], f), sc.fragments[1]
	for _, p := range b.pretokenizers {
		to = to[:0]
		for _, f := range from {
			var err error
			if to, err = p.pretokenize(to, f, offsets); err != nil {
				return err
			}
		}
		from, to = to, from
	}
	sc.fragments = [2][]fragment{from, to}
	for _, f := range from {
		emit(-1, f)
	}
	return nil
}

// wholeCharacters widens s[start:end] to whole characters.
func wholeCharacters(s string, start, end int) (int, int) {
	if start == end {
		return start, end
	}
	return runeStart(s, start), runeEnd(s, end)
}

// AddSpecial returns ids between the post-processor's tokens; see [Tokenizer].
func (b *BPE) AddSpecial(ids []int32) []int32 {
	if len(b.prefix)+len(b.suffix) == 0 {
		return ids
	}
	out := make([]int32, 0, len(b.prefix)+len(ids)+len(b.suffix))
	out = append(out, b.prefix...)
	out = append(out, ids...)
	return append(out, b.suffix...)
}

// Special returns the id of the added token spelled content.
func (b *BPE) Special(content string) (int32, bool) {
	id, ok := b.added[content]
	return id, ok
}

// IsSpecial reports whether id is an added token marked special.
func (b *BPE) IsSpecial(id int32) bool { return uint(id) < uint(len(b.special)) && b.special[id] }

// TokenBytes returns the bytes of a token; see [Tokenizer].
func (b *BPE) TokenBytes(id int32) []byte { return b.decoding.bytes(id) }

// VocabSize returns the largest id plus one.
func (b *BPE) VocabSize() int { return len(b.special) }
