// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

var _ backend.Fuser = (*Backend)(nil)

// QKVAppend sets q to the rotated queries of the normalised rows and appends their
// keys and values to the cache. It reports false where that is not one launch's
// work for few rows, and nothing that a 16-bit product of many would gain by.
func (b *Backend) QKVAppend(q, x *tensor.Tensor, o backend.QKV) bool {
	n := x.Dim(0)
	dtype := o.Q.Weight.DType
	if o.K.Weight.DType != dtype || o.V.Weight.DType != dtype {
		return false
	}
	if !b.kernels.gemvQKV.has(dtype) || q.Dim(2)%16 != 0 || !b.fitsGemv(n, o.Q.Weight) {
		return n > 0 && b.qkvOfMany(q, x, o)
	}
	if b.failed() || n == 0 {
		return true
	}
	// A block of I8 has elements of several of the kernel's threads: another appends.
	var k, v uint64
	if o.KV.K.DType == tensor.I8 {
		if k, v = b.keyValueRoom(n, o.K.Weight.Dim(0)); b.failed() {
			return true
		}
	}
	step := b.gemvRows(o.Q.Weight)
	for first := 0; first < n; first += step {
		b.gemvQKV(q, x, o, keyValueRows{k, v, first, min(n-first, step)})
	}
	if k != 0 {
		b.appendRotary(q, k, v, o.Rotary, o.KV)
	}
	return true
}

// keyValueRoom returns the addresses of n rows of keys and of values before they are
// rotated.
func (b *Backend) keyValueRoom(n, width int) (k, v uint64) {
	size := rounded(4 * n * width)
	k = b.room(&b.keyValue, 2*size)
	return k, k + uint64(size)
}

// keyValueRows are rows of a launch, from first on, with the keys and values of all,
// or 0 where they go into the cache.
type keyValueRows struct {
	k, v        uint64
	first, rows int
}

// gemvQKV is QKVAppend for some rows.
func (b *Backend) gemvQKV(q, x *tensor.Tensor, o backend.QKV, r keyValueRows) {
	first, rows := r.first, r.rows
	heads, kvHeads, headDim := q.Dim(1), o.KV.K.Dim(1), q.Dim(2)
	kScale, vScale := b.scaleOf(o.K.Weight), b.scaleOf(o.V.Weight)
	l := b.launchGemv(&b.kernels.gemvQKV, qkvRole, rows, (heads+2*kvHeads)*headDim, gemvOperands{
		x: address(x) + uint64(4*first*x.Dim(1)), weight: o.Q.Weight, bias: o.Q.Bias, norm: o.Norm, eps: o.Eps})
	l.pointer(address(o.K.Weight)).pointer(scales(o.K.Weight)).
		pointer(address(o.V.Weight)).pointer(scales(o.V.Weight)).
		pointer(optional(o.K.Bias)).pointer(optional(o.V.Bias))
	skip := uint64(4 * first * headDim)
	b.rotary(l, address(q)+skip*uint64(heads), r.k+skip*uint64(kvHeads), r.v+skip*uint64(kvHeads), o.Rotary, o.KV, heads, first)
	l.int(kvTypes[o.KV.K.DType]).float(kScale).float(vScale).int(0)
}

// kvTypes are zen_gemv_qkv's numbers for types of the cache.
var kvTypes = map[tensor.DType]int{tensor.F32: 0, tensor.F16: 1, tensor.BF16: 2, tensor.I8: 3}

// MatMulSwiGLU sets dst = silu(gate(y)) · up(y) for the normalised rows y.
func (b *Backend) MatMulSwiGLU(dst, x *tensor.Tensor, o backend.Gated) bool {
	n := x.Dim(0)
	gate, up := o.Gate, o.Up
	if up.Weight.DType != gate.Weight.DType || gate.Bias != nil || up.Bias != nil ||
		!b.kernels.gemvSwiGLU.has(gate.Weight.DType) || !b.fitsGemv(n, gate.Weight) {
		return false
	}
	if b.failed() || n == 0 {
		return true
	}
	in, inner, step := x.Dim(1), dst.Dim(1), b.gemvRows(gate.Weight)
	for first := 0; first < n; first += step {
		rows := min(n-first, step)
		b.launchGemv(&b.kernels.gemvSwiGLU, gatedRole, rows, 2*inner, gemvOperands{
			dst: address(dst) + uint64(4*first*inner), x: address(x) + uint64(4*first*in),
			weight: gate.Weight, weight2: up.Weight, norm: o.Norm, eps: o.Eps})
	}
	return true
}

// MatMulAdd sets dst += x·weightᵀ + bias.
func (b *Backend) MatMulAdd(dst, x *tensor.Tensor, o backend.Projection) bool {
	b.matMul(product{dst: address(dst), x: x, weight: o.Weight, bias: o.Bias, residual: address(dst)})
	return true
}
