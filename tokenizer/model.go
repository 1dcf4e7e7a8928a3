// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// model reads the member of that name.
func (p *parser) model() error {
	if isNull(p.file["model"]) {
		return malformed("no model")
	}
	r := &jsonReader{data: p.file["model"]}
	m := r.members()
	if r.err != nil {
		return r.err
	}
	vocabulary, merges := m["vocab"], m["merges"]
	delete(m, "vocab")
	delete(m, "merges")
	if err := p.modelFlags(m); err != nil {
		return err
	}
	for _, raw := range [][]byte{vocabulary, merges} {
		if isNull(raw) {
			return malformed("model: no vocab or no merges")
		}
	}
	if err := p.vocabulary(vocabulary); err != nil {
		return err
	}
	p.atoms()
	if err := p.unknownToken(m["unk_token"]); err != nil {
		return err
	}
	return p.merges(merges)
}

func (p *parser) modelFlags(m map[string][]byte) error {
	var model struct {
		Type          string  `json:"type"`
		Dropout       float64 `json:"dropout"`
		Unknown       string  `json:"unk_token"`
		Prefix        string  `json:"continuing_subword_prefix"`
		Suffix        string  `json:"end_of_word_suffix"`
		FuseUnknown   bool    `json:"fuse_unk"`
		ByteFallback  bool    `json:"byte_fallback"`
		IgnoreMerges  bool    `json:"ignore_merges"`
		isTypeMissing bool
	}
	_, hasType := m["type"]
	model.isTypeMissing = !hasType
	if err := decodeStrict("model", joinMembers(m), &model); err != nil {
		return err
	}
	switch {
	case model.Type != "BPE" && !model.isTypeMissing:
		return unsupported("model: type %q, only BPE", model.Type)
	case model.Dropout != 0:
		return unsupported("model: dropout %v", model.Dropout)
	case model.Prefix != "":
		return unsupported("model: continuing_subword_prefix %q", model.Prefix)
	case model.Suffix != "":
		return unsupported("model: end_of_word_suffix %q", model.Suffix)
	case model.ByteFallback && p.bpe.byteLevel:
		return unsupported("model: byte_fallback with pre_tokenizer ByteLevel")
	}
	p.bpe.fuseUnknown, p.bpe.byteFallback = model.FuseUnknown, model.ByteFallback
	p.bpe.ignoreMerges = model.IgnoreMerges
	return nil
}

// joinMembers writes an object of members' texts.
func joinMembers(m map[string][]byte) []byte {
	out := []byte{'{'}
	for k, v := range m {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(fmt.Appendf(out, "%q:", k), v...)
	}
	return append(out, '}')
}

// vocabulary reads model.vocab, an object of ids by text. In a byte-level tokenizer the texts are
// kept as the bytes they spell; a text that spells none can never come out of merging, and is
// kept aside.
func (p *parser) vocabulary(raw []byte) error {
	v := &vocab{arena: make([]byte, 0, len(raw)/2)}
	p.bpe.vocab, p.odd = v, map[string]int32{}
	var findable []int32
	var buf []byte
	r := &jsonReader{data: raw}
	r.object(func(key []byte) {
		if len(key) > maxToken {
			r.fail("a token of %d bytes, at most %d", len(key), maxToken)
			return
		}
		text, findableText := p.textBytes(buf[:0], key)
		buf = text[:0]
		odd := ""
		if !findableText {
			odd = string(key)
		}
		buf = append(buf, text...) // key may lie in r's buffer, which id keeps
		id := r.id()
		if r.err == nil && !v.define(id, buf) {
			r.fail("token id %d twice", id)
		}
		if findableText {
			findable = append(findable, id)
		} else {
			p.odd[odd] = id
		}
	})
	if r.end(); r.err != nil {
		return r.err
	}
	v.prepare(len(findable))
	for _, id := range findable {
		if !v.index(id) {
			return malformed("model.vocab: %q twice", v.text(id))
		}
	}
	return nil
}

// textBytes appends the bytes by which a word finds the token spelled text. It reports false when
// no word can, and then appends text itself.
func (p *parser) textBytes(dst, text []byte) ([]byte, bool) {
	if !p.bpe.byteLevel {
		return append(dst, text...), true
	}
	out, ok := unspell(p.alphabet, dst, text)
	if !ok {
		return append(dst, text...), false
	}
	return out, true
}

// tokenID returns the id of the model's token spelled text.
func (p *parser) tokenID(text []byte) (int32, bool) {
	word, ok := p.textBytes(nil, text)
	if !ok {
		id, found := p.odd[string(text)]
		return id, found
	}
	return p.bpe.vocab.lookup(word)
}

// atoms finds the tokens that words start as: of single bytes and of single characters.
func (p *parser) atoms() {
	b := p.bpe
	for i := range b.bytes {
		text := []byte{byte(i)}
		if !b.byteLevel {
			text = fmt.Appendf(nil, "<0x%02X>", i)
		}
		b.bytes[i] = -1
		if id, ok := b.vocab.lookup(text); ok {
			b.bytes[i] = id
		}
	}
	if b.byteLevel {
		return
	}
	for id := range b.vocab.spans {
		text := b.vocab.text(int32(id))
		r, n := utf8.DecodeRune(text)
		if n == 0 || n != len(text) || r > 0xffff {
			continue
		}
		for int(r) >= len(b.runes) {
			b.runes = append(b.runes, -1)
		}
		b.runes[r] = int32(id)
	}
}

