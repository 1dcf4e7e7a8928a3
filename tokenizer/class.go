// SPDX-License-Identifier: Apache-2.0

package tokenizer

import "unicode/utf8"

// Bits of a class above the general category. See _gen/tables.py.
const (
	classSpace   = 0x20 // Oniguruma's \s
	classUnsafe  = 0x40 // NFC may change it, or compose it with what comes before
	classNumeric = 0x80 // Rust's char::is_numeric
	classGC      = 0x1f // mask of the general category
)

// class returns the properties of r, which is at most utf8.MaxRune.
func class(r rune) byte {
	if r < utf8.RuneSelf {
		return classBlocks[uint32(r)] // the first block is ASCII's
	}
	i := uint32(r) >> 7 * 2
	block := uint32(classIndex[i]) | uint32(classIndex[i+1])<<8
	return classBlocks[block<<7|uint32(r)&127]
}

// classAt returns the class of s's first character and its width. A byte that is not UTF-8 is a
// character of its own with the class of U+FFFD, a symbol. s is not empty.
func classAt(s string) (byte, int) {
	if s[0] < utf8.RuneSelf {
		return classBlocks[s[0]], 1
	}
	r, n := utf8.DecodeRuneInString(s)
	return class(r), n
}

func isLetter(c byte) bool { return c&classGC <= gcLo }
func isNumber(c byte) bool { return c&classGC-gcNd <= gcNo-gcNd }
func isSpace(c byte) bool  { return c&classSpace != 0 }

// isSymbol is [^\s\p{L}\p{N}].
func isSymbol(c byte) bool { return !isLetter(c) && !isNumber(c) && !isSpace(c) }
