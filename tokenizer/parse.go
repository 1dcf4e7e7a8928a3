// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// Limits of a tokenizer.json, several times what the largest known file needs.
const (
	maxFile   = 128 << 20 // bytes of the file
	maxID     = 1<<22 - 1 // largest token id
	maxMerges = 1 << 23   // merge rules
	maxToken  = 1 << 12   // bytes of a token's text
	maxAdded  = 1 << 10   // bytes of an added token's text
)

// Parse reads a tokenizer.json. The data may be hostile: every size is bounded, and a component
// or setting that this package does not implement is an error that names it, never ignored.
// Errors match [ErrFormat] or [ErrUnsupported]. Parse does not keep data.
func Parse(data []byte) (*BPE, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrFormat, len(data), maxFile)
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrFormat)
	}
	f, err := sections(data)
	if err != nil {
		return nil, err
	}
	p := &parser{file: f, alphabet: byteAlphabet(), bpe: &BPE{unknown: -1, cache: newWordCache()}}
	for _, step := range []func() error{
		p.settings, p.normalizer, p.pretokenizer, p.model, p.addedTokens, p.postProcessor, p.decoder, p.finish,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p.bpe, nil
}

// parser builds a BPE from the members of a tokenizer.json.
type parser struct {
	file     map[string][]byte
	bpe      *BPE
	alphabet *[0x180]int16
	odd      map[string]int32 // tokens that no word can become
	mark     string           // what a space becomes, "" when it stays
	added    []addedToken
	buf      []byte
}

// sections returns the top-level members of data.
func sections(data []byte) (map[string][]byte, error) {
	r := &jsonReader{data: data}
	out := r.members()
	r.end()
	return out, r.err
}

// members reads an object into its members' texts.
func (r *jsonReader) members() map[string][]byte {
	out := map[string][]byte{}
	r.object(func(key []byte) {
		name := string(key)
		if _, twice := out[name]; twice {
			r.fail("member %q twice", name)
			return
		}
		out[name] = r.skip(0)
	})
	return out
}

// end fails unless the text is over.
func (r *jsonReader) end() {
	if r.peek(); r.err == nil && r.pos < len(r.data) {
		r.fail("%q after the end", r.data[r.pos])
	}
}

func isNull(raw []byte) bool { return len(raw) == 0 || string(raw) == "null" }

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// settings refuses members that change what Encode returns and are not implemented.
func (p *parser) settings() error {
	known := []string{"version", "truncation", "padding", "added_tokens", "normalizer",
		"pre_tokenizer", "post_processor", "decoder", "model"}
	for name := range p.file {
		if !slices.Contains(known, name) {
			return unsupported("member %q", name)
		}
	}
	for _, name := range []string{"truncation", "padding"} {
		if !isNull(p.file[name]) {
			return unsupported("%s: only null", name)
		}
	}
	return nil
}

// decodeStrict decodes one component and refuses members that v does not have.
func decodeStrict(where string, raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if bytes.Contains([]byte(err.Error()), []byte("unknown field")) {
			return unsupported("%s: %v", where, err)
		}
		return malformed("%s: %v", where, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return malformed("%s: text after the value", where)
	}
	return nil
}

// kind returns a component's type.
func kind(where string, raw []byte) (string, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return "", malformed("%s: %v", where, err)
	}
	return head.Type, nil
}

func (p *parser) addedTokens() error {
	if isNull(p.file["added_tokens"]) {
		return nil
	}
	if err := decodeStrict("added_tokens", p.file["added_tokens"], &p.added); err != nil {
		return err
	}
	b := p.bpe
	b.added = make(map[string]int32, len(p.added))
	for i := range p.added {
		t := &p.added[i]
		switch {
		case t.ID < 0 || t.ID > maxID:
			return malformed("added token %q: id %d, want 0 to %d", t.Content, t.ID, maxID)
		case t.Content == "":
			return malformed("added token %d: empty", t.ID)
		case len(t.Content) > maxAdded:
			return malformed("added token %d: %d bytes, at most %d", t.ID, len(t.Content), maxAdded)
		case t.SingleWord:
			return unsupported("added token %q: single_word", t.Content)
		}
		if _, twice := b.added[t.Content]; twice {
			return malformed("added token %q twice", t.Content)
		}
		b.added[t.Content] = t.ID
		if err := p.addText(t); err != nil {
			return err
		}
		p.match(t)
	}
	return nil
}

// addText gives an added token its text, unless it is in the vocabulary under the same id.
func (p *parser) addText(t *addedToken) error {
	if id, ok := p.tokenID([]byte(t.Content)); ok {
		if id != t.ID {
			return malformed("added token %q: id %d, but %d in the vocabulary", t.Content, t.ID, id)
		}
		return nil
	}
	text, _ := p.textBytes(nil, []byte(t.Content))
	if !p.bpe.vocab.define(t.ID, text) {
		return malformed("added token %q: id %d is another token's", t.Content, t.ID)
	}
	return nil
}

// match makes an added token findable, in the raw text or in the normalised one.
func (p *parser) match(t *addedToken) {
	b := p.bpe
	if !t.Normalized || len(b.normalizers) == 0 {
		if b.raw == nil {
			b.raw = &matcher{}
		}
		b.raw.add(t.Content, t)
		return
	}
	f := fragment{text: t.Content}
	for _, n := range b.normalizers {
		f = n.normalize(f, false)
	}
	if b.normalized == nil {
		b.normalized = &matcher{}
	}
	b.normalized.add(f.text, t)
}

// finish fills the tables that need everything else.
func (p *parser) finish() error {
	b := p.bpe
	b.special = make([]bool, len(b.vocab.spans))
	for _, t := range p.added {
		b.special[t.ID] = t.Special
	}
	b.decoding.special = b.special
	return nil
}
