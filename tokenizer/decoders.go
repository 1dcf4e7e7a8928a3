// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// decoderJSON is any of the decoders, with all their members.
type decoderJSON struct {
	Type     string            `json:"type"`
	Decoders []json.RawMessage `json:"decoders"` // Sequence
	Pattern  patternJSON       `json:"pattern"`  // Replace
	Content  string            `json:"content"`  // Replace, Strip
	Start    int               `json:"start"`    // Strip
	Stop     int               `json:"stop"`
	// ByteLevel, without effect in a decoder.
	PrefixSpace bool `json:"add_prefix_space"`
	TrimOffsets bool `json:"trim_offsets"`
	UseRegex    bool `json:"use_regex"`
}

// decoder reads the member of that name.
func (p *parser) decoder() error {
	const where = "decoder"
	raw := p.file[where]
	if isNull(raw) {
		return unsupported("decoder: null")
	}
	name, err := kind(where, raw)
	if err != nil {
		return err
	}
	if (name == "ByteLevel") != p.bpe.byteLevel {
		return unsupported("decoder: %s, with or without ByteLevel as pre_tokenizer", name)
	}
	if name == "Metaspace" {
		return p.metaspaceDecoder(raw)
	}
	var c decoderJSON
	if err := decodeStrict(where, raw, &c); err != nil {
		return err
	}
	switch name {
	case "ByteLevel":
		p.bpe.decoding = decoding{texts: p.bpe.vocab, lossy: true}
		return nil
	case "Sequence":
		return p.sequenceDecoder(c.Decoders)
	}
	return unsupported("decoder: type %q", name)
}

// sequenceDecoder reads the chain Replace, ByteFallback, Fuse, Strip, of which each may be absent.
func (p *parser) sequenceDecoder(parts []json.RawMessage) error {
	order := map[string]int{"Replace": 1, "ByteFallback": 2, "Fuse": 3, "Strip": 4}
	var replace []string
	var fallback bool
	d := &p.bpe.decoding
	last := 0
	for _, raw := range parts {
		var c decoderJSON
		if err := decodeStrict("decoder", raw, &c); err != nil {
			return err
		}
		place, known := order[c.Type]
		switch {
		case !known:
			return unsupported("decoder: type %q in a Sequence", c.Type)
		case place < last || place == last && place > 1:
			return unsupported("decoder: %s in this place of a Sequence", c.Type)
		case c.Type == "Replace" && (c.Pattern.String == nil || *c.Pattern.String == ""):
			return unsupported("decoder: Replace with a pattern other than String")
		case c.Type == "Replace":
			replace = append(replace, *c.Pattern.String, c.Content)
		case c.Type == "ByteFallback":
			fallback = true
		case c.Type == "Strip":
			if last != 3 || len(c.Content) != 1 || c.Start < 0 || c.Start > 64 || c.Stop != 0 {
				return unsupported("decoder: Strip %q start %d stop %d", c.Content, c.Start, c.Stop)
			}
			d.strip, d.stripByte = c.Start, c.Content[0]
		}
		last = place
	}
	p.decodedTexts(replace, fallback)
	return nil
}

// decodedTexts fills the tokens' texts as the decoder leaves them.
func (p *parser) decodedTexts(replace []string, fallback bool) {
	v, d := p.bpe.vocab, &p.bpe.decoding
	d.texts = &vocab{}
	if fallback {
		d.fallback = make([]int16, len(v.spans))
	}
	for id := range v.spans {
		text := v.text(int32(id))
		if fallback {
			d.fallback[id] = -1
		}
		if text == nil {
			continue
		}
		for i := 0; i < len(replace); i += 2 {
			text = bytes.ReplaceAll(text, []byte(replace[i]), []byte(replace[i+1]))
		}
		if c, ok := fallbackByte(string(text)); ok && fallback {
			d.fallback[id], text = int16(c), []byte{c}
		}
		d.texts.define(int32(id), text)
	}
}

// fallbackByte reads <0xNN> as the library does: any two characters that Rust takes as a
// hexadecimal number, which include a sign and one digit.
func fallbackByte(text string) (byte, bool) {
	if len(text) != 6 || !strings.HasPrefix(text, "<0x") || text[5] != '>' {
		return 0, false
	}
	digits := strings.TrimPrefix(text[3:5], "+")
	n, err := strconv.ParseUint(digits, 16, 8)
	return byte(n), err == nil && !strings.ContainsAny(digits, "_+-")
}

// metaspaceDecoder reads a Metaspace decoder.
func (p *parser) metaspaceDecoder(raw []byte) error {
	c, err := readMetaspace("decoder", raw)
	if err != nil {
		return err
	}
	p.decodedTexts([]string{c.Replacement, " "}, false)
	if c.PrependScheme == "never" {
		return nil
	}
	v, d := p.bpe.vocab, &p.bpe.decoding
	d.firstGone, d.first, d.unmarked = true, &vocab{}, make([]bool, len(v.spans))
	for id := range v.spans {
		text := v.text(int32(id))
		if gone := bytes.ReplaceAll(text, []byte(c.Replacement), nil); len(gone) < len(text) {
			d.unmarked[id] = true
			d.first.define(int32(id), gone)
		}
	}
	return nil
}
