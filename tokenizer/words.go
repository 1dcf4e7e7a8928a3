// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"hash/maphash"
	"unicode/utf8"
)

// appendWords cuts s into words with the last scanner and appends their tokens.
func (b *BPE) appendWords(dst []int32, s string, sc *scratch) []int32 {
	if b.scan == nil {
		return b.appendWord(dst, s, sc)
	}
	for len(s) > 0 {
		n := b.scan(s)
		dst = b.appendWord(dst, s[:n], sc)
		s = s[n:]
	}
	return dst
}

// appendWord appends the tokens of one word. Most words are one token of the vocabulary; whether
// merging really leads to that token is asked once and remembered.
func (b *BPE) appendWord(dst []int32, word string, sc *scratch) []int32 {
	if len(word) > b.vocab.longest && len(word) > cacheLongest {
		return b.appendMerged(dst, word, sc)
	}
	hash := maphash.String(b.vocab.seed, word)
	id, found := b.vocab.find(word, hash)
	if found {
		if b.ignoreMerges && !b.special[id] {
			return append(dst, id)
		}
		switch b.whole[id].Load() {
		case wholeYes:
			return append(dst, id)
		case wholeUnasked:
			return b.askWhole(dst, word, id, sc)
		}
	}
	if len(word) > cacheLongest {
		return b.appendMerged(dst, word, sc)
	}
	if ids := b.cache.find(word, hash); ids != nil {
		return append(dst, ids...)
	}
	n := len(dst)
	dst = b.appendMerged(dst, word, sc)
	if len(dst) > n {
		b.cache.store(word, hash, dst[n:])
	}
	return dst
}

func (b *BPE) askWhole(dst []int32, word string, id int32, sc *scratch) []int32 {
	n := len(dst)
	dst = b.appendMerged(dst, word, sc)
	state := uint32(wholeNo)
	if len(dst) == n+1 && dst[n] == id {
		state = wholeYes
	}
	b.whole[id].Store(state)
	return dst
}

func (b *BPE) appendMerged(dst []int32, word string, sc *scratch) []int32 {
	for _, s := range b.mergedWord(word, sc) {
		dst = append(dst, s.id)
	}
	return dst
}

// mergedWord returns the tokens of a word with their sizes, in sc.
func (b *BPE) mergedWord(word string, sc *scratch) []symbol {
	if b.byteLevel {
		sc.syms = b.byteSymbols(sc.syms[:0], word)
	} else {
		sc.syms = b.runeSymbols(sc.syms[:0], word)
	}
	return b.pairs.merge(sc.syms, sc)
}

// unknowns collects symbols without a token into unknown tokens, as the Rust library does.
type unknowns struct {
	pending bool
	size    int32
}

func (u *unknowns) flush(dst []symbol, b *BPE) []symbol {
	if u.pending {
		dst = append(dst, symbol{b.unknown, u.size})
		u.pending = false
	}
	return dst
}

func (u *unknowns) add(dst []symbol, b *BPE, size int32) []symbol {
	if b.unknown < 0 {
		return dst // the library drops what it has no token for
	}
	if u.pending && b.fuseUnknown {
		u.size += size
		return dst
	}
	dst = u.flush(dst, b)
	u.pending, u.size = true, size
	return dst
}

func (b *BPE) byteSymbols(dst []symbol, word string) []symbol {
	var u unknowns
	for i := range len(word) {
		id := b.bytes[word[i]]
		if id < 0 {
			dst = u.add(dst, b, 1)
			continue
		}
		dst = append(u.flush(dst, b), symbol{id, 1})
	}
	return u.flush(dst, b)
}

func (b *BPE) runeSymbols(dst []symbol, word string) []symbol {
	var u unknowns
	for i := 0; i < len(word); {
		r, n := utf8.DecodeRuneInString(word[i:])
		id := int32(-1)
		if int(r) < len(b.runes) && (r != utf8.RuneError || n > 1) {
			id = b.runes[r]
		} else if r != utf8.RuneError || n > 1 {
			id = b.runeToken(word[i : i+n])
		}
		switch {
		case id >= 0:
			dst = append(u.flush(dst, b), symbol{id, int32(n)})
		case b.fallsBack(word[i : i+n]):
			for _, c := range []byte(word[i : i+n]) {
				dst = append(dst, symbol{b.bytes[c], 1})
			}
		default:
			dst = u.add(dst, b, int32(n))
		}
		i += n
	}
	return u.flush(dst, b)
}

func (b *BPE) runeToken(s string) int32 {
	if id, ok := b.vocab.find(s, maphash.String(b.vocab.seed, s)); ok {
		return id
	}
	return -1
}

// fallsBack reports whether every byte of s has a token <0xNN>.
func (b *BPE) fallsBack(s string) bool {
	if !b.byteFallback {
		return false
	}
	for i := range len(s) {
		if b.bytes[s[i]] < 0 {
			return false
		}
	}
	return true
}

// appendOffsets appends the tokens of a fragment with their places in the source.
func (b *BPE) appendOffsets(dst []Token, f fragment, sc *scratch) []Token {
	for i := 0; i < len(f.text); {
		n := len(f.text) - i
		if b.scan != nil {
			n = b.scan(f.text[i:])
		}
		dst = b.appendWordOffsets(dst, f.slice(i, i+n), sc)
		i += n
	}
	return dst
}

func (b *BPE) appendWordOffsets(dst []Token, f fragment, sc *scratch) []Token {
	if b.ignoreMerges {
		if id := b.runeToken(f.text); id >= 0 && !b.special[id] {
			start, end := f.source(0, len(f.text))
			return append(dst, Token{id, start, end})
		}
	}
	at := 0
	for _, s := range b.mergedWord(f.text, sc) {
		start, end := f.source(at, at+int(s.size))
		dst = append(dst, Token{s.id, start, end})
		at += int(s.size)
	}
	return dst
}

// runeStart returns the start of the character that s[i] belongs to.
func runeStart(s string, i int) int {
	for j := i; j >= 0 && j > i-utf8.UTFMax; j-- {
		if j < len(s) && utf8.RuneStart(s[j]) {
			if _, n := utf8.DecodeRuneInString(s[j:]); j+n > i {
				return j
			}
			break
		}
	}
	return i
}

// runeEnd returns the end of the character that ends at or holds s[i-1].
func runeEnd(s string, i int) int {
	j := runeStart(s, i-1)
	_, n := utf8.DecodeRuneInString(s[j:])
	return max(i, j+n)
}
