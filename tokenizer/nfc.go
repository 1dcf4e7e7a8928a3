// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// NFC as the Rust library does it: its tables are of an older Unicode version than Go's, and it
// does not break long runs of marks as golang.org/x/text does. A text is cut before characters
// that NFC neither changes nor joins with what precedes them; only pieces with another kind of
// character are decomposed, put in order and composed again. Bytes that are not UTF-8 stay.

// Hangul syllables are composed by arithmetic. See the Unicode Standard, section 3.12.
const (
	hangulBase, hangulCount = 0xac00, 11172
	jamoL, jamoLCount       = 0x1100, 19
	jamoV, jamoVCount       = 0x1161, 21
	jamoT, jamoTCount       = 0x11a7, 28 // the first T stands for none
)

// normRune is a character under normalisation and the bytes of the text it came from.
type normRune struct {
	r          rune
	ccc        byte
	raw        bool // a byte that is not UTF-8
	start, end int32
}

// unsafeSpan returns the first piece of s, at or after from, that NFC may change, or ok = false.
func unsafeSpan(s string, from int) (start, end int, ok bool) {
	start = from
	for i := from; i < len(s); {
		if s[i] < utf8.RuneSelf {
			start = i
			i++
			continue
		}
		c, n := classAt(s[i:])
		if c&classUnsafe == 0 {
			start = i
			i += n
			continue
		}
		for i < len(s) && c&classUnsafe != 0 {
			i += n
			if i < len(s) {
				c, n = classAt(s[i:])
			}
		}
		return start, i, true
	}
	return 0, 0, false
}

// nfc returns s in form C. The result is s itself when nothing changed.
func nfc(s string) string {
	var out strings.Builder
	var runes []normRune
	done := 0
	for {
		start, end, ok := unsafeSpan(s, done)
		if !ok {
			break
		}
		runes = compose(decompose(runes[:0], s, start, end))
		if out.Len() == 0 {
			out.Grow(len(s) + 16)
		}
		out.WriteString(s[done:start])
		for _, n := range runes {
			writeNorm(&out, s, n)
		}
		done = end
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

func writeNorm(out *strings.Builder, s string, n normRune) {
	if n.raw {
		out.WriteByte(s[n.start])
		return
	}
	out.WriteRune(n.r)
}

// decompose appends the full canonical decomposition of s[start:end] in canonical order.
func decompose(dst []normRune, s string, start, end int) []normRune {
	for i := start; i < end; {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, normRune{r, 0, true, int32(i), int32(i + 1)})
		} else {
			dst = appendDecomposed(dst, r, int32(i), int32(i+n))
		}
		i += n
	}
	for i := 0; i < len(dst); {
		j := i
		for j < len(dst) && dst[j].ccc != 0 {
			j++
		}
		slices.SortStableFunc(dst[i:j], func(a, b normRune) int { return int(a.ccc) - int(b.ccc) })
		i = j + 1
	}
	return dst
}

func appendDecomposed(dst []normRune, r rune, start, end int32) []normRune {
	add := func(r rune) { dst = append(dst, normRune{r, combiningClass(r), false, start, end}) }
	if s := r - hangulBase; s >= 0 && s < hangulCount {
		add(jamoL + s/(jamoVCount*jamoTCount))
		add(jamoV + s%(jamoVCount*jamoTCount)/jamoTCount)
		if t := s % jamoTCount; t > 0 {
			add(jamoT + t)
		}
		return dst
	}
	i, found := slices.BinarySearch(decomposed[:], r)
	if !found {
		add(r)
		return dst
	}
	from := 0
	if i > 0 {
		from = int(decompositionEnds[i-1])
	}
	for _, d := range decompositions[from:decompositionEnds[i]] {
		add(d)
	}
	return dst
}

func combiningClass(r rune) byte {
	if r < combiningMarks[0] {
		return 0
	}
	if i, found := slices.BinarySearch(combiningMarks[:], r); found {
		return combiningClasses[i]
	}
	return 0
}

// compose joins each character with the last starter before it when nothing between them blocks
// it, in place.
func compose(runes []normRune) []normRune {
	out := runes[:0]
	starter := -1
	for _, n := range runes {
		if starter >= 0 && !n.raw && !out[starter].raw {
			last := out[len(out)-1]
			blocked := len(out)-1 > starter && last.ccc >= n.ccc
			if c := composed(out[starter].r, n.r); c != 0 && !blocked {
				out[starter].r = c
				out[starter].end = max(out[starter].end, n.end)
				continue
			}
		}
		if n.ccc == 0 {
			starter = len(out)
		}
		out = append(out, n)
	}
	return out
}

// composed returns the primary composite of a and b, or 0.
func composed(a, b rune) rune {
	if l, v := a-jamoL, b-jamoV; l >= 0 && l < jamoLCount && v >= 0 && v < jamoVCount {
		return hangulBase + (l*jamoVCount+v)*jamoTCount
	}
	if s, t := a-hangulBase, b-jamoT; s >= 0 && s < hangulCount && s%jamoTCount == 0 && t > 0 && t < jamoTCount {
		return a + t
	}
	type pair = struct{ first, second, composed rune }
	i, found := slices.BinarySearchFunc(compositions[:], pair{a, b, 0}, func(x, y pair) int {
		if x.first != y.first {
			return int(x.first - y.first)
		}
		return int(x.second - y.second)
	})
	if !found {
		return 0
	}
	return compositions[i].composed
}
