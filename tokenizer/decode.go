// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"bytes"
	"strings"
)

// decoding is the decoder of a tokenizer.json in one of three forms:
//
//	ByteLevel            the tokens' bytes joined, then made UTF-8
//	Sequence             Replace a text in each token, then <0xNN> to bytes (ByteFallback), then
//	                     all joined (Fuse), then up to strip characters cut from the start (Strip)
//	Metaspace            the mark becomes a space, and nothing in the first token
//
// Its methods only read.
type decoding struct {
	texts     *vocab // what each token stands for, without its place in the text
	special   []bool
	fallback  []int16 // by id: the byte of a token <0xNN>, -1 for other tokens; nil without fallback
	lossy     bool    // the joined bytes need not be UTF-8
	strip     int     // characters to cut from the start
	stripByte byte
	firstGone bool   // a Metaspace mark in the first token is dropped
	unmarked  []bool // by id: the token has such a mark
	first     *vocab // the texts of those tokens in the first place
}

func (d *decoding) bytes(id int32) []byte { return d.texts.text(id) }

// Decode returns the text of ids; see [Tokenizer].
func (b *BPE) Decode(ids []int32) string {
	d := b.NewDecoder()
	var out []byte
	for _, id := range ids {
		out = append(out, d.next(id)...)
	}
	return string(append(out, d.flush()...))
}

// NewDecoder starts a streaming decode; see [Decoder].
func (b *BPE) NewDecoder() *Decoder { return &Decoder{rules: &b.decoding} }

// Decoder turns a stream of ids into text. What Next and then Flush return, joined, is exactly
// what Decode returns for all the ids. Text is held back while more ids may change it: the start
// of an unfinished character, and, in families with byte fallback (Llama-2, Mistral, Gemma), a
// run of byte tokens until the next other token, since one broken byte there breaks the whole
// run. Texts of several calls share blocks of at most 4 KiB, so that most calls allocate nothing. A
// Decoder is not safe for concurrent use.
type Decoder struct {
	rules *decoding
	held  []byte          // bytes not yet returned
	out   []byte          // of the last call
	count int             // tokens seen
	cut   int             // characters cut from the start
	text  bool            // something was returned or kept, so that the start is over
	block strings.Builder // texts returned lie in it or in one before

	whole *wholeDecoder // in place of rules
}

// Next takes one id and returns the text that is now certain: whole UTF-8, often "".
func (d *Decoder) Next(id int32) string {
	if d.whole != nil {
		return d.whole.next(id)
	}
	return d.share(d.next(id))
}

// Flush ends the text and returns what was held back. The Decoder is then as new.
func (d *Decoder) Flush() string {
	if d.whole != nil {
		return d.whole.flush()
	}
	return string(d.flush())
}

// Reset makes the Decoder as new and forgets what it held back.
func (d *Decoder) Reset() {
	if d.whole != nil {
		d.whole.reset()
	}
	d.held, d.out = d.held[:0], d.out[:0]
	d.count, d.cut, d.text = 0, 0, false
}

// Clone returns a copy that continues on its own from the same place.
func (d *Decoder) Clone() *Decoder {
	c := *d
	c.held, c.out, c.block = bytes.Clone(d.held), nil, strings.Builder{}
	if d.whole != nil {
		c.whole = d.whole.clone()
	}
	return &c
}

// Blocks begin small, for short texts.
const (
	smallestBlock = 64
	largestBlock  = 4096
)

// share returns text as a string in a block.
func (d *Decoder) share(text []byte) string {
	b := &d.block
	if b.Len()+len(text) > b.Cap() {
		size := min(max(2*b.Cap(), smallestBlock), largestBlock)
		b.Reset()
		b.Grow(max(size, len(text)))
	}
	from := b.Len()
	b.Write(text)
	return b.String()[from:]
}

// next is Next; the result is valid until the next call.
func (d *Decoder) next(id int32) []byte {
	r := d.rules
	d.out = d.out[:0]
	text := r.texts.text(id)
	if text == nil || r.special[id] {
		return nil
	}
	if r.firstGone && d.count == 0 && r.unmarked[id] {
		text = r.first.text(id)
	}
	d.count++
	switch {
	case r.lossy:
		d.held = append(d.held, text...)
		d.keepTail(false)
	case r.fallback != nil && r.fallback[id] >= 0:
		d.held = append(d.held, byte(r.fallback[id]))
	default:
		d.endRun()
		d.out = append(d.out, text...)
	}
	d.stripStart()
	return d.out
}

// keepTail moves the whole characters of held to out.
func (d *Decoder) keepTail(final bool) {
	var n int
	d.out, n = appendLossy(d.out, d.held, final)
	d.held = d.held[:copy(d.held, d.held[n:])]
}

// endRun moves a run of byte tokens to out: as text when all of it is UTF-8, or else as one
// U+FFFD for each byte.
func (d *Decoder) endRun() {
	if len(d.held) == 0 {
		return
	}
	if validUTF8(d.held) {
		d.out = append(d.out, d.held...)
	} else {
		for range d.held {
			d.out = append(d.out, replacement...)
		}
	}
	d.held = d.held[:0]
}

func (d *Decoder) stripStart() {
	for !d.text && len(d.out) > 0 {
		if d.cut == d.rules.strip || d.out[0] != d.rules.stripByte {
			d.text = true
			return
		}
		d.out = d.out[1:]
		d.cut++
	}
}

func (d *Decoder) flush() []byte {
	d.out = d.out[:0]
	if d.rules.lossy {
		d.keepTail(true)
	} else {
		d.endRun()
	}
	d.stripStart()
	out := d.out
	d.Reset()
	return out
}
