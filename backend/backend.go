// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/zenlm/zen/tensor"
)

// ErrUnavailable is what Open's error matches when this machine cannot run the
// backend; its text says why.
var ErrUnavailable = errors.New("backend: unavailable")

// KV is the key/value cache of one layer.
//
//	K, V  [pages, kvHeads, pageSize, headDim]  F32, F16 or BF16, or I8 with Scales
//
// A KVQuantizer takes I8 too. Its Scales are F16 [pages, kvHeads, pageSize,
// ceil(headDim / KVBlock)], and element i of a position is q[i] · scales[i / KVBlock].
// What is appended is rounded to the nearest q; the scale of a block is the least
// F16 not below max|x| / 127, and NaN where one of its elements is not finite.
type KV struct {
	K, V *tensor.Tensor
}

// KVBlock is the number of elements of a position that share a scale in an I8 cache.
const KVBlock = 32

// KVScales returns the number of scales of one position of an I8 cache.
func KVScales(headDim int) int { return (headDim + KVBlock - 1) / KVBlock }

// A KVQuantizer is a Backend that may take caches of I8.
type KVQuantizer interface {
	Backend

	// QuantizesKV reports whether it does.
	QuantizesKV() bool
}

// QuantizesKV reports whether b takes caches of I8.
func QuantizesKV(b Backend) bool {
	q, ok := b.(KVQuantizer)
	return ok && q.QuantizesKV()
}

// A Backend runs a decoder's operations on one device. It is used by one
// goroutine at a time. Models call it through a Step, which has checked the
// operands; call it directly only with operands that obey the shapes below.
//
// Activations are F32. rows is the number of rows of the batch given to Begin
// unless said otherwise. Operands do not overlap unless said otherwise.
// Arithmetic accumulates in float32 or wider. NaN and infinity propagate.
//
// A row's result must not depend on the other rows of the batch, nor on how a
// sequence's rows are spread over steps, where Deterministic reports true.
type Backend interface {
	// Name returns the name the backend is registered under.
	Name() string

	// Deterministic reports whether results are bit for bit independent of
	// batch mates, chunking and the number of workers.
	Deterministic() bool

	// Alloc returns zeroed memory on the device, aligned to 64 bytes.
	Alloc(dtype tensor.DType, shape ...int) (*tensor.Tensor, error)

	// Free gives back what Alloc or Weight returned. Free(nil) does nothing.
	Free(t *tensor.Tensor)

	// Weight makes a host tensor ready to be an operand: uploaded, repacked or
	// as it is. The backend may keep host's memory until Close.
	//
	//	host  F32, F16, BF16, or I8 with Scales
	Weight(host *tensor.Tensor) (*tensor.Tensor, error)

	// Upload copies src, len(src) = dst.Bytes(), into dst.
	Upload(dst *tensor.Tensor, src []byte)

	// Download waits for pending operations and copies src into dst,
	// len(dst) = src.Bytes().
	Download(dst []byte, src *tensor.Tensor)

	// Begin starts a step over b, which stays unchanged until Sync.
	Begin(b *Batch)

	// Embed sets dst to the table's rows of the batch's tokens.
	//
	//	dst    [rows, hidden]
	//	table  [vocab, hidden]  a Weight
	Embed(dst, table *tensor.Tensor)

	// RMSNorm sets each row of dst to x / sqrt(mean(x²) + eps) · weight.
	//
	//	dst, x  [n, hidden]; dst may be x
	//	weight  [hidden]  a Weight of F32, F16 or BF16
	RMSNorm(dst, x, weight *tensor.Tensor, eps float32)

	// MatMul sets dst = x·weightᵀ + bias.
	//
	//	dst     [n, out]
	//	x       [n, in]
	//	weight  [out, in]  a Weight
	//	bias    [out]      a Weight of F32, F16 or BF16, or nil
	MatMul(dst, x, weight, bias *tensor.Tensor)

	// RotaryAppend rotates q and k by their rows' positions and writes k and v
	// into the cache at those positions. q is rotated in place; k may be
	// changed. Halves are rotated as transformers does: element i pairs with
	// i + headDim/2.
	//
	//	q      [rows, heads, headDim]
	//	k, v   [rows, kvHeads, headDim]
	//	table  [positions, headDim]  F32; row p holds cos, then sin, of p·θᵢ for i < headDim/2
	RotaryAppend(q, k, v, table *tensor.Tensor, kv KV)

	// Attention sets dst to softmax(q·kᵀ·scale)·v for every query head over its
	// own sequence's cache up to the row's position. Query head h reads
	// key/value head h / (heads / kvHeads). With window > 0 a row at position p
	// sees only positions above p - window.
	//
	//	dst, q  [rows, heads, headDim]
	Attention(dst, q *tensor.Tensor, kv KV, scale float32, window int)

	// SwiGLU sets dst = silu(gate) · up, silu(x) = x / (1 + exp(-x)).
	//
	//	dst, gate, up  [n, intermediate]; dst may be gate or up
	SwiGLU(dst, gate, up *tensor.Tensor)

	// Add sets dst = a + b.
	//
	//	dst, a, b  same shape; dst may be a or b
	Add(dst, a, b *tensor.Tensor)

	// SelectRows sets dst to the rows of x that the batch's OutputRows name.
	//
	//	dst  [outputRows, hidden]
	//	x    [rows, hidden]
	SelectRows(dst, x *tensor.Tensor)

	// CopyPage copies page src onto page dst.
	CopyPage(kv KV, dst, src int)

	// Sync waits for all operations and returns the first failure, which sticks:
	// operations after it do nothing and Sync keeps returning it.
	Sync() error

	// Close frees everything. It is called once, after the last operation.
	Close() error
}

// Options are what Open passes to a backend.
type Options struct {
	// Workers is the number of threads that share an operation, 0 for the
	// backend's choice. Backends that have none ignore it.
	Workers int

	// Deterministic asks for results that are bit for bit independent of batch mates
	// and chunking, where a backend can be faster without.
	Deterministic bool

	// Rounding allows activations to be rounded to bfloat16 before they are multiplied with
	// weights of BF16, where that is faster.
	Rounding bool
}

var registry = struct {
	sync.Mutex
	open map[string]func(Options) (Backend, error)
}{open: map[string]func(Options) (Backend, error){}}

// Register makes a backend available to Open. It is called from the init
// function of the backend's package and panics when the name is taken.
func Register(name string, open func(Options) (Backend, error)) {
	registry.Lock()
	defer registry.Unlock()
	if _, taken := registry.open[name]; taken {
		panic("backend: Register: " + name + " is taken")
	}
	registry.open[name] = open
}

// Registered returns the names of the backends linked into the program, sorted.
func Registered() []string {
	registry.Lock()
	defer registry.Unlock()
	return slices.Sorted(maps.Keys(registry.open))
}

// Open opens the backend registered under name. The error matches
// ErrUnavailable when the machine lacks the device or the program the backend.
func Open(name string, o Options) (Backend, error) {
	registry.Lock()
	open := registry.open[name]
	registry.Unlock()
	if open == nil {
		return nil, fmt.Errorf("%w: %q is not linked into this program, which has %q",
			ErrUnavailable, name, Registered())
	}
	return open(o)
}
