// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"encoding/binary"
	"math"

	"github.com/zenlm/zen/tensor"
)

// The tensor cores multiply F16, whose 11 bits are more than BF16's 8 and whose range is
// less. What goes there is brought into that range by a power of two, which changes no
// digit, and the products are multiplied by its inverse: a matrix by one for all of it,
// rows that a norm has bounded by one for all of them, other rows by one each.

// magnitudeBytes is the room beside the elements of a weight of 16 bits for its largest
// magnitude, which zen_largest_16 leaves there. Behind them it would make a piece of 2 MiB,
// which is what the driver gives, two of a matrix that fills one.
const magnitudeBytes = 16

// weightMemory returns memory for a weight of 16 bits, with room for its magnitude.
func (b *Backend) weightMemory(n int) (*memory, error) {
	m, err := b.alloc(n)
	if err != nil {
		return nil, err
	}
	beside, err := b.alloc(magnitudeBytes)
	if err != nil {
		b.memory.free(m)
		return nil, err
	}
	m.beside = beside.address
	b.stream.do(func() error { return b.device.clear(m.beside, magnitudeBytes) })
	return m, nil
}

// magnitude returns the bits of the largest finite magnitude of a weight's elements, or 0
// where nobody has looked. Reading it waits for the device the first time, which gets what
// was launched before: no launch may be without its parameters then.
func (b *Backend) magnitude(m *memory) uint16 {
	if m.magnitudeAt != 0 && !m.seen && !b.failed() {
		var word [4]byte
		b.stream.do(func() error { return b.staging.download(word[:], m.magnitudeAt) })
		m.magnitude, m.seen = uint16(binary.LittleEndian.Uint32(word[:])), !b.failed()
	}
	return m.magnitude
}

// findMagnitude launches the search among n elements of weightMemory, a multiple of 8, which
// counts those below infinity.
func (b *Backend) findMagnitude(m *memory, n int, infinity uint16) {
	m.magnitudeAt = m.beside
	b.launch(b.kernels.largest16, false, threads, b.sweep(n)).
		pointer(m.magnitudeAt).pointer(m.address).pointer(uint64(n)).int(int(infinity))
}

// sweep returns the blocks of a kernel that takes eight elements a thread at a time.
func (b *Backend) sweep(n int) int {
	return min(blocks(n, 8*threads), 16*b.device.info.multiprocessors)
}

// The bits of infinity.
const (
	infinityF16  = 0x7c00
	infinityBF16 = 0x7f80
)

// halfMatrix returns a copy on the device of a matrix of F16, or of BF16 as F16: see
// zen_halve.
func (b *Backend) halfMatrix(host *tensor.Tensor) (*tensor.Tensor, error) {
	n := host.Len()
	m, err := b.weightMemory(2 * n)
	if err != nil {
		return nil, err
	}
	b.upload(m.address, host.HostBytes())
	if m.halved = host.DType == tensor.BF16; !m.halved {
		b.findMagnitude(m, n, infinityF16)
	} else {
		b.findMagnitude(m, n, infinityBF16)
		b.launch(b.kernels.halve, false, threads, b.sweep(n)).
			pointer(m.address).pointer(m.magnitudeAt).pointer(uint64(n))
	}
	return &tensor.Tensor{DType: tensor.F16, Shape: append([]int(nil), host.Shape...), Storage: m}, nil
}

// scaleOf returns the power of two that products with a matrix are to be multiplied by: the
// inverse of zen_halve's.
func (b *Backend) scaleOf(weight *tensor.Tensor) float32 {
	if m := weightMemory(weight); m.halved {
		return power(max(int(b.magnitude(m)>>7), 15) - 141)
	}
	return 1
}

// weightMemory returns where a weight lies, or no memory for other storage.
func weightMemory(t *tensor.Tensor) *memory {
	if t != nil {
		if m, ok := t.Storage.(*memory); ok {
			return m
		}
	}
	return &memory{}
}

// largestElement returns the largest finite magnitude of a matrix of F16, or no less than
// that of a quantised one, or infinity where nobody has looked.
func (b *Backend) largestElement(weight *tensor.Tensor) float64 {
	m, bits := weightMemory(weight), tensor.F16ToF32
	quants := map[tensor.DType]float64{tensor.Q8: 128, tensor.Q4: 8}[weight.DType]
	switch {
	case quants != 0:
		m = weightMemory(weight.Scales)
	case m.halved:
		quants, bits = 1, tensor.BF16ToF32
	default:
		quants = 1
	}
	if m.magnitudeAt == 0 {
		return math.Inf(1)
	}
	return quants * float64(bits(b.magnitude(m)))
}

// unitOf returns the power of two that brings a quantised matrix into F16's range: 128
// times its largest scale is at most 2^15.
func (b *Backend) unitOf(weight *tensor.Tensor) float32 {
	m := weightMemory(weight.Scales)
	if m.magnitudeAt == 0 {
		return 1
	}
	_, exponent := math.Frexp(float64(tensor.F16ToF32(b.magnitude(m))))
	return power(8 - exponent)
}

// largestOf returns the largest finite magnitude of floats, and no less than the least
// normal number.
func largestOf(data []byte) float32 {
	largest := float32(0x1p-126)
	for ; len(data) >= 4; data = data[4:] {
		v := math.Float32frombits(binary.LittleEndian.Uint32(data) &^ (1 << 31))
		if v <= math.MaxFloat32 {
			largest = max(largest, v)
		}
	}
	return largest
}

// normUnit returns the power of two that brings normalised rows into F16's range, or 0
// where the norm's weight is not known to have a bound. An element of a row is at most the
// root of the row's length times its root mean square.
func normUnit(norm *tensor.Tensor) float32 {
	m := weightMemory(norm)
	if m.largest == 0 {
		return 0
	}
	_, exponent := math.Frexp(math.Sqrt(float64(norm.Dim(0))) * float64(m.largest))
	return power(min(15-exponent, 100))
}

// mostBound is the exponent of the largest bound of products that are kept as F16: the
// least normal number is then 2^-5 of one.
const mostBound = 24

// outputUnit returns the power of two that brings products of normalised rows with a matrix
// into F16's range, or 0 where they are to be float32. A product is at most the product of
// the norms of its row and of the matrix's, by Cauchy and Schwarz: each at most the root of
// their length times their largest element.
func (b *Backend) outputUnit(norm, weight *tensor.Tensor) float32 {
	bound := float64(norm.Dim(0)) * float64(weightMemory(norm).largest) * b.largestElement(weight)
	if _, exponent := math.Frexp(bound); bound <= math.MaxFloat32 && exponent <= mostBound {
		return power(min(15-exponent, 100))
	}
	return 0
}

func power(exponent int) float32 { return float32(math.Ldexp(1, exponent)) }
