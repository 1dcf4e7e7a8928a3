// SPDX-License-Identifier: Apache-2.0

package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// ErrConfig is matched when config.json or generation_config.json is malformed
// or contradicts itself.
var ErrConfig = errors.New("model: wrong configuration")

const (
	maxConfigDepth = 32
	maxListEntries = 1024
)

// fields reads the keys of one JSON object and keeps the first error. A key that
// is null reads as one that is missing.
type fields struct {
	path string // file, then keys that lead to the object
	raw  map[string]json.RawMessage
	used map[string]bool
	err  error
}

// parseFields reads the JSON object of a file.
func parseFields(path string, data []byte) (*fields, error) {
	f := &fields{path: path, used: map[string]bool{}}
	switch {
	case len(data) > MaxConfigBytes:
		f.wrong("%d bytes, limit %d", len(data), MaxConfigBytes)
	case !utf8.Valid(data):
		f.wrong("not valid UTF-8")
	default:
		if err := checkJSON(data); err != nil {
			f.wrong("%v", err)
		} else if err := json.Unmarshal(data, &f.raw); err != nil || f.raw == nil {
			f.wrong("not a JSON object")
		}
	}
	return f, f.err
}

// checkJSON returns an error unless data is one JSON value of bounded depth
// whose objects repeat no key.
func checkJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var open []map[string]bool // keys of the objects, nil for arrays
	for first := true; first || len(open) > 0; first = false {
		key := len(open) > 0 && open[len(open)-1] != nil // a key or the object's end follows
		t, err := d.Token()
		if err != nil {
			return err
		}
		if name, ok := t.(string); ok && key {
			keys := open[len(open)-1]
			if keys[name] {
				return fmt.Errorf("duplicate key %s", quote(name))
			}
			keys[name] = true
			if t, err = d.Token(); err != nil {
				return err
			}
		}
		switch t {
		case json.Delim('{'):
			open = append(open, map[string]bool{})
		case json.Delim('['):
			open = append(open, nil)
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) > maxConfigDepth {
			return fmt.Errorf("nested deeper than %d", maxConfigDepth)
		}
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("data after the JSON value")
	}
	return nil
}

// quote is %q of text from a file, cut to a length fit for an error.
func quote(s string) string {
	const limit = 64
	if len(s) > limit {
		return strconv.Quote(s[:limit]) + "..."
	}
	return strconv.Quote(s)
}

func (f *fields) fail(kind error, format string, args []any) {
	if f.err == nil {
		f.err = fmt.Errorf("%w: %s: %s", kind, f.path, fmt.Sprintf(format, args...))
	}
}

// wrong records a malformed or contradicting value, an ErrConfig.
func (f *fields) wrong(format string, args ...any) { f.fail(ErrConfig, format, args) }

// unsupported records a value that is not implemented, an ErrUnsupported.
func (f *fields) unsupported(format string, args ...any) { f.fail(ErrUnsupported, format, args) }

// join takes over the error of an inner object.
func (f *fields) join(inner *fields) {
	if f.err == nil {
		f.err = inner.err
	}
}

// has reports whether key has a value other than null.
func (f *fields) has(key string) bool {
	raw, ok := f.raw[key]
	return ok && string(raw) != "null"
}

// null reports whether the file says null.
func (f *fields) null(key string) bool { return string(f.raw[key]) == "null" }

// use marks key as known.
func (f *fields) use(key string) { f.used[key] = true }

// value decodes key into dst, or leaves dst alone when the file has no value.
func (f *fields) value(key string, dst any, want string) bool {
	f.use(key)
	if !f.has(key) {
		return false
	}
	if json.Unmarshal(f.raw[key], dst) != nil {
		f.wrong("%s is %s, want %s", key, f.shown(key), want)
		return false
	}
	return true
}

// shown returns the value of key as it is in the file, cut to a length fit for
// an error.
func (f *fields) shown(key string) string {
	const limit = 64
	raw := string(f.raw[key])
	if len(raw) > limit {
		return strconv.QuoteToGraphic(raw[:limit]) + "..."
	}
	return raw
}

func (f *fields) string(key, missing string) string {
	f.value(key, &missing, "a string")
	return missing
}

func (f *fields) strings(key string) []string {
	return list[string](f, key, "a list of strings")
}

