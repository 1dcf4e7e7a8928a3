// SPDX-License-Identifier: Apache-2.0

package tokenizer

import "encoding/json"

// The members of a tokenizer.json other than the model and the added tokens, read into the parts
// of a BPE.

// normalizer reads the member of that name.
func (p *parser) normalizer() error { return p.addNormalizer("normalizer", p.file["normalizer"], 0) }

func (p *parser) addNormalizer(where string, raw []byte, depth int) error {
	if isNull(raw) {
		return nil
	}
	name, err := kind(where, raw)
	if err != nil {
		return err
	}
	var c struct {
		Type        string            `json:"type"`
		Normalizers []json.RawMessage `json:"normalizers"`
		Prepend     string            `json:"prepend"`
		Pattern     patternJSON       `json:"pattern"`
		Content     string            `json:"content"`
	}
	if err := decodeStrict(where, raw, &c); err != nil {
		return err
	}
	b := p.bpe
	switch name {
	case "Sequence":
		return p.each(where, c.Normalizers, depth, p.addNormalizer)
	case "NFC":
		b.normalizers = append(b.normalizers, nfcNormalizer{})
	case "Prepend":
		b.normalizers = append(b.normalizers, prependNormalizer{c.Prepend})
	case "Replace":
		if c.Pattern.String == nil || *c.Pattern.String == "" {
			return unsupported("%s: Replace with a pattern other than String", where)
		}
		if *c.Pattern.String == " " {
			p.mark = c.Content
		}
		b.normalizers = append(b.normalizers, replaceNormalizer{*c.Pattern.String, c.Content})
	default:
		return unsupported("%s: type %q", where, name)
	}
	return nil
}

// patternJSON is a pattern: one of its members is set.
type patternJSON struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

