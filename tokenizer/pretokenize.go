// SPDX-License-Identifier: Apache-2.0

package tokenizer

import "strings"

// A pretokenizer cuts a fragment into smaller ones, which merging does not cross.
type pretokenizer interface {
	// pretokenize appends the pieces of f, which is not empty, to dst.
	pretokenize(dst []fragment, f fragment, offsets bool) ([]fragment, error)
}

// scanPretokenizer cuts with a scanner: a known Split pattern, or Digits.
type scanPretokenizer struct{ scan scanner }

func (p scanPretokenizer) pretokenize(dst []fragment, f fragment, _ bool) ([]fragment, error) {
	for i := 0; i < len(f.text); {
		n := p.scan(f.text[i:])
		dst = append(dst, f.slice(i, i+n))
		i += n
	}
	return dst, nil
}

// scanDigits cuts around each numeric character; scanNumbers around runs of them.
func scanDigits(s string) int { return scanNumeric(s, false) }

func scanNumbers(s string) int { return scanNumeric(s, true) }

func scanNumeric(s string, runs bool) int {
	c, n := classAt(s)
	digit := c&classNumeric != 0
	if digit && !runs {
		return n
	}
	for n < len(s) {
		c, w := classAt(s[n:])
		if (c&classNumeric != 0) != digit {
			break
		}
		n += w
	}
	return n
}

// prefixPretokenizer is ByteLevel's add_prefix_space.
type prefixPretokenizer struct{}

func (prefixPretokenizer) pretokenize(dst []fragment, f fragment, offsets bool) ([]fragment, error) {
	if f.text[0] != ' ' {
		f = prependNormalizer{" "}.normalize(f, offsets)
	}
	return append(dst, f), nil
}

// metaspacePretokenizer is {"type": "Metaspace"}: spaces become mark, one is prepended, and with
// split each mark starts a piece.
type metaspacePretokenizer struct {
	mark   string
	scheme string // prepend_scheme: always, first or never
	split  bool
}

func (p metaspacePretokenizer) pretokenize(dst []fragment, f fragment, offsets bool) ([]fragment, error) {
	prepend := p.scheme == "always" || p.scheme == "first" && f.atStart()
	f = replaceNormalizer{" ", p.mark}.normalize(f, offsets)
	if prepend && !strings.HasPrefix(f.text, p.mark) {
		f = prependNormalizer{p.mark}.normalize(f, offsets)
	}
	if !p.split {
		return append(dst, f), nil
	}
	return splitPretokenizer{literal(p.mark), mergedWithNext, false}.pretokenize(dst, f, offsets)
}

// splitPretokenizer is {"type": "Split"} in its general form.
type splitPretokenizer struct {
	pattern  pattern
	behavior behavior
	invert   bool
}

// behavior says what becomes of the delimiters that a Split finds.
type behavior string

const (
	removed            behavior = "Removed"
	isolated           behavior = "Isolated"
	mergedWithPrevious behavior = "MergedWithPrevious"
	mergedWithNext     behavior = "MergedWithNext"
	contiguous         behavior = "Contiguous"
)

// A pattern finds delimiters: matches appends the start and end of each.
type pattern interface {
	matches(dst []delimiter, s string) ([]delimiter, error)
}

// delimiter is s[start:end] of a text, which matched or lies between matches.
type delimiter struct {
	start, end int
	match      bool
}

// literal is the String form of a pattern.
type literal string

func (p literal) matches(dst []delimiter, s string) ([]delimiter, error) {
	for i := 0; ; {
		k := strings.Index(s[i:], string(p))
		if k < 0 {
			return dst, nil
		}
		dst = append(dst, delimiter{i + k, i + k + len(p), true})
		i += k + len(p)
	}
}

func (p splitPretokenizer) pretokenize(dst []fragment, f fragment, _ bool) ([]fragment, error) {
	found, err := p.pattern.matches(nil, f.text)
	if err != nil {
		return dst, err
	}
	for _, d := range p.behavior.pieces(p.parts(found, f.text)) {
		if d.start < d.end {
			dst = append(dst, f.slice(d.start, d.end))
		}
	}
	return dst, nil
}

// parts returns what was found in s and the stretches between.
func (p splitPretokenizer) parts(found []delimiter, s string) []delimiter {
	parts := make([]delimiter, 0, 2*len(found)+1)
	done := 0
	for _, m := range found {
		if done < m.start {
			parts = append(parts, delimiter{done, m.start, p.invert})
		}
		parts = append(parts, delimiter{m.start, m.end, !p.invert})
		done = m.end
	}
	if done < len(s) {
		parts = append(parts, delimiter{done, len(s), p.invert})
	}
	return parts
}

// pieces joins or drops parts, in place.
func (b behavior) pieces(parts []delimiter) []delimiter {
	out := parts[:0]
	previous := false
	switch b {
	case removed:
		for _, d := range parts {
			if !d.match {
				out = append(out, d)
			}
		}
	case contiguous:
		for i, d := range parts {
			if i > 0 && d.match == previous {
				out[len(out)-1].end = d.end
			} else {
				out = append(out, d)
			}
			previous = d.match
		}
	case mergedWithPrevious:
		for _, d := range parts {
			if d.match && !previous && len(out) > 0 {
				out[len(out)-1].end = d.end
			} else {
				out = append(out, d)
			}
			previous = d.match
		}
	case mergedWithNext:
		return mergeWithNext(parts)
	default:
		return parts
	}
	return out
}

// mergeWithNext joins a match with the part after it, unless that is a match too.
func mergeWithNext(parts []delimiter) []delimiter {
	out := parts[:0]
	for i := 0; i < len(parts); i++ {
		d := parts[i]
		if d.match && i+1 < len(parts) && !parts[i+1].match {
			d.end = parts[i+1].end
			i++
		}
		out = append(out, d)
	}
	return out
}
