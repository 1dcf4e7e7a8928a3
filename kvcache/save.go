// SPDX-License-Identifier: Apache-2.0

package kvcache

import (
	"io"

	"github.com/zenlm/zen/tensor"
)

// Save writes the keys and values of the sequence's positions in one layer, and
// nothing else that lies in its pages: for keys then values, for each page,
// [kvHeads, positions of the page, headDim] in the cache's type.
func (q *Sequence) Save(w io.Writer, layer int) error {
	return q.eachPage(layer, func(page *tensor.Tensor, positions int) error {
		buf := make([]byte, page.Bytes())
		q.cache.backend.Download(buf, page)
		for head := range page.Dim(1) {
			if _, err := w.Write(q.headBytes(buf, head, positions)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Restore fills the sequence's positions in one layer, which Append has made room
// for, with what Save wrote of a sequence of the same length and shape.
func (q *Sequence) Restore(r io.Reader, layer int) error {
	return q.eachPage(layer, func(page *tensor.Tensor, positions int) error {
		buf := make([]byte, page.Bytes())
		for head := range page.Dim(1) {
			if _, err := io.ReadFull(r, q.headBytes(buf, head, positions)); err != nil {
				return err
			}
		}
		q.cache.backend.Upload(page, buf)
		return nil
	})
}

// headBytes returns the bytes of one head's first positions.
//
//	buf  [kvHeads, PageSize, headDim] in the cache's type
func (q *Sequence) headBytes(buf []byte, head, positions int) []byte {
	row := q.cache.shape.HeadDim * q.cache.shape.DType.Size()
	return buf[head*PageSize*row:][:positions*row]
}

// eachPage calls f with every page of the layer's keys, then values.
//
//	page  [1, kvHeads, PageSize, headDim], of which positions are in use
func (q *Sequence) eachPage(layer int, f func(page *tensor.Tensor, positions int) error) error {
	kv := q.cache.layers[layer]
	for _, t := range []*tensor.Tensor{kv.K, kv.V} {
		for i, page := range q.pages {
			if err := f(t.Rows(int(page), 1), min(PageSize, q.length-i*PageSize)); err != nil {
				return err
			}
		}
	}
	return q.cache.backend.Sync()
}
