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
	gate := gatedOperand{unit: b.gatedUnit(n, o.Norm, o.Gate)}
	up := gatedOperand{unit: b.gatedUnit(n, o.Norm, o.Up)}
	if gate.unit == 0 || up.unit == 0 {
		gate.unit, up.unit = 0, 0
	}
	gate.address = b.room(&b.gated, 2*rounded(4*n*inner))
	up.address = gate.address + uint64(rounded(4*n*inner))
	b.gemm(product{dst: gate.address, x: x, x16: x16, weight: o.Gate.Weight, bias: o.Gate.Bias, unit: gate.unit})
	b.gemm(product{dst: up.address, x: x, x16: x16, weight: o.Up.Weight, bias: o.Up.Bias, unit: up.unit})
	h := &tensor.Tensor{Shape: []int{n, inner}}
	b.gemm(product{dst: address(x), x: h, x16: b.gatedRows(gate, up, n, inner), weight: down.Weight, bias: down.Bias,
		residual: address(x)})
	return true
}

// gatedOperand is gate or up of many rows: float32, or F16 times unit where that is not 0.
type gatedOperand struct {
	address uint64
	unit    float32
}

// gatedUnit returns the unit of a product of n normalised rows, or 0.
func (b *Backend) gatedUnit(n int, norm *tensor.Tensor, p backend.Projection) float32 {
	if p.Bias != nil || b.readsOnce(n, p.Weight) {
		return 0
	}
	return b.outputUnit(norm, p.Weight)
}

// gatedRows returns silu(gate) · up of n rows, in memory that the next conversion uses
// again.
func (b *Backend) gatedRows(gate, up gatedOperand, n, inner int) halves {
	h := halves{address: b.room(&b.narrow, 2*n*inner), rowScale: b.room(&b.units, 4*n), scale: 1}
	kernel, gateScale, upScale := b.kernels.swiGLURows[tensor.F32], float32(1), float32(1)
	if gate.unit != 0 {
		kernel, gateScale, upScale = b.kernels.swiGLURows[tensor.F16], 1/gate.unit, 1/up.unit
	}
	if !b.failed() {
		b.launch(kernel, true, 2*threads, n).pointer(h.address).pointer(h.rowScale).
			pointer(gate.address).pointer(up.address).int(inner).float(gateScale).float(upScale)
	}
	return h
}
