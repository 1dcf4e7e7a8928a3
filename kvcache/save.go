// SPDX-License-Identifier: Apache-2.0

package kvcache

import (
	"io"

	"github.com/zenlm/zen/tensor"
)

// Save writes the keys and values of the sequence's positions in one layer, and
// nothing else that lies in its pages: for keys then values, for each page,
// [kvHeads, positions of the page, headDim] in the cache's type, and of I8 the scales
// in the same order.
func (q *Sequence) Save(w io.Writer, layer int) error {
	return q.eachPage(layer, func(page *tensor.Tensor, positions int) error {
		buf := make([]byte, page.Bytes())
		q.cache.backend.Download(buf, page)
		for head := range page.Dim(1) {
			if _, err := w.Write(headBytes(buf, page, head, positions)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Restore fills the sequence's positions in one layer, which Append has made room
// for, with what Save wrote of a sequence of the same length and shape.
func (q *Sequence) Restore(r io.Reader, layer int) error {
	q.restored = true
	return q.eachPage(layer, func(page *tensor.Tensor, positions int) error {
		buf := make([]byte, page.Bytes())
		for head := range page.Dim(1) {
			if _, err := io.ReadFull(r, headBytes(buf, page, head, positions)); err != nil {
				return err
			}
		}
		q.cache.backend.Upload(page, buf)
		return nil
	})
}

// headBytes returns the bytes of one head's first positions.
//
//	buf  [kvHeads, PageSize, ...] of page's type
func headBytes(buf []byte, page *tensor.Tensor, head, positions int) []byte {
	row := page.Dim(3) * page.DType.Size()
	return buf[head*PageSize*row:][:positions*row]
}

// eachPage calls f with every page of the layer's keys, then values, each followed by
// its scales.
//
//	page  [1, kvHeads, PageSize, ...], of which positions are in use
func (q *Sequence) eachPage(layer int, f func(page *tensor.Tensor, positions int) error) error {
	kv := q.cache.layers[layer]
	for _, t := range []*tensor.Tensor{kv.K, kv.V} {
		for i, page := range q.pages {
			for p := t.Rows(int(page), 1); p != nil; p = p.Scales {
				if err := f(p, min(PageSize, q.length-i*PageSize)); err != nil {
					return err
				}
			}
		}
	}
	return q.cache.backend.Sync()
}
