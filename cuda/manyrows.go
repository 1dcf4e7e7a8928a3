// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// narrows reports whether products of n rows take them as F16, so that rows can be made in
// that type once for all of the weights.
func (b *Backend) narrows(n int, weights ...*tensor.Tensor) bool {
	for _, w := range weights {
		if w.DType != tensor.F16 && !w.Quantized() || w.Dim(1)%8 != 0 {
			return false
		}
	}
	return !b.streams(n, weights[0])
}

// normalized16 returns the normalised rows of x as F16, in memory that the next conversion
// uses again. The norm's unit is not 0.
func (b *Backend) normalized16(x, norm *tensor.Tensor, eps float32) halves {
	unit := normUnit(norm)
	h := halves{address: b.room(&b.narrow, 2*x.Len()), scale: 1 / unit}
	if !b.failed() {
		b.norm(0, h.address, unit, x, norm, eps)
	}
	return h
}

// qkvOfMany is QKVAppend for many rows.
func (b *Backend) qkvOfMany(q, x *tensor.Tensor, o backend.QKV) bool {
	n, width := x.Dim(0), o.K.Weight.Dim(0)
	if !b.narrows(n, o.Q.Weight, o.K.Weight, o.V.Weight) || normUnit(o.Norm) == 0 {
		return false
	}
	x16 := b.normalized16(x, o.Norm, o.Eps)
	k, v := b.keyValueRoom(n, width)
	b.gemm(product{dst: address(q), x: x, x16: x16, weight: o.Q.Weight, bias: o.Q.Bias})
	b.gemm(product{dst: k, x: x, x16: x16, weight: o.K.Weight, bias: o.K.Bias})
	b.gemm(product{dst: v, x: x, x16: x16, weight: o.V.Weight, bias: o.V.Bias})
	if !b.failed() {
		b.appendRotary(q, k, v, o.Rotary, o.KV)
	}
	return true
}

// MLPAdd adds down·(silu(gate·y) · (up·y)) to x for many rows y, the normalised ones
// of x, and keeps what lies between in F16.
func (b *Backend) MLPAdd(x *tensor.Tensor, o backend.Gated, down backend.Projection) bool {
	n, inner := x.Dim(0), o.Gate.Weight.Dim(0)
	if n == 0 || normUnit(o.Norm) == 0 || !b.narrows(n, o.Gate.Weight, o.Up.Weight) || !b.narrows(n, down.Weight) {
		return false
	}
	x16 := b.normalized16(x, o.Norm, o.Eps)
	gate := b.room(&b.gated, 2*rounded(4*n*inner))
	up := gate + uint64(rounded(4*n*inner))
	b.gemm(product{dst: gate, x: x, x16: x16, weight: o.Gate.Weight, bias: o.Gate.Bias})
	b.gemm(product{dst: up, x: x, x16: x16, weight: o.Up.Weight, bias: o.Up.Bias})
	h := &tensor.Tensor{Shape: []int{n, inner}}
	b.gemm(product{dst: address(x), x: h, x16: b.gated16(gate, up, n, inner), weight: down.Weight, bias: down.Bias,
		residual: address(x)})
	return true
}

// swiGLUShared is the most shared memory of zen_swiglu_f16, in bytes: rows of 20,480.
const swiGLUShared = 80 << 10

// gated16 returns silu(gate) · up of n rows as F16, in memory that the next conversion uses
// again.
func (b *Backend) gated16(gate, up uint64, n, inner int) halves {
	h := halves{address: b.room(&b.narrow, 2*n*inner), rowScale: b.room(&b.units, 4*n), scale: 1}
	if !b.failed() {
		l := b.launch(b.kernels.swiGLU16, true, 2*threads, n)
		l.shared = uint32(min(4*inner, swiGLUShared))
		l.pointer(h.address).pointer(h.rowScale).pointer(gate).pointer(up).int(inner)
	}
	return h
}
