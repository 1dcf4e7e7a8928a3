// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"math"
	"unsafe"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

var _ backend.Sifter = (*Backend)(nil)

const (
	groupElements   = 128 // of a row, whose maximum is taken
	largestElements = 256 // of a row that are found at least, where it has four groups for each
	largestCapacity = 512 // of a row that are found at most
	largestWords    = 2 + 2*largestCapacity
	largestThreads  = 1024
	maxColumns      = 1 << 20 // groups' maxima lie in shared memory
)

// Largest sets dst to the largest elements of each row.
func (b *Backend) Largest(dst []backend.Candidates, x *tensor.Tensor) {
	clear(dst)
	n, columns := x.Dim(0), x.Dim(1)
	if b.failed() || x.Len() == 0 || columns > maxColumns {
		return
	}
	groups := blocks(columns, groupElements)
	keys := b.room(&b.groups, 4*n*groups)
	host, err := b.hostRoom(4 * n * largestWords)
	if err != nil {
		b.stream.fail(err)
	}
	if b.failed() {
		return
	}
	words := unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(host))), len(host)/4)
	for i := range n {
		words[i*largestWords] = unwritten
	}
	b.launch(b.kernels.groupMax, true, threads, blocks(groups, threads/32), n).
		pointer(keys).pointer(address(x)).int(columns)
	l := b.launch(b.kernels.largest, true, largestThreads, n).
		pointer(hostAddress(host)).pointer(address(x)).pointer(keys).int(columns).int(max(1, min(largestElements, groups/4)))
	l.shared = uint32(4 * groups)
	if b.stream.await(words, largestWords) != nil {
		return
	}
	for i := range dst {
		dst[i] = candidates(words[i*largestWords:][:largestWords])
	}
}

// candidates reads a row of zen_largest's results.
func candidates(words []int32) backend.Candidates {
	count := words[0]
	if count < 1 || count > largestCapacity {
		return backend.Candidates{}
	}
	values := unsafe.Slice((*float32)(unsafe.Pointer(&words[2+largestCapacity])), count)
	return backend.Candidates{IDs: words[2:][:count:count], Values: values,
		Floor: math.Float32frombits(uint32(words[1]))}
}

// hostRoom returns n bytes of pinned memory, which the next call uses again.
func (b *Backend) hostRoom(n int) (_ []byte, err error) {
	if len(b.candidates) < n {
		b.candidates, err = b.AllocHost(2 * n)
	}
	if err != nil {
		return nil, err
	}
	return b.candidates[:n], nil
}
