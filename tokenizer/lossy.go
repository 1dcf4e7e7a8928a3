// SPDX-License-Identifier: Apache-2.0

package tokenizer

import "unicode/utf8"

const replacement = "\uFFFD"

// appendLossy appends the whole characters of b to dst, U+FFFD for each maximal subpart of a
// broken sequence, and returns how many bytes it took. It leaves a tail that more bytes may
// complete, at most three bytes; with final there is no more, and the tail is broken too.
func appendLossy(dst, b []byte, final bool) ([]byte, int) {
	i := 0
	for i < len(b) {
		start := i
		for i < len(b) {
			if b[i] < utf8.RuneSelf {
				i++
				continue
			}
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		dst = append(dst, b[start:i]...)
		if i == len(b) {
			break
		}
		n, open := subpart(b[i:])
		if open && !final {
			break
		}
		dst = append(dst, replacement...)
		i += n
	}
	return dst, i
}

// subpart returns the length of the maximal subpart at the start of b, which is not a character:
// the longest start of one, or else a single byte. It is open when b ends within it. See the
// Unicode Standard, "U+FFFD Substitution of Maximal Subparts", and its table 3-7.
func subpart(b []byte) (n int, open bool) {
	low, high, need := byte(0x80), byte(0xbf), 0
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		need = 1
	case c == 0xe0:
		need, low = 2, 0xa0
	case c == 0xed:
		need, high = 2, 0x9f
	case c >= 0xe1 && c <= 0xef:
		need = 2
	case c == 0xf0:
		need, low = 3, 0x90
	case c == 0xf4:
		need, high = 3, 0x8f
	case c >= 0xf1 && c <= 0xf3:
		need = 3
	}
	for n = 1; n <= need; n++ {
		if n == len(b) {
			return n, true
		}
		if b[n] < low || b[n] > high {
			break
		}
		low, high = 0x80, 0xbf
	}
	return min(n, max(need, 1)), false
}

func validUTF8(b []byte) bool { return utf8.Valid(b) }
