// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"errors"
	"fmt"
	"maps"

	"github.com/zenlm/zen/tensor"
)

// memory is a piece of the device's memory: the Storage of its tensors.
type memory struct {
	address uint64 // aligned to 256 bytes; 0 for a size of 0
	size    int    // bytes that were asked for

	// Of a weight; see unit.go.
	beside      uint64  // memory of its own for the largest magnitude, or 0
	largest     float32 // magnitude of a vector's elements, or 0
	magnitudeAt uint64  // where the device has it of a matrix's, or 0
	magnitude   uint16  // what lies there, as bits of the elements' type
	seen        bool    // magnitude has been read
	halved      bool    // the elements, once BF16, are F16 times a power of two
}

// forget forgets what is known of elements that are about to be others.
func (m *memory) forget() { *m = memory{address: m.address, size: m.size, beside: m.beside} }

// Size returns the bytes of the memory.
func (m *memory) Size() int { return m.size }

// grain is what sizes are rounded up to, so that memory that was freed fits again.
const grain = 512

func rounded(n int) int { return (n + grain - 1) &^ (grain - 1) }

// allocator knows what is in use, and keeps what was freed for the next allocation
// of the same size: giving memory back to the driver waits for the device.
type allocator struct {
	device *device
	live   map[uint64]int   // bytes by address
	kept   map[int][]uint64 // addresses by bytes
}

func newAllocator(d *device) *allocator {
	return &allocator{device: d, live: map[uint64]int{}, kept: map[int][]uint64{}}
}

// alloc returns memory of undefined content. What has been given to the stream
// may still use it: what comes next in the stream may not be before that.
func (a *allocator) alloc(n int) (*memory, error) {
	if n == 0 {
		return &memory{}, nil
	}
	size := rounded(n)
	if size < n {
		return nil, fmt.Errorf("cuda: no memory for %d bytes", n)
	}
	p, err := a.take(size)
	if err != nil {
		return nil, a.full(n, err)
	}
	a.live[p] = size
	return &memory{address: p, size: n}, nil
}

// mostKept is the most bytes that are kept when the driver is asked for more: what
// grows step by step must not leave its smaller selves behind.
const mostKept = 16 << 20

// take finds kept memory, or asks the driver, the second time with all that is kept
// given back.
func (a *allocator) take(size int) (uint64, error) {
	if kept := a.kept[size]; len(kept) > 0 {
		a.kept[size] = kept[:len(kept)-1]
		return kept[len(kept)-1], nil
	}
	if a.keptBytes() > mostKept {
		if err := a.trim(); err != nil {
			return 0, err
		}
	}
	p, err := a.device.alloc(size)
	if err == nil || len(a.kept) == 0 {
		return p, err
	}
	if err := a.trim(); err != nil {
		return 0, err
	}
	return a.device.alloc(size)
}

// full returns the error of an allocation that failed.
func (a *allocator) full(n int, err error) error {
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != outOfMemory {
		return err
	}
	free, total, infoErr := a.device.memory()
	if infoErr != nil {
		return errors.Join(err, infoErr)
	}
	return &MemoryError{Bytes: n, Free: free, Total: total, Err: err}
}

// outOfMemory is CUDA_ERROR_OUT_OF_MEMORY.
const outOfMemory = 2

// free keeps m's memory for the next one.
func (a *allocator) free(m *memory) {
	for _, p := range []uint64{m.address, m.beside} {
		if size, ok := a.live[p]; ok {
			delete(a.live, p)
			a.kept[size] = append(a.kept[size], p)
		}
	}
}

// trim gives what is kept back to the driver.
func (a *allocator) trim() (err error) {
	for _, kept := range a.kept {
		for _, p := range kept {
			err = errors.Join(err, a.device.free(p))
		}
	}
	clear(a.kept)
	return err
}

// keptBytes returns the bytes that are kept.
func (a *allocator) keptBytes() (n int) {
	for size, kept := range a.kept {
		n += size * len(kept)
	}
	return n
}

// close gives everything back.
func (a *allocator) close() error {
	for p, size := range maps.All(a.live) {
		a.kept[size] = append(a.kept[size], p)
	}
	clear(a.live)
	return a.trim()
}

// address returns where t's elements begin on the device.
func address(t *tensor.Tensor) uint64 {
	m, ok := t.Storage.(*memory)
	if !ok {
		panic(fmt.Sprintf("cuda: a tensor in %T, want the device's memory", t.Storage))
	}
	return m.address + uint64(t.Offset)
}