// each reads the parts of a Sequence.
func (p *parser) each(where string, parts []json.RawMessage, depth int,
	add func(where string, raw []byte, depth int) error) error {
	if depth > 4 || len(parts) > 16 {
		return unsupported("%s: a Sequence of %d parts at depth %d", where, len(parts), depth)
	}
	for _, part := range parts {
		if err := add(where, part, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// pretokenizer reads pre_tokenizer.
func (p *parser) pretokenizer() error {
	if err := p.addPretokenizer("pre_tokenizer", p.file["pre_tokenizer"], 0); err != nil {
		return err
	}
	b := p.bpe
	if n := len(b.pretokenizers); n > 0 {
		if last, ok := b.pretokenizers[n-1].(scanPretokenizer); ok {
			b.scan, b.pretokenizers = last.scan, b.pretokenizers[:n-1]
		}
	}
	return nil
}

func (p *parser) addPretokenizer(where string, raw []byte, depth int) error {
	if isNull(raw) {
		return nil
	}
	name, err := kind(where, raw)
	if err != nil {
		return err
	}
	if p.bpe.byteLevel {
		return unsupported("%s: %s after ByteLevel", where, name)
	}
	switch name {
	case "Sequence":
		var c struct {
			Type  string            `json:"type"`
			Parts []json.RawMessage `json:"pretokenizers"`
		}
		if err := decodeStrict(where, raw, &c); err != nil {
			return err
		}
		return p.each(where, c.Parts, depth, p.addPretokenizer)
	case "Split":
		return p.addSplit(where, raw)
	case "ByteLevel":
		return p.addByteLevel(where, raw)
	case "Digits":
		return p.addDigits(where, raw)
	case "Metaspace":
		return p.addMetaspace(where, raw)
	}
	return unsupported("%s: type %q", where, name)
}

func (p *parser) cut(c pretokenizer) { p.bpe.pretokenizers = append(p.bpe.pretokenizers, c) }

func (p *parser) addSplit(where string, raw []byte) error {
	var c struct {
		Type     string      `json:"type"`
		Pattern  patternJSON `json:"pattern"`
		Behavior behavior    `json:"behavior"`
		Invert   bool        `json:"invert"`
	}
	if err := decodeStrict(where, raw, &c); err != nil {
		return err
	}
	switch c.Behavior {
	case removed, isolated, mergedWithPrevious, mergedWithNext, contiguous:
	default:
		return unsupported("%s: Split behavior %q", where, c.Behavior)
	}
	switch {
	case c.Pattern.String != nil && *c.Pattern.String != "" && c.Pattern.Regex == nil:
		p.cut(splitPretokenizer{literal(*c.Pattern.String), c.Behavior, c.Invert})
	case c.Pattern.Regex != nil && c.Pattern.String == nil:
		scan := scannerFor(*c.Pattern.Regex)
		if scan != nil && c.Behavior == isolated { // nothing lies between matches to invert
			p.cut(scanPretokenizer{scan})
			return nil
		}
		pattern, err := newRegexpPattern(*c.Pattern.Regex)
		if err != nil {
			return err
		}
		p.cut(splitPretokenizer{pattern, c.Behavior, c.Invert})
	default:
		return unsupported("%s: Split without a String or a Regex", where)
	}
	return nil
}

func (p *parser) addByteLevel(where string, raw []byte) error {
	c := struct {
		Type        string `json:"type"`
		PrefixSpace bool   `json:"add_prefix_space"`
		TrimOffsets bool   `json:"trim_offsets"`
		UseRegex    bool   `json:"use_regex"`
	}{PrefixSpace: true, UseRegex: true}
	if err := decodeStrict(where, raw, &c); err != nil {
		return err
	}
	if c.PrefixSpace {
		p.cut(prefixPretokenizer{})
	}
	if c.UseRegex {
		p.cut(scanPretokenizer{scanGPT2})
	}
	p.bpe.byteLevel = true
	return nil
}

func (p *parser) addDigits(where string, raw []byte) error {
	var c struct {
		Type       string `json:"type"`
		Individual bool   `json:"individual_digits"`
	}
	if err := decodeStrict(where, raw, &c); err != nil {
		return err
	}
	scan := scanNumbers
	if c.Individual {
		scan = scanDigits
	}
	p.cut(scanPretokenizer{scan})
	return nil
}

// metaspaceJSON is Metaspace, as a pre-tokenizer and as a decoder.
type metaspaceJSON struct {
	Type          string `json:"type"`
	Replacement   string `json:"replacement"`
	PrependScheme string `json:"prepend_scheme"`
	Split         *bool  `json:"split"`
	// Members of older files.
	PrefixSpace *bool  `json:"add_prefix_space"`
	Text        string `json:"str_rep"`
}

func readMetaspace(where string, raw []byte) (metaspaceJSON, error) {
	var c metaspaceJSON
	if err := decodeStrict(where, raw, &c); err != nil {
		return c, err
	}
	if c.PrependScheme == "" {
		c.PrependScheme = "always"
		if c.PrefixSpace != nil && !*c.PrefixSpace {
			c.PrependScheme = "never"
		}
	}
	switch {
	case c.PrependScheme != "always" && c.PrependScheme != "first" && c.PrependScheme != "never":
		return c, unsupported("%s: prepend_scheme %q", where, c.PrependScheme)
	case c.PrefixSpace != nil && !*c.PrefixSpace && c.PrependScheme != "never":
		return c, malformed("%s: add_prefix_space false with prepend_scheme %q", where, c.PrependScheme)
	case len([]rune(c.Replacement)) != 1:
		return c, malformed("%s: replacement %q, want one character", where, c.Replacement)
	}
	return c, nil
}

func (p *parser) addMetaspace(where string, raw []byte) error {
	c, err := readMetaspace(where, raw)
	if err != nil {
		return err
	}
	split := c.Split == nil || *c.Split
	if !split {
		p.mark = c.Replacement
	}
	p.cut(metaspacePretokenizer{c.Replacement, c.PrependScheme, split})
	return nil
}

// postProcessor reads post_processor. ByteLevel only trims offsets, which EncodeOffsets does not.
func (p *parser) postProcessor() error {
	return p.addPostProcessor("post_processor", p.file["post_processor"], 0)
}

func (p *parser) addPostProcessor(where string, raw []byte, depth int) error {
	if isNull(raw) {
		return nil
	}
	name, err := kind(where, raw)
	if err != nil {
		return err
	}
	switch name {
	case "ByteLevel":
		return nil
	case "Sequence":
		var c struct {
			Type  string            `json:"type"`
			Parts []json.RawMessage `json:"processors"`
		}
		if err := decodeStrict(where, raw, &c); err != nil {
			return err
		}
		return p.each(where, c.Parts, depth, p.addPostProcessor)
	case "TemplateProcessing":
		return p.addTemplate(where, raw)
	}
	return unsupported("%s: type %q", where, name)
}

// addTemplate reads what TemplateProcessing puts before and after a single text.
func (p *parser) addTemplate(where string, raw []byte) error {
	type part struct {
		ID     string `json:"id"`
		TypeID int    `json:"type_id"`
	}
	var c struct {
		Type   string `json:"type"`
		Single []struct {
			SpecialToken *part
			Sequence     *part
		} `json:"single"`
		Pair    json.RawMessage `json:"pair"`
		Special map[string]struct {
			ID     string   `json:"id"`
			IDs    []int32  `json:"ids"`
			Tokens []string `json:"tokens"`
		} `json:"special_tokens"`
	}
	if err := decodeStrict(where, raw, &c); err != nil {
		return err
	}
	b, texts := p.bpe, 0
	for _, s := range c.Single {
		switch {
		case s.Sequence != nil && s.Sequence.ID == "A" && texts == 0:
			texts++
		case s.SpecialToken == nil:
			return unsupported("%s: a template with something other than one text", where)
		case texts == 0:
			b.prefix = append(b.prefix, c.Special[s.SpecialToken.ID].IDs...)
		default:
			b.suffix = append(b.suffix, c.Special[s.SpecialToken.ID].IDs...)
		}
		if t := s.SpecialToken; t != nil && len(c.Special[t.ID].IDs) == 0 {
			return malformed("%s: special token %q without ids", where, t.ID)
		}
	}
	if texts == 0 {
		return unsupported("%s: a template without the text", where)
	}
	return nil
}
