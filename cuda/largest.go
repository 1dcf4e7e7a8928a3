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
	largestElements = 256 // of a row that are found at least, if no fewer are enough
	largestCapacity = 512 // of a row that are found at most
	totalParts      = 32  // of a row's total
	largestWords    = 2 + 2*largestCapacity + totalParts
	largestThreads  = 1024
	maxColumns      = 1 << 20 // groups' maxima lie in shared memory
)

// Largest sets dst to the largest elements of each row.
func (b *Backend) Largest(dst []backend.Candidates, x *tensor.Tensor, enough int) {
	n, columns, warm := x.Dim(0), x.Dim(1), false
	for i := range dst {
		dst[i] = backend.Candidates{Temperature: dst[i].Temperature, Part: dst[i].Part}
		warm = warm || dst[i].Temperature > 0
	}
	if b.failed() || x.Len() == 0 || columns > maxColumns {
		return
	}
	size := rounded(4 * n * largestWords)
	host, keys := b.hostRoom(&b.candidates, size+rounded(4*n)), b.groupMaxima(x)
	if b.failed() {
		return
	}
	words := unwrittenWords(host, n, largestWords)
	var totals uint64
	if warm {
		totals = b.totals(dst, x, keys, host[size:])
	}
	if b.failed() {
		return
	}
	groups := blocks(columns, groupElements)
	l := b.launch(b.kernels.largest, true, largestThreads, n).
		pointer(hostAddress(host)).pointer(address(x)).pointer(keys).pointer(totals).
		int(columns).int(groupsFor(enough, groups))
	l.shared = uint32(4 * groups)
	b.stream.flush()
	if b.stream.await(words, largestWords, b.stream.given) != nil {
		return
	}
	for i := range dst {
		found(&dst[i], words[i*largestWords:][:largestWords])
	}
}

// groupMaxima launches the search for the maxima of groups of each row of x, and returns
// where they will be.
func (b *Backend) groupMaxima(x *tensor.Tensor) uint64 {
	n, groups := x.Dim(0), blocks(x.Dim(1), groupElements)
	keys := b.room(&b.groups, 4*n*groups)
	if !b.failed() {
		b.launch(b.kernels.groupMax, true, threads, blocks(groups, threads/32), n).
			pointer(keys).pointer(address(x)).int(x.Dim(1))
	}
	return keys
}

// unwrittenWords returns pinned memory as results of n rows, the first word of each unwritten.
func unwrittenWords(host []byte, n, stride int) []int32 {
	words := unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(host))), n*stride)
	for i := range n {
		words[i*stride] = unwritten
	}
	return words
}

// groupsFor returns of how many groups the maxima are found, so that there are enough
// elements: a power of two, for a graph to serve many steps, and a quarter of the groups
// at most.
func groupsFor(enough, groups int) int {
	k := largestElements
	if 0 < enough && enough < k {
		k = powerOfTwo(enough, 1)
	}
	return max(1, min(k, groups/4))
}

// totals launches what sums exp((x - largest)/temperature) over the rows of x, whose
// groups have the maxima keys, and returns where the sums will be. The temperatures go
// through host, pinned memory for them.
func (b *Backend) totals(dst []backend.Candidates, x *tensor.Tensor, keys uint64, host []byte) uint64 {
	n := len(dst)
	size, given := rounded(4*totalParts*n), rounded(4*n)
	totals := b.room(&b.sums, size+given)
	if b.failed() {
		return 0
	}
	temperatures := unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(host))), n)
	for i := range dst {
		temperatures[i] = dst[i].Temperature
	}
	b.readHost(totals+uint64(size), host[:given], hostWords{})
	b.launch(b.kernels.totals, true, threads, totalParts, n).
		pointer(totals).pointer(address(x)).pointer(keys).pointer(totals + uint64(size)).int(x.Dim(1))
	return totals
}

// found sets c to a row of zen_largest's results.
func found(c *backend.Candidates, words []int32) {
	count := words[0]
	if count < 1 || count > largestCapacity {
		return
	}
	c.IDs, c.Floor = words[2:][:count:count], math.Float32frombits(uint32(words[1]))
	c.Values = unsafe.Slice((*float32)(unsafe.Pointer(&words[2+largestCapacity])), count)
	if c.Temperature > 0 {
		c.Parts = unsafe.Slice((*float32)(unsafe.Pointer(&words[2+2*largestCapacity])), totalParts)
	}
}

// hostRoom returns *m, pinned memory, made anew when it has less than n bytes.
func (b *Backend) hostRoom(m *[]byte, n int) []byte {
	if len(*m) < n {
		grown, err := b.AllocHost(2 * n)
		if err != nil {
			b.stream.fail(err)
			return nil
		}
		*m = grown
	}
	return (*m)[:n]
}
