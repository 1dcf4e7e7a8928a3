// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

var _ backend.Follower = (*Backend)(nil)

// searches are those that Search has started and Found has not returned: of two steps at most.
type searches struct {
	tokens  *memory // [rows] the columns that the latest one finds
	host    [2][]byte
	words   [2][]int32 // of zen_largest, in host; nil where there was nothing to search
	started int        // since Begin
	found   int        // of them
}

// begin forgets all of them.
func (s *searches) begin() { s.started, s.found = 0, 0 }

// Search starts to look for the largest element of each row of x.
func (b *Backend) Search(x *tensor.Tensor) {
	b.settle()
	s, n := &b.searches, x.Dim(0)
	at := s.started % 2
	s.started++
	tokens := b.room(&s.tokens, rounded(4*n))
	if s.words[at] = nil; b.failed() || x.Len() == 0 || x.Dim(1) > maxColumns {
		return
	}
	host, keys := b.hostRoom(&s.host[at], 4*n*largestWords), b.groupMaxima(x)
	if b.failed() {
		return
	}
	s.words[at] = b.listLargest(host, x, keys, 1, largestExtras{tokens: tokens})
	b.stream.flush()
}

// Found waits for the first search that has not been asked for.
func (b *Backend) Found(dst []backend.Candidates) {
	s := &b.searches
	words := s.words[s.found%2]
	s.found++
	clear(dst)
	if words != nil {
		b.foundAll(dst, words, s.found == s.started)
	}
}
