// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// narrows reports whether products of n rows of x take them as bfloat16, so that rows
// can be made in that type once for all of the weights.
func (b *Backend) narrows(n int, weights ...*tensor.Tensor) bool {
	for _, w := range weights {
		if w.DType != tensor.BF16 && !w.Quantized() || w.Dim(1)%8 != 0 {
			return false
		}
	}
	return !b.streams(n, weights[0])
}

// normalized16 returns the address of the normalised rows of x as bfloat16, in memory
// that the next conversion uses again.
func (b *Backend) normalized16(x, norm *tensor.Tensor, eps float32) uint64 {
	dst := b.room(&b.narrow, 2*x.Len())
	if !b.failed() {
		b.norm(0, dst, x, norm, eps)
	}
	return dst
}

// qkvOfMany is QKVAppend for many rows.
func (b *Backend) qkvOfMany(q, x *tensor.Tensor, o backend.QKV) bool {
	n, width := x.Dim(0), o.K.Weight.Dim(0)
	if !b.narrows(n, o.Q.Weight, o.K.Weight, o.V.Weight) {
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
// of x, and keeps what lies between in bfloat16.
func (b *Backend) MLPAdd(x *tensor.Tensor, o backend.Gated, down backend.Projection) bool {
	n, inner := x.Dim(0), o.Gate.Weight.Dim(0)
	if n == 0 || !b.narrows(n, o.Gate.Weight, o.Up.Weight) || !b.narrows(n, down.Weight) {
		return false
	}
	x16 := b.normalized16(x, o.Norm, o.Eps)
	gate := b.room(&b.gated, 2*rounded(4*n*inner))
	up := gate + uint64(rounded(4*n*inner))
	b.gemm(product{dst: gate, x: x, x16: x16, weight: o.Gate.Weight, bias: o.Gate.Bias})
	b.gemm(product{dst: up, x: x, x16: x16, weight: o.Up.Weight, bias: o.Up.Bias})
	h16 := b.room(&b.narrow, 2*n*inner)
	if b.failed() {
		return true
	}
	b.swiGLU(0, h16, gate, up, n*inner)
	h := &tensor.Tensor{Shape: []int{n, inner}}
	b.gemm(product{dst: address(x), x: h, x16: h16, weight: down.Weight, bias: down.Bias, residual: address(x)})
	return true
}
