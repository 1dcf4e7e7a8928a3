// SPDX-License-Identifier: Apache-2.0

package tokenizer

import "unicode/utf8"

// A scanner returns the length in bytes of the first piece of s, which is not empty. The pieces
// of a text are what it returns when called again and again on the rest. The scanners here are
// the Split patterns of the well-known families, written by hand:
//
//	GPT-2    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//	Llama-3  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
//	          ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//	Qwen2    as Llama-3 with \p{N} for \p{N}{1,3}
//
// Every text is a sequence of such pieces, without gaps.
type scanner func(s string) int

const (
	patternGPT2  = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	patternQwen2 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|` +
		` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|` +
		` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// scannerFor returns the scanner of a Split pattern, or nil.
func scannerFor(pattern string) scanner {
	switch pattern {
	case patternGPT2:
		return scanGPT2
	case patternQwen2:
		return scanQwen2
	case patternLlama3:
		return scanLlama3
	}
	return nil
}

func scanQwen2(s string) int  { return scanCased(s, 1) }
func scanLlama3(s string) int { return scanCased(s, 3) }

// scanCased is Llama-3's pattern with at most digits numbers in a piece.
func scanCased(s string, digits int) int {
	c, n := classAt(s)
	if isLetter(c) {
		return n + letters(s[n:])
	}
	if s[0] == '\'' {
		if end := contraction(s); end > 0 {
			return end
		}
	}
	if isNumber(c) {
		return n + numbers(s[n:], digits-1)
	}
	newline := s[0] == '\r' || s[0] == '\n'
	if n < len(s) && !newline {
		next, width := classAt(s[n:])
		if isLetter(next) {
			return n + width + letters(s[n+width:])
		}
		if s[0] == ' ' && isSymbol(next) {
			return n + width + symbolsThenNewlines(s[n+width:])
		}
	}
	if !isSpace(c) {
		return n + symbolsThenNewlines(s[n:])
	}
	end, last, afterNewline := spaces(s)
	if afterNewline > 0 {
		return afterNewline
	}
	return trailingSpace(s, end, last)
}

// scanGPT2 is GPT-2's pattern, the one inside the ByteLevel pre-tokenizer.
func scanGPT2(s string) int {
	if s[0] == '\'' {
		if end := contractionLower(s); end > 0 {
			return end
		}
	}
	n := 0
	c, width := classAt(s)
	if s[0] == ' ' && len(s) > 1 {
		if next, w := classAt(s[1:]); !isSpace(next) {
			c, n, width = next, 1, w
		}
	}
	n += width
	switch {
	case isSpace(c):
		end, last, _ := spaces(s)
		return trailingSpace(s, end, last)
	case isLetter(c):
		return n + letters(s[n:])
	case isNumber(c):
		return n + numbers(s[n:], len(s))
	}
	return n + symbols(s[n:])
}

// letters returns the length of \p{L}* at the start of s.
func letters(s string) int {
	i := 0
	for i < len(s) {
		if b := s[i]; b < utf8.RuneSelf {
			if b|0x20-'a' > 'z'-'a' {
				return i
			}
			i++
			continue
		}
		c, n := classAt(s[i:])
		if !isLetter(c) {
			return i
		}
		i += n
	}
	return i
}

// numbers returns the length of \p{N}{0,limit} at the start of s.
func numbers(s string, limit int) int {
	i := 0
	for ; limit > 0 && i < len(s); limit-- {
		c, n := classAt(s[i:])
		if !isNumber(c) {
			break
		}
		i += n
	}
	return i
}

// symbols returns the length of [^\s\p{L}\p{N}]* at the start of s.
func symbols(s string) int {
	i := 0
	for i < len(s) {
		c, n := classAt(s[i:])
		if !isSymbol(c) {
			break
		}
		i += n
	}
	return i
}

func symbolsThenNewlines(s string) int {
	i := symbols(s)
	for i < len(s) && (s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

// spaces measures \s+ at the start of s: where it ends, where its last character starts, and
// where its last \r or \n ends (0 without one).
func spaces(s string) (end, last, afterNewline int) {
	for end < len(s) {
		c, n := classAt(s[end:])
		if !isSpace(c) {
			break
		}
		if s[end] == '\r' || s[end] == '\n' {
			afterNewline = end + 1
		}
		last = end
		end += n
	}
	return end, last, afterNewline
}

// trailingSpace is \s+(?!\S)|\s+ : all white space at the end of the text, else all but the last
// character, else that character.
func trailingSpace(s string, end, last int) int {
	if end == len(s) || last == 0 {
		return end
	}
	return last
}

// contraction returns the length of (?i:'s|'t|'re|'ve|'m|'ll|'d) at the start of s, or 0. The
// long s, U+017F, is an s in another case.
func contraction(s string) int {
	if len(s) >= 3 && s[1] == 0xc5 && s[2] == 0xbf {
		return 3
	}
	if len(s) < 2 {
		return 0
	}
	a := s[1] | 0x20
	if s[1] < 'A' || s[1] > 'z' {
		return 0
	}
	switch a {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(s) >= 3 && s[2] >= 'A' && s[2] <= 'z' && isPair(a, s[2]|0x20) {
		return 3
	}
	return 0
}

// contractionLower is contraction for lower case alone.
func contractionLower(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(s) >= 3 && isPair(s[1], s[2]) {
		return 3
	}
	return 0
}

func isPair(a, b byte) bool {
	return a == 'r' && b == 'e' || a == 'v' && b == 'e' || a == 'l' && b == 'l'
}
