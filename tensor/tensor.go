// SPDX-License-Identifier: Apache-2.0

package tensor

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// QuantBlock is the number of consecutive inputs of a block: those of an I8 or Q8
// matrix share one scale, those of a Q4 matrix one in each half.
const QuantBlock = 64

// Storage is memory that tensors lie in. Its owner is the backend that
// allocated it; Memory is the host's.
type Storage interface {
	// Size returns the bytes of the memory.
	Size() int
}

// Memory is host memory. It may alias a mapped file: treat as read-only what a
// checkpoint returned.
type Memory []byte

// Size returns the bytes of the memory.
func (m Memory) Size() int { return len(m) }

// A Tensor is a dense, row-major array in some memory. The last dimension is
// contiguous. Copying the struct makes another view of the same elements.
//
// A quantised matrix has DType I8 and Scales; element [o, i] is
// q[o, i] · scales[o, i / QuantBlock].
type Tensor struct {
	DType   DType
	Shape   []int   // outermost dimension first; empty for a scalar
	Storage Storage // nil only for a description without memory
	Offset  int     // bytes from the start of Storage
	Scales  *Tensor // [out, in/QuantBlock] F16 of a quantised matrix [out, in], else nil
}

// FromFloat32 returns a tensor over data, which it keeps.
func FromFloat32(data []float32, shape ...int) *Tensor {
	if Elements(shape) != len(data) {
		panic(fmt.Sprintf("tensor: FromFloat32: %d elements, shape %v", len(data), shape))
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), 4*len(data))
	return &Tensor{DType: F32, Shape: slices.Clone(shape), Storage: Memory(b)}
}

// Elements returns the product of shape. It panics on a negative dimension or a
// product over the int range; use CheckedBytes for sizes read from files.
func Elements(shape []int) int {
	n := 1
	for _, d := range shape {
		if d < 0 || d != 0 && n > math.MaxInt/d {
			panic(fmt.Sprintf("tensor: a shape with dimension %d has no size", d))
		}
		n *= d
	}
	return n
}

// CheckedBytes returns the bytes of an array, or an error when a dimension is
// negative or the size overflows an int.
func CheckedBytes(dtype DType, shape []int) (int, error) {
	n := dtype.Size()
	if n == 0 {
		return 0, fmt.Errorf("tensor: %v has no size", dtype)
	}
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("tensor: shape %v has a negative dimension", shape)
		}
		if d != 0 && n > math.MaxInt/d {
			return 0, fmt.Errorf("tensor: shape %v of %v overflows", shape, dtype)
		}
		n *= d
	}
	return n, nil
}

// Len returns the number of elements.
func (t *Tensor) Len() int { return Elements(t.Shape) }

// Bytes returns the bytes of the elements, those of Scales not counted.
func (t *Tensor) Bytes() int {
	switch t.DType {
	case Q8, Q4:
		return Elements(PanelShape(t.DType, t.Shape))
	}
	return t.Len() * t.DType.Size()
}

// Dim returns dimension i, counted from the end if negative.
func (t *Tensor) Dim(i int) int {
	if i < 0 {
		i += len(t.Shape)
	}
	return t.Shape[i]
}

// Quantized reports whether t is a quantised matrix.
func (t *Tensor) Quantized() bool { return t.Scales != nil }

// Rows returns the view of n entries of the outermost dimension from start on.
//
//	t       [rows, ...]
//	result  [n, ...]; same memory
func (t *Tensor) Rows(start, n int) *Tensor {
	if start < 0 || n < 0 || start > t.Shape[0]-n {
		panic(fmt.Sprintf("tensor: Rows: [%d, %d) of %v", start, start+n, t.Shape))
	}
	v := *t
	v.Shape = slices.Clone(t.Shape)
	v.Shape[0] = n
	v.Offset += start * Elements(t.Shape[1:]) * t.DType.Size()
	if t.Scales != nil {
		v.Scales = t.Scales.Rows(start, n)
	}
	return &v
}

// HostBytes returns the elements' bytes. It panics when they are not in the
// host's memory.
func (t *Tensor) HostBytes() []byte {
	m, ok := t.Storage.(Memory)
	if !ok {
		panic(fmt.Sprintf("tensor: HostBytes: memory is %T", t.Storage))
	}
	return m[t.Offset : t.Offset+t.Bytes() : t.Offset+t.Bytes()]
}

// Slice returns the elements of t, in the host's memory, as a slice of E, whose
// size must be the element's. It panics when the address is not aligned for E.
func Slice[E float32 | uint16 | int8 | int32](t *Tensor) []E {
	var e E
	size := int(unsafe.Sizeof(e))
	b := t.HostBytes()
	if len(b) == 0 {
		return nil
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if size != t.DType.Size() || uintptr(p)%uintptr(size) != 0 {
		panic(fmt.Sprintf("tensor: Slice: %T of a %v tensor at offset %d", e, t.DType, t.Offset))
	}
	return unsafe.Slice((*E)(p), len(b)/size)
}