// unknownToken resolves unk_token.
func (p *parser) unknownToken(raw []byte) error {
	if isNull(raw) {
		return nil
	}
	r := &jsonReader{data: raw}
	text := r.string()
	if r.err != nil {
		return r.err
	}
	id, ok := p.tokenID(text)
	if ok {
		p.bpe.unknown = id
		return nil
	}
	for _, have := range p.bpe.bytes {
		if have < 0 {
			return malformed("model.unk_token: %q is not in the vocabulary", text)
		}
	}
	return nil // with a token for every byte it is never needed
}

// rule is a line of model.merges.
type rule struct {
	first, second, merged int32
	rank                  int32
}

// merges reads model.merges: an array of "a b" or of ["a", "b"], in order of rank.
func (p *parser) merges(raw []byte) error {
	var rules []rule
	var both []byte
	r := &jsonReader{data: raw}
	rank := int32(0)
	r.array(func() {
		var cut int
		if both, cut = r.mergePair(both[:0]); cut < 0 || r.err != nil {
			return // a #version line
		}
		rule, ok := p.rule(both, cut, rank)
		switch {
		case rank >= maxMerges:
			r.fail("more than %d merges", maxMerges)
		case rule.merged < 0:
			r.fail("merge %d: %q + %q: a token that is not in the vocabulary", rank, both[:cut], both[cut:])
		case ok:
			rules = append(rules, rule)
		}
		rank++
	})
	if r.end(); r.err != nil {
		return r.err
	}
	b := p.bpe
	b.pairs = newPairTable(len(rules), rand.Uint64())
	for _, m := range rules {
		b.pairs.set(m.first, m.second, pairValue{m.rank, m.merged})
	}
	b.whole = make([]atomic.Uint32, len(b.vocab.spans))
	if b.scan == nil && !b.byteLevel && !b.ignoreMerges && p.mark != "" {
		b.scan = markScanner(p.mark, p.beforeMark(rules))
	}
	return nil
}

// mergePair reads one merge and appends both texts to dst; cut is where the second starts, or -1
// for a version line.
func (r *jsonReader) mergePair(dst []byte) (both []byte, cut int) {
	if r.peek() == '"' {
		text := r.string()
		if bytes.HasPrefix(text, []byte("#version")) {
			return dst, -1
		}
		first, second, ok := bytes.Cut(text, []byte(" "))
		if !ok || len(first) == 0 || len(second) == 0 || bytes.IndexByte(second, ' ') >= 0 {
			r.fail("merge %q: want two texts and a space", text)
			return dst, -1
		}
		return append(append(dst, first...), second...), len(first)
	}
	count := 0
	r.array(func() {
		if count++; count == 2 {
			cut = len(dst)
		}
		dst = append(dst, r.string()...)
	})
	if count != 2 {
		r.fail("a merge of %d texts, want 2", count)
	}
	return dst, cut
}

// rule finds the ids of a merge; merged is negative when one is missing, and ok is false when no
// word can reach it.
func (p *parser) rule(both []byte, cut int, rank int32) (out rule, ok bool) {
	v := p.bpe.vocab
	word, ok := p.textBytes(p.buf[:0], both)
	p.buf = word[:0]
	if !ok {
		for _, text := range [][]byte{both[:cut], both[cut:], both} {
			if _, found := p.tokenID(text); !found {
				return rule{merged: -1}, false
			}
		}
		return rule{}, false
	}
	if p.bpe.byteLevel {
		cut = utf8.RuneCount(both[:cut])
	}
	first, ok1 := v.lookup(word[:cut])
	second, ok2 := v.lookup(word[cut:])
	merged, ok3 := v.lookup(word)
	if !ok1 || !ok2 || !ok3 {
		return rule{merged: -1}, false
	}
	return rule{first, second, merged, rank}, true
}

// beforeMark returns the characters that a merge joins with a mark after them. Nothing else is
// joined with one, so that a text may be cut before a mark that follows any other character.
func (p *parser) beforeMark(rules []rule) map[rune]bool {
	v, mark := p.bpe.vocab, []byte(p.mark)
	joined := map[rune]bool{}
	if _, known := v.lookup(mark); !known {
		return nil // unknown tokens would be fused across the cut
	}
	for _, m := range rules {
		if first := v.text(m.first); bytes.HasPrefix(v.text(m.second), mark) && !bytes.HasSuffix(first, mark) {
			r, _ := utf8.DecodeLastRune(first)
			joined[r] = true
		}
	}
	return joined
}

// markScanner cuts before a mark that follows another character, except those in joined, or nil
// when joined is.
func markScanner(mark string, joined map[rune]bool) scanner {
	if joined == nil {
		return nil
	}
	return func(s string) int {
		for i := len(mark); i < len(s); {
			k := strings.Index(s[i:], mark)
			if k < 0 {
				break
			}
			i += k
			if r, n := utf8.DecodeLastRuneInString(s[:i]); s[i-n:i] != mark && (len(joined) == 0 || !joined[r]) {
				return i
			}
			i += len(mark)
		}
		return len(s)
	}
}
