// SPDX-License-Identifier: Apache-2.0

package backend

import "github.com/zenlm/zen/tensor"

// What follows is found by type assertion; a Backend may lack any of it. A type that embeds
// one to change an operation has its Fuser and Grouper too, past that change: it embeds
// the interface Backend, which hides them, or changes theirs as well.

// MemoryMeter is a Backend with a fixed memory of its own.
type MemoryMeter interface {
	// FreeMemory returns the bytes that Alloc and Weight can still give.
	FreeMemory() (int64, error)
}

// Describer is a Backend that says what it runs on, for a log or a report of speed:
// the device, and which of several ways of computing were chosen for it.
type Describer interface {
	// Describe returns that in one line.
	Describe() string
}

// HostAllocator is a Backend that copies faster between its memory and certain
// memory of the host's.
type HostAllocator interface {
	// AllocHost returns n bytes of such memory, valid until Close.
	AllocHost(n int) ([]byte, error)
}

// Candidates are the largest elements of a row: all of at least Floor, and no others.
type Candidates struct {
	IDs    []int32   // [n] ascending
	Values []float32 // [n]
	Floor  float32

	// Parts are Σ exp((x - largest)/Temperature) over parts of the row, each with the next
	// ceil(columns/parts) elements, as far as there are: together to a part in 100,000.
	// There are some where the caller of Largest gave a Temperature above 0.
	Temperature float32
	Parts       []float32 // [parts]

	// Part, where set, returns the elements of a part, to be changed, or nil if that failed.
	Part func(i int) []float32
}

// Sifter is a Backend that finds the largest elements of rows, so that sampling need
// not wait for whole rows of logits.
type Sifter interface {
	// Largest waits for pending operations and sets dst[i] to the largest elements of
	// row i of x, some hundreds of a long row; where enough is not 0, so many will do.
	// IDs is empty where a row has NaN or +Inf or nothing finite, and may be where many of
	// the largest are equal or lie side by side. Temperature and Part are left as they are.
	// The slices may be changed and are valid until the next call.
	//
	//	dst  [n]
	//	x    [n, columns] F32
	Largest(dst []Candidates, x *tensor.Tensor, enough int)
}

// Follower is a Sifter that begins a step before the host knows its tokens, where those are
// the largest elements of the rows before: the device goes on while the host looks at them.
type Follower interface {
	Sifter

	// Search starts to look for the largest element of each row of x, which are a step's last
	// result, and does not wait.
	//
	//	x  [n, columns] F32
	Search(x *tensor.Tensor)

	// Follow is Begin of the step after one that ended with Search, whose operations may be
	// pending. A token -1-i is the column of the largest element of row i, the first of equal
	// ones, or some column where the row has NaN or +Inf or nothing finite. Until Found has
	// returned there is no third step. Operations of no step, as CopyPage, may come at any time.
	Follow(batch *Batch)

	// Found waits for the first Search whose results it has not returned, and sets dst[i] to
	// the first largest element of row i. IDs is empty where the row has NaN or +Inf or nothing
	// finite, and after a failure, which Sync returns. The slices may be changed and are valid
	// until the next but one Search. Begin forgets what has not been asked for.
	//
	//	dst  [n]
	Found(dst []Candidates)
}

// Grouper is a Backend that multiplies the same rows with several weights in less time
// than one after the other.
type Grouper interface {
	// MatMuls is Backend.MatMul for each of the products, with the same bits.
	MatMuls(x *tensor.Tensor, products []Product)
}

// Product is a result of MatMul, Dst = x·Weightᵀ + Bias, without x.
type Product struct {
	Dst *tensor.Tensor // [rows, out]
	Projection
}

// Fuser is a Backend that does several operations at once. Each method stands for
// the composition that Step documents, has the same result up to rounding, and
// reports false, having done nothing, where the composition is to be used.
type Fuser interface {
	// QKVAppend is Step.QKVAppend.
	QKVAppend(q, x *tensor.Tensor, o QKV) bool

	// MatMulSwiGLU is Step.MatMulSwiGLU.
	MatMulSwiGLU(dst, x *tensor.Tensor, o Gated) bool

	// MatMulAdd is Step.MatMulAdd.
	MatMulAdd(dst, x *tensor.Tensor, o Projection) bool

	// MLPAdd is Step.MLPAdd.
	MLPAdd(x *tensor.Tensor, o Gated, down Projection) bool
}

// QKV are the weights and the cache of QKVAppend.
type QKV struct {
	Norm    *tensor.Tensor // [hidden]
	Eps     float32
	Q, K, V Projection
	Rotary  *tensor.Tensor // [positions, headDim]
	KV      KV
}

// Projection is a weight with its bias.
type Projection struct {
	Weight *tensor.Tensor // [out, in]
	Bias   *tensor.Tensor // [out], or nil
}

// Gated are the weights of MatMulSwiGLU.
type Gated struct {
	Norm     *tensor.Tensor // [hidden]
	Eps      float32
	Gate, Up Projection // [intermediate, hidden]
}
