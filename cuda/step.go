// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"cmp"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/zenlm/zen/backend"
)

// stepBuffer is what kernels know of a batch: arrays of int32 in one piece of
// memory, uploaded in one copy. Batches of the same class lie at the same
// addresses, so that graphs find them there.
//
//	tokens, positions, sequences, outputs  [class]                  of rows
//	tiles                                  [class]tile              for prefill attention
//	pages                                  [sequences, pageStride]
type stepBuffer struct {
	device *memory
	both   []byte // pinned, twice as large: of steps of which one is under way
	host   []byte // the latest one's half

	class      int // elements of an array, a power of two
	pageStride int // pages of the longest sequence, rounded up to a power of two
	rows       int
	tiles      int
	longest    int  // length of the longest sequence
	decoding   bool // every sequence has one row
	arriving   bool // the launch before the next one writes the device's memory
}

// tile is rows of one sequence that a block of prefill attention takes.
type tile struct{ first, rows, sequence, position int32 }

// The arrays of a stepBuffer, in units of class.
const (
	stepTokens    = 0
	stepPositions = 1
	stepSequences = 2
	stepOutputs   = 3
	stepTiles     = 4
	stepPages     = 8
)

const (
	minClass      = 64
	minPageStride = 32
	tileRows      = 64
	minStepBytes  = 1 << 20 // holds 64 decoding sequences of 100,000 positions
)

// at returns the device address of an array.
func (s *stepBuffer) at(array int) uint64 { return s.device.address + uint64(4*array*s.class) }

// powerOfTwo returns the least power of two that is at least n and least.
func powerOfTwo(n, least int) int { return max(least, 1<<bits.Len(uint(max(n, 1)-1))) }

// measure sets the sizes of the arrays for batch and returns their bytes.
func (s *stepBuffer) measure(batch *backend.Batch) int {
	pages := 0
	s.rows, s.longest, s.decoding = batch.Rows(), 0, true
	for i := range batch.Sequences {
		q := &batch.Sequences[i]
		pages = max(pages, len(q.Pages))
		s.longest = max(s.longest, q.Length)
		s.decoding = s.decoding && q.Rows == 1
	}
	s.class, s.pageStride = powerOfTwo(s.rows, minClass), powerOfTwo(pages, minPageStride)
	return 4 * (stepPages*s.class + len(batch.Sequences)*s.pageStride)
}

// fill writes batch into host memory, which is as large as measure said.
func (s *stepBuffer) fill(batch *backend.Batch) {
	words := unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(s.host))), len(s.host)/4)
	copy(words[stepTokens*s.class:], batch.Tokens)
	copy(words[stepPositions*s.class:], batch.Positions)
	copy(words[stepOutputs*s.class:], batch.OutputRows)
	sequences, pages := words[stepSequences*s.class:], words[stepPages*s.class:]
	row := 0
	for i := range batch.Sequences {
		for range batch.Sequences[i].Rows {
			sequences[row] = int32(i)
			row++
		}
		copy(pages[i*s.pageStride:], batch.Sequences[i].Pages)
	}
	s.fillTiles(unsafe.Slice((*tile)(unsafe.Pointer(&words[stepTiles*s.class])), s.class), batch)
}

// fillTiles cuts the sequences into tiles. Those with the most to read come first,
// so that none of them is left running alone.
func (s *stepBuffer) fillTiles(tiles []tile, batch *backend.Batch) {
	n, row := 0, 0
	for i := range batch.Sequences {
		q := &batch.Sequences[i]
		for at := 0; at < q.Rows; at += tileRows {
			tiles[n] = tile{int32(row + at), int32(min(tileRows, q.Rows-at)), int32(i), int32(q.Start() + at)}
			n++
		}
		row += q.Rows
	}
	s.tiles = n
	if !s.decoding {
		slices.SortFunc(tiles[:n], func(a, b tile) int { return cmp.Compare(b.position, a.position) })
	}
}

// maxRepeatingRows bounds the rows of steps that are run as graphs.
const maxRepeatingRows = 128

// Begin starts a step over batch.
func (b *Backend) Begin(batch *backend.Batch) {
	if b.Sync() != nil { // the buffer may be on its way
		return
	}
	if b.raw != nil { // weights are loaded
		b.memory.free(b.raw)
		b.raw = nil
	}
	b.searches.begin()
	n, ok := b.fillStep(batch, 0)
	if !ok {
		return
	}
	repeating := b.step.repeats()
	b.stream.begin(repeating, false)
	if repeating {
		b.readHost(b.step.device.address, b.step.host[:n], hostWords{})
		return
	}
	b.stream.do(func() error { return b.device.toDevice(b.step.device.address, b.step.host[:n]) })
}

// Follow starts a step over batch behind the latest search, which finds its tokens.
func (b *Backend) Follow(batch *backend.Batch) {
	b.settle()
	if b.failed() {
		return
	}
	if n, ok := b.fillStep(batch, b.searches.started%2); ok {
		b.stream.begin(b.step.repeats(), true)
		b.readHost(b.step.device.address, b.step.host[:n], hostWords{b.searches.tokens.address, b.step.rows})
	}
}

// fillStep writes batch into that half of the host's memory and returns the bytes.
func (b *Backend) fillStep(batch *backend.Batch, half int) (n int, ok bool) {
	n = b.step.measure(batch)
	if err := b.fitStep(n); err != nil {
		b.stream.fail(err)
		return 0, false
	}
	size := len(b.step.both) / 2
	b.step.host = b.step.both[half*size:][:size:size]
	b.step.fill(batch)
	return n, true
}

// repeats reports whether the step's launches are likely to come again.
func (s *stepBuffer) repeats() bool { return s.decoding && s.rows <= maxRepeatingRows }

// hostWords are the first words that readHost copies: a word -1-i is found[i].
type hostWords struct {
	found uint64 // or 0
	n     int
}

// readHost launches a copy of memory of allocHost, a multiple of 16 bytes. As a part of
// a graph it costs less than a copy of the driver's.
func (b *Backend) readHost(dst uint64, src []byte, words hostWords) {
	n := blocks(len(src), 16)
	b.launch(b.kernels.readHost, true, threads, blocks(n, threads)).
		pointer(dst).pointer(hostAddress(src)).pointer(words.found).int(n).int(words.n)
	b.step.arriving = true
}

// hostAddress returns where the device finds memory of allocHost: where the host does.
func hostAddress(m []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(m)))) }

// fitStep makes the step buffer hold n bytes.
func (b *Backend) fitStep(n int) (err error) {
	s := b.step
	if len(s.both) >= 2*n {
		return nil
	}
	size := max(minStepBytes, 2*n)
	if s.both != nil {
		if err := b.stream.sync(); err != nil { // the device may read it
			return err
		}
		if err := b.device.freeHost(s.both); err != nil {
			return err
		}
		b.memory.free(s.device)
		s.both, s.device = nil, nil
	}
	if s.device, err = b.alloc(size); err != nil {
		return err
	}
	s.both, err = b.device.allocHost(2 * size)
	return err
}
