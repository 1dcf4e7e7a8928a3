// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A request is read field by field, against the table of the fields it may have. A
// field that is null counts as absent, whatever its name. encoding/json alone would
// take a field twice, in another case, with broken text mended: a request must mean
// one thing to every reader.

// field reads the value of a field. at is its path, for errors.
type field func(at string, raw json.RawMessage) error

// fields are those an object may have.
type fields map[string]field

// document reads a whole body.
func document(body []byte, f fields) error {
	if !utf8.Valid(body) {
		return badJSON("the body is not UTF-8")
	}
	if !json.Valid(body) {
		return badJSON("the body is not JSON: " + reason(body))
	}
	if loneSurrogate(body) {
		return badJSON(`the body has half of a surrogate pair, \ud800 to \udfff`)
	}
	return f.object("", body)
}

func badJSON(message string) *problem {
	p := badRequest("", "%s", message)
	p.code = "invalid_json"
	return p
}

// reason returns what encoding/json says of a text that is not JSON.
func reason(body []byte) string {
	var syntax *json.SyntaxError
	var any json.RawMessage
	err := json.Unmarshal(body, &any)
	if errors.As(err, &syntax) {
		return syntax.Error() + " at byte " + strconv.FormatInt(syntax.Offset, 10)
	}
	return "unexpected text"
}

// loneSurrogate reports whether an escape in JSON text stands for half a character.
func loneSurrogate(body []byte) bool {
	unit := func(i int) rune { // of the escape at i, or 0
		if i+6 > len(body) || body[i] != '\\' || body[i+1] != 'u' {
			return 0
		}
		n, err := strconv.ParseUint(string(body[i+2:i+6]), 16, 16)
		if err != nil {
			return 0
		}
		return rune(n)
	}
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		switch u := unit(i); {
		case u >= 0xd800 && u < 0xdc00:
			if low := unit(i + 6); low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 11
		case u >= 0xdc00 && u <= 0xdfff:
			return true
		default:
			i++ // over what is escaped, which may be a backslash
		}
	}
	return false
}

// object reads an object; raw is JSON.
func (f fields) object(at string, raw json.RawMessage) error {
	if kind(raw) != '{' {
		return badRequest(at, "want an object, got %s", describe(raw))
	}
	seen := map[string]bool{}
	d := json.NewDecoder(bytes.NewReader(raw))
	_, err := d.Token()
	for err == nil && d.More() {
		var name json.Token
		if name, err = d.Token(); err != nil {
			break
		}
		var value json.RawMessage
		if err = d.Decode(&value); err != nil {
			break
		}
		err = f.value(at, name.(string), value, seen)
	}
	return err
}

func (f fields) value(at, name string, value json.RawMessage, seen map[string]bool) error {
	path := name
	if at != "" {
		path = at + "." + name
	}
	if seen[name] {
		return badRequest(path, "given twice")
	}
	seen[name] = true
	if kind(value) == 'n' {
		return nil
	}
	read, ok := f[name]
	if !ok {
		p := badRequest(path, "unknown field")
		p.code = "unknown_field"
		return p
	}
	return read(path, value)
}

// kind returns the first byte of a JSON value, 'n' for null.
func kind(raw json.RawMessage) byte {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}

// describe names a value in an error.
func describe(raw json.RawMessage) string {
	switch kind(raw) {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 'n':
		return "null"
	}
	if s := strings.TrimSpace(string(raw)); len(s) <= 40 {
		return s
	}
	return "a number"
}

// elements reads a list, each element by read.
func elements(read field) field {
	return func(at string, raw json.RawMessage) error {
		var list []json.RawMessage
		if kind(raw) != '[' || json.Unmarshal(raw, &list) != nil {
			return badRequest(at, "want a list, got %s", describe(raw))
		}
		for i, element := range list {
			if err := read(at+"["+strconv.Itoa(i)+"]", element); err != nil {
				return err
			}
		}
		return nil
	}
}

// text reads a string.
func text(s *string) field {
	return func(at string, raw json.RawMessage) error {
		if kind(raw) != '"' || json.Unmarshal(raw, s) != nil {
			return badRequest(at, "want a string, got %s", describe(raw))
		}
		return nil
	}
}

func texts(list *[]string) field {
	return elements(func(at string, raw json.RawMessage) error {
		var s string
		err := text(&s)(at, raw)
		*list = append(*list, s)
		return err
	})
}

// textOrTexts reads a string or a list of them.
func textOrTexts(list *[]string) field {
	return func(at string, raw json.RawMessage) error {
		if kind(raw) == '[' {
			return texts(list)(at, raw)
		}
		*list = make([]string, 1)
		return text(&(*list)[0])(at, raw)
	}
}

func boolean(b *bool) field {
	return func(at string, raw json.RawMessage) error {
		if k := kind(raw); k != 't' && k != 'f' {
			return badRequest(at, "want true or false, got %s", describe(raw))
		}
		*b = kind(raw) == 't'
		return nil
	}
}

// number reads a number in [low, high].
func number(low, high float64, set func(float64)) field {
	return func(at string, raw json.RawMessage) error {
		v, err := strconv.ParseFloat(strings.TrimSpace(string(raw)), 64)
		if err != nil || !isNumber(raw) {
			return badRequest(at, "want a number, got %s", describe(raw))
		}
		if !(v >= low && v <= high) {
			return badRequest(at, "%v is not in %v..%v", v, low, high)
		}
		set(v)
		return nil
	}
}

// integer reads a whole number in [low, high].
func integer(low, high int64, set func(int)) field {
	return func(at string, raw json.RawMessage) error {
		v, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
		if !isNumber(raw) || errors.Is(err, strconv.ErrSyntax) {
			return badRequest(at, "want an integer, got %s", describe(raw))
		}
		if err != nil || v < low || v > high {
			return badRequest(at, "%s is not in %d..%d", describe(raw), low, high)
		}
		set(int(v))
		return nil
	}
}

// most is the largest count a request may ask for.
const most = math.MaxInt32

// token reads a token id into a list.
func token(list *[]int32) field {
	return integer(0, most, func(v int) { *list = append(*list, int32(v)) })
}

// seed reads any integer of 64 bits, signed or not.
func seed(s **uint64) field {
	return func(at string, raw json.RawMessage) error {
		digits := strings.TrimSpace(string(raw))
		v, err := strconv.ParseUint(digits, 10, 64)
		if err != nil {
			var signed int64
			signed, err = strconv.ParseInt(digits, 10, 64)
			v = uint64(signed)
		}
		if err != nil {
			return badRequest(at, "want an integer of 64 bits, got %s", describe(raw))
		}
		*s = &v
		return nil
	}
}

func isNumber(raw json.RawMessage) bool {
	k := kind(raw)
	return k == '-' || k >= '0' && k <= '9'
}

// set returns what stores a value behind a new pointer.
func set[T any](p **T) func(T) { return func(v T) { *p = &v } }

// put returns what stores a value.
func put[T any](p *T) func(T) { return func(v T) { *p = v } }

// ignored accepts anything: the field cannot change an answer.
func ignored(string, json.RawMessage) error { return nil }

// only accepts nothing but one of these JSON texts, which ask for what is done anyway.
func only(values ...string) field {
	return func(at string, raw json.RawMessage) error {
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			return badRequest(at, "%v", err)
		}
		if slices.Contains(values, compact.String()) {
			return nil
		}
		if len(values) == 0 {
			return unsupported(at, "not supported")
		}
		return unsupported(at, "only %s is supported", strings.Join(values, " or "))
	}
}