// list reads a list of bounded length without null in it.
func list[E any](f *fields, key, want string) []E {
	var entries []*E // encoding/json reads null into a string as ""
	if !f.value(key, &entries, want) {
		return nil
	}
	if len(entries) > maxListEntries {
		f.wrong("%s has %d entries, limit %d", key, len(entries), maxListEntries)
		return nil
	}
	values := make([]E, len(entries))
	for i, e := range entries {
		if e == nil {
			f.wrong("%s[%d] is null", key, i)
			return nil
		}
		values[i] = *e
	}
	return values
}

func (f *fields) bool(key string, missing bool) bool {
	f.value(key, &missing, "true or false")
	return missing
}

// size reads a number from 1 to limit that must be there.
func (f *fields) size(key string, limit int) int {
	if !f.has(key) {
		f.use(key)
		f.wrong("%s is missing", key)
		return 0
	}
	return f.int(key, 0, 1, limit)
}

func (f *fields) int(key string, missing, low, high int) int {
	var n json.RawMessage
	if !f.value(key, &n, "") {
		return missing
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	if err != nil || i < int64(low) || i > int64(high) {
		f.wrong("%s is %s, want an integer from %d to %d", key, f.shown(key), low, high)
		return missing
	}
	return int(i)
}

func (f *fields) float(key string, missing, low, high float64) float64 {
	x := missing
	f.value(key, &x, "a number")
	if !(x >= low && x <= high) {
		f.wrong("%s is %s, want a number from %v to %v", key, f.shown(key), low, high)
	}
	return x
}

// optionalFloat is float, nil where the file has no value.
func (f *fields) optionalFloat(key string, low, high float64) *float64 {
	f.use(key)
	if !f.has(key) {
		return nil
	}
	return new(f.float(key, low, low, high))
}

// optionalInt is int, nil where the file has no value.
func (f *fields) optionalInt(key string, low, high int) *int {
	f.use(key)
	if !f.has(key) {
		return nil
	}
	return new(f.int(key, low, low, high))
}

// id reads a token id, which may be negative in the file; nil if missing.
func (f *fields) id(key string) *int32 {
	n := f.optionalInt(key, -1, maxTokenID)
	if n == nil {
		return nil
	}
	return new(int32(*n))
}

// ids reads a token id or a list of them.
func (f *fields) ids(key string) []int32 {
	f.use(key)
	if !f.has(key) {
		return nil
	}
	if f.raw[key][0] != '[' {
		return []int32{int32(f.int(key, 0, 0, maxTokenID))}
	}
	ids := list[int32](f, key, "a token id or a list of them")
	for i, id := range ids {
		if id < 0 {
			f.wrong("%s[%d] is %d", key, i, id)
		}
	}
	return ids
}

// object reads an object, nil where the file has none.
func (f *fields) object(key string) *fields {
	inner := &fields{path: f.path + ": " + key, used: map[string]bool{}}
	if !f.value(key, &inner.raw, "an object") {
		return nil
	}
	return inner
}

// neutral refuses the keys that have a value other than those listed or null.
func (f *fields) neutral(keys map[string][]string) {
	var bad []string
	for key, values := range keys {
		f.use(key)
		if f.has(key) && !f.oneOf(key, values) {
			bad = append(bad, fmt.Sprintf("%s %s", key, f.shown(key)))
		}
	}
	if len(bad) > 0 {
		slices.Sort(bad)
		f.unsupported("%s", summary(bad))
	}
}

func (f *fields) oneOf(key string, values []string) bool {
	var b bytes.Buffer
	if json.Compact(&b, f.raw[key]) != nil {
		return false
	}
	got, err := strconv.ParseFloat(b.String(), 64)
	for _, v := range values {
		if v == b.String() {
			return true
		}
		if want, e := strconv.ParseFloat(v, 64); e == nil && err == nil && want == got {
			return true
		}
	}
	return false
}

// rest refuses, in one error, all keys with a value that nothing has read and
// harmless does not know.
func (f *fields) rest(harmless func(key string) bool) {
	var unknown []string
	for key := range f.raw {
		if f.has(key) && !f.used[key] && !harmless(key) {
			unknown = append(unknown, quote(key))
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		f.unsupported("unknown keys, which may change the result: %s", summary(unknown))
	}
}
