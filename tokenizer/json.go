// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader walks over JSON text. encoding/json takes most of a second for the eleven megabytes
// of a large vocabulary; this reads the two big members, vocab and merges, without making a value
// of each string. Its first error sticks.
type jsonReader struct {
	data []byte
	pos  int
	err  error
	buf  []byte // of the last string with an escape
}

const maxJSONDepth = 64

func (r *jsonReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: offset %d: %s", ErrFormat, r.pos, fmt.Sprintf(format, args...))
	}
}

// peek skips white space and returns the next byte, 0 at the end or after an error.
func (r *jsonReader) peek() byte {
	for r.err == nil && r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// found names what is next, for errors.
func (r *jsonReader) found() string {
	c := r.peek()
	if r.pos == len(r.data) {
		return "the end"
	}
	return fmt.Sprintf("%q", c)
}

func (r *jsonReader) expect(c byte) {
	if r.peek() != c {
		r.fail("want %q, found %s", c, r.found())
		return
	}
	r.pos++
}

// more reports whether a list that ends with closing has another element, and steps over the
// comma before it or over the end. first is true for the first element.
func (r *jsonReader) more(first bool, closing byte) bool {
	c := r.peek()
	switch {
	case r.err != nil:
		return false
	case c == closing:
		r.pos++
		return false
	case first:
		return true
	case c != ',':
		r.fail("want ',' or %q, found %s", closing, r.found())
		return false
	}
	r.pos++
	if r.peek() == closing {
		r.fail("a comma before %q", closing)
		return false
	}
	return r.err == nil
}

// object calls member for each member of an object; member must read the value.
func (r *jsonReader) object(member func(key []byte)) {
	r.expect('{')
	for first := true; r.more(first, '}'); first = false {
		key := r.string()
		r.expect(':')
		if r.err == nil {
			member(key)
		}
	}
}

// array calls element for each element of an array; element must read it.
func (r *jsonReader) array(element func()) {
	r.expect('[')
	for first := true; r.more(first, ']'); first = false {
		element()
	}
}

// string reads a string. The result is valid until the next call.
func (r *jsonReader) string() []byte {
	r.expect('"')
	if r.err != nil {
		return nil
	}
	start := r.pos
	for i := start; i < len(r.data); i++ {
		switch c := r.data[i]; {
		case c == '"':
			r.pos = i + 1
			return r.data[start:i]
		case c == '\\':
			return r.escaped(start, i)
		case c < ' ':
			r.pos = i
			r.fail("control character %#02x in a string", c)
			return nil
		}
	}
	r.fail("unterminated string")
	return nil
}

// escaped continues string at i, where the first escape is.
func (r *jsonReader) escaped(start, i int) []byte {
	r.buf = append(r.buf[:0], r.data[start:i]...)
	for r.pos = i; r.pos < len(r.data) && r.err == nil; {
		c := r.data[r.pos]
		r.pos++
		switch {
		case c == '"':
			return r.buf
		case c == '\\':
			r.escape()
		case c < ' ':
			r.fail("control character %#02x in a string", c)
		default:
			r.buf = append(r.buf, c)
		}
	}
	r.fail("unterminated string")
	return nil
}

func (r *jsonReader) escape() {
	if r.pos == len(r.data) {
		r.fail("unterminated string")
		return
	}
	c := r.data[r.pos]
	r.pos++
	switch c {
	case '"', '\\', '/':
		r.buf = append(r.buf, c)
	case 'b':
		r.buf = append(r.buf, '\b')
	case 'f':
		r.buf = append(r.buf, '\f')
	case 'n':
		r.buf = append(r.buf, '\n')
	case 'r':
		r.buf = append(r.buf, '\r')
	case 't':
		r.buf = append(r.buf, '\t')
	case 'u':
		r.unicodeEscape()
	default:
		r.fail("unknown escape \\%c", c)
	}
}

func (r *jsonReader) unicodeEscape() {
	u := r.hex4()
	if utf16.IsSurrogate(u) {
		if r.pos+1 >= len(r.data) || r.data[r.pos] != '\\' || r.data[r.pos+1] != 'u' {
			r.fail("lone surrogate \\u%04x", u)
			return
		}
		r.pos += 2
		if u = utf16.DecodeRune(u, r.hex4()); u == utf8.RuneError {
			r.fail("a surrogate without its other half")
		}
	}
	r.buf = utf8.AppendRune(r.buf, u)
}

func (r *jsonReader) hex4() rune {
	if r.pos+4 > len(r.data) {
		r.fail("short \\u escape")
		return 0
	}
	var v rune
	for _, c := range r.data[r.pos : r.pos+4] {
		d := unhex(c)
		if d < 0 {
			r.fail("%q in a \\u escape", c)
			return 0
		}
		v = v<<4 | rune(d)
	}
	r.pos += 4
	return v
}

// unhex returns the value of a hexadecimal digit, or -1.
func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// id reads a token id: a whole number from 0 to maxID.
func (r *jsonReader) id() int32 {
	r.peek()
	v, start := 0, r.pos
	for r.pos < len(r.data) && r.data[r.pos]-'0' <= 9 && v <= maxID {
		v = 10*v + int(r.data[r.pos]-'0')
		r.pos++
	}
	if r.pos == start || r.pos-start > 1 && r.data[start] == '0' || v > maxID {
		r.pos = start
		r.fail("want a token id from 0 to %d, found %q", maxID, r.data[start:min(start+12, len(r.data))])
		return 0
	}
	return int32(v)
}

// skip steps over any value and returns its text.
func (r *jsonReader) skip(depth int) []byte {
	c := r.peek()
	start := r.pos
	switch {
	case depth > maxJSONDepth:
		r.fail("nested deeper than %d", maxJSONDepth)
	case c == '{':
		r.object(func([]byte) { r.skip(depth + 1) })
	case c == '[':
		r.array(func() { r.skip(depth + 1) })
	case c == '"':
		r.string()
	default:
		r.scalar()
	}
	if r.err != nil {
		return nil
	}
	return r.data[start:r.pos]
}

// scalar steps over a number, true, false or null. Members that matter are parsed again by
// encoding/json, which knows a number from a near miss.
func (r *jsonReader) scalar() {
	start := r.pos
	for r.pos < len(r.data) {
		c := r.data[r.pos]
		word := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.'
		if !word {
			break
		}
		r.pos++
	}
	if r.pos == start {
		r.fail("want a value, found %s", r.found())
	}
}
