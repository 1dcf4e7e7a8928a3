// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// Backend is one NVIDIA GPU. It implements backend.Backend and may be called from
// any goroutine, by one at a time: every call makes the device's context current
// on its thread. Several may be open, each with a context of its own. A fault of a
// kernel ends all of them: the driver ends every context of the process.
type Backend struct {
	device  *device
	memory  *allocator
	stream  *stream
	staging *staging
	step    *stepBuffer
	kernels *kernelSet
	blas    *blas // or nil, for the reason noBlas
	noBlas  string
	host    [][]byte // of AllocHost

	// invariant says that rows are multiplied by zen_gemv and attended to by decode
	// attention however many there are: a row's sums do not see the others.
	invariant bool

	// Memory of operations beside their operands, as large as any has needed.
	wide     *memory // a weight as F16
	keyValue *memory // keys and values before they are rotated
	gated    *memory // gate and up of many rows
	unscaled *memory // a product whose rows are not scaled yet
	narrow   *memory // activations as F16
	units    *memory // what their rows are to be multiplied by
	partial  *memory // parts of decode attention
	counters *memory // of parts, which kernels leave at zero

	partialTiles *memory // parts of zen_qgemm's tiles
	tileCounters *memory // of them
	groups, sums *memory // maxima and totals of Largest
	raw          *memory // a piece of a quantised matrix as the host has it

	candidates []byte   // results of Largest, of AllocHost
	searches   searches // of Search

	due    due    // what is to be done before anything else
	normed normed // what the last launch was, if a norm
}

var _ backend.Backend = (*Backend)(nil)

