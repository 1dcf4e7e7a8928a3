// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"
)

// limits bound a JSON document before anything is built from it.
type limits struct {
	bytes int // of the document
	depth int // of nesting
	keys  int // of all objects together
	text  int // bytes of a key
	list  int // entries of an array
}

// level is an open object, or an open array where keys is nil.
type level struct {
	keys    map[string]bool
	key     string // the last one
	entries int    // of an array
}

// scanJSON returns an error unless data is one JSON object within the limits
// whose objects repeat no key. encoding/json alone keeps the last of repeated
// keys. visit, which may be nil, is called for every scalar in an object with
// the keys that lead to it and the offset of its end.
func scanJSON(data []byte, lim limits, visit func(path []level, end int64)) error {
	switch {
	case len(data) > lim.bytes:
		return corruptf("JSON of %d bytes, limit %d", len(data), lim.bytes)
	case len(data) == 0 || data[0] != '{':
		return corruptf("JSON does not start with {")
	case !utf8.Valid(data):
		return corruptf("JSON is not valid UTF-8")
	}
	s := scanner{Decoder: json.NewDecoder(bytes.NewReader(data)), lim: lim, visit: visit}
	s.UseNumber()
	for first := true; first || len(s.open) > 0; first = false {
		if err := s.next(); err != nil {
			return err
		}
	}
	if _, err := s.Token(); err != io.EOF {
		return corruptf("data after the JSON object")
	}
	return nil
}

type scanner struct {
	*json.Decoder
	lim   limits
	visit func(path []level, end int64)
	open  []level
	keys  int
}

// next reads one value, or the start or end of one, with its key.
func (s *scanner) next() error {
	t, err := s.token()
	if err != nil {
		return err
	}
	if n := len(s.open); n > 0 {
		if top := &s.open[n-1]; top.keys == nil {
			if top.entries++; top.entries > s.lim.list+1 { // the end counts as one
				return corruptf("array of %s has more than %d entries", s.place(), s.lim.list)
			}
		} else if key, ok := t.(string); ok {
			if t, err = s.member(top, key); err != nil {
				return err
			}
		}
	}
	switch t {
	case json.Delim('{'):
		s.open = append(s.open, level{keys: map[string]bool{}})
	case json.Delim('['):
		s.open = append(s.open, level{})
	case json.Delim('}'), json.Delim(']'):
		s.open = s.open[:len(s.open)-1]
	default:
		if s.visit != nil {
			s.visit(s.open, s.InputOffset())
		}
	}
	if len(s.open) > s.lim.depth {
		return corruptf("JSON nested deeper than %d", s.lim.depth)
	}
	return nil
}

// member checks an object's key and returns the token after it.
func (s *scanner) member(top *level, key string) (json.Token, error) {
	s.keys++
	switch {
	case len(key) > s.lim.text:
		return nil, corruptf("key %s has %d bytes, limit %d", quote(key), len(key), s.lim.text)
	case s.keys > s.lim.keys:
		return nil, corruptf("JSON has more than %d keys", s.lim.keys)
	case top.keys[key]:
		return nil, corruptf("duplicate key %s", quote(key))
	}
	top.keys[key], top.key = true, key
	return s.token()
}

func (s *scanner) token() (json.Token, error) {
	t, err := s.Token()
	if err != nil {
		return nil, corruptf("JSON at byte %d: %v", s.InputOffset(), err)
	}
	return t, nil
}

// place names the innermost key.
func (s *scanner) place() string {
	for i := len(s.open) - 1; i >= 0; i-- {
		if s.open[i].keys != nil {
			return quote(s.open[i].key)
		}
	}
	return "the document"
}
