// SPDX-License-Identifier: Apache-2.0

package tokenizer

import "unicode/utf8"

// GPT-2 spells the 256 bytes as 256 printable characters, so that a vocabulary is text: the
// printable ones of Latin-1 stand for themselves, the others follow from U+0100 in order.

// byteAlphabet maps a character below U+0180 to the byte it spells, or to -1.
func byteAlphabet() *[0x180]int16 {
	var t [0x180]int16
	for i := range t {
		t[i] = -1
	}
	next := 0x100
	for b := range 256 {
		if b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae {
			t[b] = int16(b)
			continue
		}
		t[next] = int16(b)
		next++
	}
	return &t
}

// unspell appends the bytes that text spells, or reports false when a character spells none.
func unspell(alphabet *[0x180]int16, dst, text []byte) ([]byte, bool) {
	for i := 0; i < len(text); {
		r, n := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text[i:])
		}
		if r >= 0x180 || alphabet[r] < 0 {
			return dst, false
		}
		dst = append(dst, byte(alphabet[r]))
		i += n
	}
	return dst, true
}
