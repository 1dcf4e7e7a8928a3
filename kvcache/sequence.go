// SPDX-License-Identifier: Apache-2.0

package kvcache

import (
	"fmt"
	"slices"
)

// Sequence is the cached positions of one text. Cache.NewSequence and Fork make
// one; Close gives its pages back.
type Sequence struct {
	cache  *Cache
	pages  []int32 // position p lies in pages[p/PageSize]
	length int
	known  int // pages, from the first on, that are published

	restored bool // some positions come from Restore
}

// NewSequence returns an empty sequence.
func (c *Cache) NewSequence() *Sequence { return &Sequence{cache: c} }

// Length returns the number of positions.
func (q *Sequence) Length() int { return q.length }

// Pages returns the sequence's page ids, which stay valid until the sequence
// changes. The caller must not modify them.
func (q *Sequence) Pages() []int32 { return q.pages }

// Append makes room for n more positions, whose keys and values the next step
// writes. When too few pages are free it changes nothing and the error matches
// ErrFull.
func (q *Sequence) Append(n int) error {
	copies := 0
	if q.shared() && n > 0 {
		copies = 1
	}
	needed := PagesFor(q.length+n) - len(q.pages) + copies
	if free := q.cache.FreePages(); needed > free {
		return fmt.Errorf("%w: %d positions need %d, %d of %d are free", ErrFull, n, needed, free, q.cache.Pages())
	}
	if copies > 0 {
		q.copyLast()
	}
	for len(q.pages) < PagesFor(q.length+n) {
		q.pages = append(q.pages, q.cache.take())
	}
	q.length += n
	return nil
}

// Truncate keeps the first length positions. It panics when there are fewer.
func (q *Sequence) Truncate(length int) {
	if length < 0 || length > q.length {
		panic(fmt.Sprintf("kvcache: Truncate: length %d of %d", length, q.length))
	}
	keep := PagesFor(length)
	// Backward, so that of a prefix nobody holds the end is given up first.
	for _, page := range slices.Backward(q.pages[keep:]) {
		q.cache.drop(page)
	}
	q.pages, q.length = q.pages[:keep], length
	q.known = min(q.known, length/PageSize)
	q.restored = q.restored && length > 0
}

// Fork returns a sequence of the same positions. The two share pages until one
// appends.
func (q *Sequence) Fork() *Sequence {
	for _, page := range q.pages {
		q.cache.hold(page)
	}
	f := *q
	f.pages = slices.Clone(q.pages)
	return &f
}

// Close gives the pages back and leaves the sequence empty.
func (q *Sequence) Close() { q.Truncate(0) }

// shared reports whether the next position lies in a page that another sequence
// holds too or that is published.
func (q *Sequence) shared() bool {
	if q.length%PageSize == 0 {
		return false
	}
	last := q.pages[len(q.pages)-1]
	return q.cache.refs[last] > 1 || q.cache.published(last)
}

// copyLast replaces the last page by a copy of it in every layer.
func (q *Sequence) copyLast() {
	last := len(q.pages) - 1
	old, page := q.pages[last], q.cache.take()
	for _, kv := range q.cache.layers {
		q.cache.backend.CopyPage(kv, int(page), int(old))
	}
	q.cache.drop(old)
	q.pages[last] = page
}

// PagesFor returns the pages that hold length positions.
func PagesFor(length int) int { return (length + PageSize - 1) / PageSize }