// open returns a backend on the device of that number.
func open(ordinal int) (*Backend, error) {
	d, err := openDevice(ordinal)
	if err != nil {
		return nil, err
	}
	b := &Backend{device: d}
	if err := b.fill(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// fill makes what a backend has besides its device.
func (b *Backend) fill() (err error) {
	b.memory, b.stream = newAllocator(b.device), newStream(b.device)
	if b.kernels, err = loadKernels(b.device); err != nil {
		return err
	}
	if b.staging, err = newStaging(b.device); err != nil {
		return err
	}
	b.step = &stepBuffer{}
	if b.blas, b.noBlas = openBlas(b.device); b.blas != nil {
		b.blas.workspace, err = b.alloc(blasWorkspace)
	}
	return err
}

// Name returns "cuda".
func (b *Backend) Name() string { return "cuda" }

// Describe names the device and what multiplies many rows of 16 bits.
func (b *Backend) Describe() string {
	i, by := b.device.info, "cuBLASLt"
	switch {
	case b.invariant:
		by = "kernels of one row, for determinism"
	case b.blas == nil:
		by = "zen's own kernel, as cuBLASLt is not used: " + b.noBlas
	}
	return fmt.Sprintf("%s, compute capability %d.%d; products of many rows by %s", i.name, i.major, i.minor, by)
}

// Deterministic returns Options.Deterministic. Without it how many rows a step has and
// how long its sequences are decides by which kernel, and in how many parts, sums are
// made.
func (b *Backend) Deterministic() bool { return b.invariant }

// QuantizesKV returns true.
func (b *Backend) QuantizesKV() bool { return true }

// Alloc returns zeroed memory of the device, aligned to 256 bytes.
func (b *Backend) Alloc(dtype tensor.DType, shape ...int) (*tensor.Tensor, error) {
	n, err := tensor.CheckedBytes(dtype, shape)
	if err != nil {
		return nil, err
	}
	m, err := b.alloc(n)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		b.stream.do(func() error { return b.device.clear(m.address, n) })
	}
	return &tensor.Tensor{DType: dtype, Shape: append([]int(nil), shape...), Storage: m}, nil
}

// alloc returns memory of undefined content. What was launched may use memory that
// has been freed, and must be on its way before the driver gets that.
func (b *Backend) alloc(n int) (*memory, error) {
	b.settle()
	b.stream.flush()
	return b.memory.alloc(n)
}

// Free gives back what Alloc or Weight returned.
func (b *Backend) Free(t *tensor.Tensor) {
	if t == nil {
		return
	}
	if m, ok := t.Storage.(*memory); ok {
		b.memory.free(m)
	}
	b.Free(t.Scales)
}

// FreeMemory returns the bytes of the device that Alloc can still give.
func (b *Backend) FreeMemory() (int64, error) {
	free, _, err := b.device.memory()
	return int64(free + b.memory.keptBytes()), err
}

// AllocHost returns host memory that Download and Upload copy without a detour. It
// is valid until Close.
func (b *Backend) AllocHost(n int) ([]byte, error) {
	m, err := b.device.allocHost(max(n, 1))
	if err != nil {
		return nil, err
	}
	b.host = append(b.host, m)
	return m[:n:n], nil
}

// pinned reports whether data lies in memory of AllocHost.
func (b *Backend) pinned(data []byte) bool {
	p := uintptr(unsafe.Pointer(unsafe.SliceData(data)))
	for _, h := range b.host {
		first := uintptr(unsafe.Pointer(unsafe.SliceData(h)))
		if p >= first && p+uintptr(len(data)) <= first+uintptr(len(h)) {
			return true
		}
	}
	return false
}

// Upload copies src into dst.
func (b *Backend) Upload(dst *tensor.Tensor, src []byte) {
	if len(src) != dst.Bytes() {
		panic(fmt.Sprintf("cuda: copy of %d bytes into %d", len(src), dst.Bytes()))
	}
	weightMemory(dst).forget()
	b.upload(address(dst), src)
}

func (b *Backend) upload(dst uint64, src []byte) {
	b.settle()
	b.stream.do(func() error { return b.staging.upload(dst, src) })
}

// Download waits for what was asked for before and copies src into dst.
func (b *Backend) Download(dst []byte, src *tensor.Tensor) {
	if len(dst) != src.Bytes() {
		panic(fmt.Sprintf("cuda: copy of %d bytes into %d", src.Bytes(), len(dst)))
	}
	from := address(src)
	b.settle()
	if !b.pinned(dst) {
		b.stream.do(func() error { return b.staging.download(dst, from) })
		return
	}
	b.stream.do(func() error { return b.device.toHost(dst, from) })
	// A failure shows at the caller's Sync.
	_ = b.stream.sync()
}

// CopyPage copies page src onto page dst.
func (b *Backend) CopyPage(kv backend.KV, dst, src int) {
	b.settle()
	for _, t := range []*tensor.Tensor{kv.K, kv.V, kv.K.Scales, kv.V.Scales} {
		if t == nil {
			continue
		}
		n := t.Bytes() / max(t.Dim(0), 1)
		base := address(t)
		b.stream.do(func() error { return b.device.copy(base+uint64(dst*n), base+uint64(src*n), n) })
	}
}

// Sync waits for all operations and returns the first failure.
func (b *Backend) Sync() error {
	b.settle()
	return b.stream.sync()
}

// Close frees everything, also when an operation has failed.
func (b *Backend) Close() (err error) {
	if b.device == nil {
		return nil
	}
	if b.stream != nil {
		_ = b.stream.sync() // a failure has been Sync's to tell
		if b.stream.err == nil {
			err = b.release()
		}
	}
	if b.blas != nil {
		b.blas.close()
	}
	// Ending the context frees what a failed device did not.
	if closed := b.device.close(); b.stream == nil || b.stream.err == nil {
		err = errors.Join(err, closed)
	}
	b.device = nil
	return err
}

// release frees everything in the context, so that a leak of the driver's would
// show.
func (b *Backend) release() (err error) {
	err = errors.Join(b.stream.forget(), b.memory.close())
	if b.staging != nil {
		err = errors.Join(err, b.staging.close())
	}
	if b.step != nil && b.step.both != nil {
		err = errors.Join(err, b.device.freeHost(b.step.both))
	}
	for _, h := range b.host {
		err = errors.Join(err, b.device.freeHost(h))
	}
	return err
}
