// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"slices"
	"strings"
)

// NewDecoder returns a Decoder for a Tokenizer that can only decode whole sequences, by decoding
// the latest ids again and again. It holds text back while it ends with U+FFFD, which may become
// a character with the next id. What Next and Flush return, joined, is Decode of all ids for
// byte-level tokenizers; elsewhere a broken run of byte tokens may differ.
func NewDecoder(decode func(ids []int32) string) *Decoder {
	return &Decoder{whole: &wholeDecoder{decode: decode}}
}

// wholeDecoder keeps a window of ids whose first part has been returned. The window starts a few
// ids early because what a token reads as may depend on the one before.
type wholeDecoder struct {
	decode func(ids []int32) string
	ids    []int32
	read   int    // ids[:read] have been returned
	prefix string // their text
}

func (w *wholeDecoder) next(id int32) string {
	w.ids = append(w.ids, id)
	text := w.decode(w.ids)
	if len(text) <= len(w.prefix) || !strings.HasPrefix(text, w.prefix) || strings.HasSuffix(text, replacement) {
		return ""
	}
	fresh := text[len(w.prefix):]
	w.ids = append(w.ids[:0], w.ids[w.read:]...)
	w.read = len(w.ids)
	w.prefix = w.decode(w.ids)
	return fresh
}

func (w *wholeDecoder) flush() string {
	text := w.decode(w.ids)
	fresh := strings.TrimPrefix(text, w.prefix)
	w.reset()
	return fresh
}

func (w *wholeDecoder) reset() { w.ids, w.read, w.prefix = w.ids[:0], 0, "" }

func (w *wholeDecoder) clone() *wholeDecoder {
	c := *w
	c.ids = slices.Clone(w.ids)
	return &c
}
