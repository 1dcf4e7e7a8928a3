// SPDX-License-Identifier: Apache-2.0

package tokenizer

import "strings"

// fragment is a stretch of the text on its way to tokens.
type fragment struct {
	text string
	base int // place of the text's first byte in the source, when align is nil
	// align holds, for each byte of text, the bytes of the source it came from. It is nil while
	// text is the source, and always when no offsets are wanted.
	align []sourceSpan
}

type sourceSpan struct{ start, end int32 }

// source returns the bytes of the source that text[start:end] came from.
func (f *fragment) source(start, end int) (int, int) {
	if f.align == nil {
		return f.base + start, f.base + end
	}
	if start < end {
		return int(f.align[start].start), int(f.align[end-1].end)
	}
	if start < len(f.align) {
		return int(f.align[start].start), int(f.align[start].start)
	}
	if start > 0 {
		return int(f.align[start-1].end), int(f.align[start-1].end)
	}
	return f.base, f.base
}

// slice returns text[start:end] as a fragment.
func (f *fragment) slice(start, end int) fragment {
	out := fragment{text: f.text[start:end], base: f.base + start}
	if f.align != nil {
		out.base, _ = f.source(start, start)
		out.align = f.align[start:end]
	}
	return out
}

// atStart reports whether the fragment starts where the source does.
func (f *fragment) atStart() bool {
	start, _ := f.source(0, min(1, len(f.text)))
	return start == 0
}

// aligned returns the fragment's alignment, made explicit.
func (f *fragment) aligned() []sourceSpan {
	if f.align != nil {
		return f.align
	}
	out := make([]sourceSpan, 0, len(f.text))
	for i, next := 0, 0; i < len(f.text); i = next {
		_, n := classAt(f.text[i:])
		for next = i + n; n > 0; n-- {
			out = append(out, sourceSpan{int32(f.base + i), int32(f.base + next)})
		}
	}
	return out
}

// A normalizer rewrites a fragment. With offsets it keeps align up to date.
type normalizer interface {
	normalize(f fragment, offsets bool) fragment
}

// nfcNormalizer is {"type": "NFC"}.
type nfcNormalizer struct{}

func (nfcNormalizer) normalize(f fragment, offsets bool) fragment {
	if !offsets {
		f.text = nfc(f.text)
		return f
	}
	start, end, ok := unsafeSpan(f.text, 0)
	if !ok {
		return f
	}
	var out strings.Builder
	from := f.aligned()
	var align []sourceSpan
	done := 0
	for ; ok; start, end, ok = unsafeSpan(f.text, done) {
		out.WriteString(f.text[done:start])
		align = append(align, from[done:start]...)
		for _, n := range compose(decompose(nil, f.text, start, end)) {
			writeNorm(&out, f.text, n)
			span := sourceSpan{from[n.start].start, from[n.end-1].end}
			for len(align) < out.Len() {
				align = append(align, span)
			}
		}
		done = end
	}
	out.WriteString(f.text[done:])
	return fragment{out.String(), f.base, append(align, from[done:]...)}
}

// prependNormalizer is {"type": "Prepend"}: it puts its text before one that is not empty.
type prependNormalizer struct{ text string }

func (p prependNormalizer) normalize(f fragment, offsets bool) fragment {
	if f.text == "" {
		return f
	}
	if offsets {
		from := f.aligned()
		align := make([]sourceSpan, 0, len(p.text)+len(from))
		for range len(p.text) {
			align = append(align, from[0])
		}
		f.align = append(align, from...)
	}
	f.text = p.text + f.text
	return f
}

// replaceNormalizer is {"type": "Replace"} with a String pattern.
type replaceNormalizer struct{ old, new string }

func (p replaceNormalizer) normalize(f fragment, offsets bool) fragment {
	if !strings.Contains(f.text, p.old) {
		return f
	}
	if !offsets {
		f.text = strings.ReplaceAll(f.text, p.old, p.new)
		return f
	}
	var out strings.Builder
	from := f.aligned()
	var align []sourceSpan
	rest := 0
	for {
		k := strings.Index(f.text[rest:], p.old)
		if k < 0 {
			break
		}
		end := rest + k + len(p.old)
		out.WriteString(f.text[rest : rest+k])
		out.WriteString(p.new)
		align = append(align, from[rest:rest+k]...)
		for range len(p.new) {
			align = append(align, sourceSpan{from[rest+k].start, from[end-1].end})
		}
		rest = end
	}
	out.WriteString(f.text[rest:])
	return fragment{out.String(), f.base, append(align, from[rest:]...)}
}
