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
	kernel := b.kernels.gemvQKV[dtype]
	// A block of I8 has elements of several of the kernel's threads.
	if kernel == 0 || q.Dim(2)%16 != 0 || o.KV.K.DType == tensor.I8 || !b.fitsGemv(n, o.Q.Weight) {
		return n > 0 && b.qkvOfMany(q, x, o)
	}
	if b.failed() || n == 0 {
		return true
	}
	step := b.gemvRows(o.Q.Weight)
	for first := 0; first < n; first += step {
		b.gemvQKV(kernel, q, x, o, first, min(n-first, step))
	}
	return true
}

// gemvQKV is QKVAppend for rows from first on.
func (b *Backend) gemvQKV(kernel uint64, q, x *tensor.Tensor, o backend.QKV, first, rows int) {
	heads, kvHeads, headDim := q.Dim(1), o.KV.K.Dim(1), q.Dim(2)
	l := b.launchGemv(kernel, qkvRole, rows, (heads+2*kvHeads)*headDim, o.Q.Weight)
	b.gemvParams(l, gemvOperands{x: address(x) + uint64(4*first*x.Dim(1)), weight: o.Q.Weight, bias: o.Q.Bias,
		norm: o.Norm, eps: o.Eps}, rows)
	l.pointer(address(o.K.Weight)).pointer(scales(o.K.Weight)).
		pointer(address(o.V.Weight)).pointer(scales(o.V.Weight)).
		pointer(optional(o.K.Bias)).pointer(optional(o.V.Bias))
	b.rotary(l, address(q)+uint64(4*first*heads*headDim), 0, 0, o.Rotary, o.KV, heads, first)
	l.int(kvTypes[o.KV.K.DType]).int(0)
}

// kvTypes are zen_gemv_qkv's numbers for types of the cache.
var kvTypes = map[tensor.DType]int{tensor.F32: 0, tensor.F16: 1, tensor.BF16: 2}

// MatMulSwiGLU sets dst = silu(gate(y)) · up(y) for the normalised rows y.
func (b *Backend) MatMulSwiGLU(dst, x *tensor.Tensor, o backend.Gated) bool {
	n := x.Dim(0)
	gate, up := o.Gate, o.Up
	kernel := b.kernels.gemvSwiGLU[gate.Weight.DType]
	if up.Weight.DType != gate.Weight.DType || gate.Bias != nil || up.Bias != nil || kernel == 0 ||
		!b.fitsGemv(n, gate.Weight) {
		return false
	}
	if b.failed() || n == 0 {
		return true
	}
	in, inner, step := x.Dim(1), dst.Dim(1), b.gemvRows(gate.Weight)
	for first := 0; first < n; first += step {
		rows := min(n-first, step)
		l := b.launchGemv(kernel, gatedRole, rows, 2*inner, gate.Weight)
		b.gemvParams(l, gemvOperands{dst: address(dst) + uint64(4*first*inner), x: address(x) + uint64(4*first*in),
			weight: gate.Weight, weight2: up.Weight, norm: o.Norm, eps: o.Eps}, rows)
	}
	return true
}

// MatMulAdd sets dst += x·weightᵀ + bias.
func (b *Backend) MatMulAdd(dst, x *tensor.Tensor, o backend.Projection) bool {
	b.matMul(product{dst: address(dst), x: x, weight: o.Weight, bias: o.Bias, residual: address(dst)})
	return true
}
