// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

var _ backend.Follower = (*Backend)(nil)

// searches are those that Search has started and Found has not returned: of two steps at most.
type searches struct {
	tokens  *memory    // [rows] the columns that the latest one finds
	top     *memory    // see SearchParams; kernels leave it at zero
	host    [2][]byte  // of AllocHost
	words   [2][]int32 // in host, of each row its column and element; nil where nothing was searched
	given   [2]int     // what the device had been given then
	started int        // since Begin
	found   int        // of them
}

const searchWords = 2

// begin forgets all of them.
func (s *searches) begin() { s.started, s.found = 0, 0 }

// Search starts to look for the largest element of each row of x: in the kernel whose result
// x is, where that is the latest and of one row.
func (b *Backend) Search(x *tensor.Tensor) {
	b.settle()
	s, n := &b.searches, x.Dim(0)
	at := s.started % 2
	s.started++
	s.words[at] = nil
	if b.failed() || x.Len() == 0 {
		return
	}
	tokens, top := b.room(&s.tokens, rounded(4*n)), b.zeroed(&s.top, 16)
	host := b.hostRoom(&s.host[at], 4*n*searchWords)
	if b.failed() {
		return
	}
	s.words[at] = unwrittenWords(host, n, searchWords)
	if l := b.productOf(x); l != nil {
		l.pointer(hostAddress(host)).pointer(top).pointer(tokens)
	} else if keys := b.groupMaxima(x); !b.failed() {
		b.launch(b.kernels.search, true, threads, n).
			pointer(hostAddress(host)).pointer(tokens).pointer(address(x)).pointer(keys).int(x.Dim(1))
	}
	b.stream.flush()
	s.given[at] = b.stream.given
}

// productOf returns the latest launch as one that searches its result, if that is x, or nil.
func (b *Backend) productOf(x *tensor.Tensor) *launch {
	l := b.stream.latest()
	if l == nil || x.Dim(0) != 1 || binary.NativeEndian.Uint64(l.params[:]) != address(x) {
		return nil
	}
	for dtype, kernel := range b.kernels.gemv[0] {
		if kernel != 0 && kernel == l.function {
			l.function = b.kernels.gemvSearch[dtype]
			return l
		}
	}
	return nil
}

// Found waits for the first search that has not been asked for.
func (b *Backend) Found(dst []backend.Candidates) {
	s := &b.searches
	words, given := s.words[s.found%2], s.given[s.found%2]
	s.found++
	clear(dst)
	if words == nil || b.stream.await(words, searchWords, given) != nil {
		return
	}
	for i := range dst {
		if w := words[searchWords*i:][:searchWords]; w[0] >= 0 {
			v := math.Float32frombits(uint32(w[1]))
			dst[i] = backend.Candidates{IDs: w[:1:1], Values: unsafe.Slice((*float32)(unsafe.Pointer(&w[1])), 1), Floor: v}
		}
	}
}
