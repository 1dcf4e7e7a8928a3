// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"fmt"
	"runtime"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

func init() {
	backend.Register("cpu", func(o backend.Options) (backend.Backend, error) {
		return New(Options{Workers: o.Workers, Rounding: o.Rounding})
	})
}

// Options say how a Backend computes. The zero value is the usual choice.
type Options struct {
	// Workers is the number of goroutines that share an operation, the caller's
	// among them. 0 means GOMAXPROCS, which knows a container's CPU limit.
	Workers int

	// BLAS multiplies float32 matrices; nil means gonum's own. Sgemm is the only
	// method used. It is called by several goroutines at once, with operands of at
	// most 128 x k and 64 x k.
	BLAS blas.Float32

	// Rounding allows activations to be rounded to bfloat16 where they are multiplied with
	// weights of BF16; see backend.Options.
	Rounding bool
}

// Backend is the CPU. It implements backend.Backend; tensors are
// tensor.Memory. Several may be open in one process.
type Backend struct {
	blas     blas.Float32
	rounding bool
	memory   memory
	pool     pool

	batch     *backend.Batch
	sequences []int32 // [rows] each row's index in batch.Sequences

	// The operands of the operation in progress.
	embed     embedArgs
	norm      normArgs
	matMul    matMulArgs
	roundedX  []byte // memory of matMulArgs.rounded
	bf16      bf16Args
	splitX    []byte // memory of bf16Args.split
	panels    panelArgs
	blocksX   []byte // memory of panelArgs.blocksX
	rotary    rotaryArgs
	attention attentionArgs
	pointwise pointwiseArgs
}

var (
	_ backend.Backend = (*Backend)(nil)
	_ backend.Grouper = (*Backend)(nil)
)

// New returns a CPU backend. The caller closes it.
func New(o Options) (*Backend, error) {
	if o.Workers < 0 {
		return nil, fmt.Errorf("cpu: %d workers", o.Workers)
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.BLAS == nil {
		o.BLAS = gonum.Implementation{}
	}
	b := &Backend{blas: o.BLAS, rounding: o.Rounding}
	b.pool.start(b, o.Workers)
	return b, nil
}

// Name returns "cpu".
func (b *Backend) Name() string { return "cpu" }

// Describe says how many workers there are and what instructions they use.
func (b *Backend) Describe() string {
	return fmt.Sprintf("%d workers; %s", b.Workers(), simd.Chosen(b.rounding))
}

// Deterministic reports whether Sgemm is gonum's own: another's inner product
// may depend on the number of rows.
func (b *Backend) Deterministic() bool { return b.ownBLAS() }

// ownBLAS reports whether the caller has not asked for another's Sgemm.
func (b *Backend) ownBLAS() bool {
	_, own := b.blas.(gonum.Implementation)
	return own
}

// Workers returns the number of goroutines that share an operation.
func (b *Backend) Workers() int { return len(b.pool.workers) }

// Alloc returns zeroed memory outside the Go heap, aligned to 64 bytes. Pages
// that are never touched cost nothing where the system commits them lazily.
func (b *Backend) Alloc(dtype tensor.DType, shape ...int) (*tensor.Tensor, error) {
	n, err := tensor.CheckedBytes(dtype, shape)
	if err != nil {
		return nil, err
	}
	m, err := b.memory.alloc(n)
	if err != nil {
		return nil, err
	}
	return &tensor.Tensor{DType: dtype, Shape: append([]int(nil), shape...), Storage: m}, nil
}

// Free gives back what Alloc or Weight returned.
func (b *Backend) Free(t *tensor.Tensor) {
	if t == nil {
		return
	}
	if m, ok := t.Storage.(tensor.Memory); ok {
		b.memory.free(m)
	}
	b.Free(t.Scales)
}

// Weight returns host itself, or a copy when its address is not aligned for the
// element type.
func (b *Backend) Weight(host *tensor.Tensor) (*tensor.Tensor, error) {
	t, err := b.aligned(host)
	if err != nil || host.Scales == nil {
		return t, err
	}
	w := *t
	if w.Scales, err = b.aligned(host.Scales); err != nil {
		b.Free(t)
		return nil, err
	}
	return &w, nil
}

// Upload copies src into dst.
func (b *Backend) Upload(dst *tensor.Tensor, src []byte) { copyExactly(dst.HostBytes(), src) }

// Download copies src into dst.
func (b *Backend) Download(dst []byte, src *tensor.Tensor) { copyExactly(dst, src.HostBytes()) }

func copyExactly(dst, src []byte) {
	if len(dst) != len(src) {
		panic(fmt.Sprintf("cpu: copy of %d bytes into %d", len(src), len(dst)))
	}
	copy(dst, src)
}

// Begin starts a step over batch.
func (b *Backend) Begin(batch *backend.Batch) {
	b.pool.refresh()
	b.batch, b.sequences = batch, b.sequences[:0]
	for i, s := range batch.Sequences {
		for range s.Rows {
			b.sequences = append(b.sequences, int32(i))
		}
	}
}

// Sync returns nil: operations are done when they return and cannot fail.
func (b *Backend) Sync() error { return nil }

// Close stops the workers and frees all memory. A second call does nothing.
func (b *Backend) Close() error {
	b.pool.stop()
	return b.memory.close()
}
