// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/zenlm/zen/tensor"
)

// memory is what the backend has allocated and not freed, by first byte.
type memory struct {
	mapped map[*byte][]byte
}

// alloc returns n zeroed bytes, aligned to 64.
func (m *memory) alloc(n int) (tensor.Memory, error) {
	if n == 0 {
		return tensor.Memory{}, nil
	}
	data, err := mapMemory(n)
	if err != nil {
		return nil, fmt.Errorf("cpu: no memory for %d bytes: %w", n, err)
	}
	if m.mapped == nil {
		m.mapped = map[*byte][]byte{}
	}
	m.mapped[unsafe.SliceData(data)] = data
	return tensor.Memory(data), nil
}

// free gives back t if it came from alloc.
func (m *memory) free(t tensor.Memory) {
	first := unsafe.SliceData(t)
	if data, ok := m.mapped[first]; ok {
		delete(m.mapped, first)
		// Unmapping what mapMemory returned fails only if it is not mapped.
		_ = unmapMemory(data)
	}
}

func (m *memory) close() error {
	var errs []error
	for _, data := range m.mapped {
		errs = append(errs, unmapMemory(data))
	}
	m.mapped = nil
	return errors.Join(errs...)
}

// aligned returns host, or a copy of it that is aligned for its element type.
func (b *Backend) aligned(host *tensor.Tensor) (*tensor.Tensor, error) {
	data := host.HostBytes()
	if len(data) == 0 || isAligned(unsafe.Pointer(unsafe.SliceData(data)), max(1, host.DType.Size())) {
		return host, nil
	}
	t, err := b.Alloc(host.DType, host.Shape...)
	if err != nil {
		return nil, err
	}
	copy(t.HostBytes(), data)
	t.Scales = host.Scales
	return t, nil
}

func isAligned(p unsafe.Pointer, n int) bool { return uintptr(p)%uintptr(n) == 0 }

// grow returns the first n elements of *buf, which it replaces when too small.
// The result is aligned to 64 bytes and its content undefined; *buf keeps all of it.
func grow(buf *[]float32, n int) []float32 {
	if cap(*buf) < n {
		*buf = alignedFloats(n)
	}
	return (*buf)[:n]
}

// growBytes is grow for bytes.
func growBytes(buf *[]byte, n int) []byte {
	if cap(*buf) < n {
		*buf = alignedBytes(n)
	}
	return (*buf)[:n]
}

func alignedBytes(n int) []byte {
	f := alignedFloats((n + 3) / 4)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), n)
}

// wordsOf returns the pairs of bytes of p, which is aligned.
func wordsOf(p []byte) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(p))), len(p)/2)
}

func alignedFloats(n int) []float32 {
	const line = 64 / 4 // floats
	s := make([]float32, n+line)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(s)))/4) & (line - 1)
	return s[skip : skip+n : skip+n]
}
