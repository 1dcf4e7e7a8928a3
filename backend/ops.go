// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"fmt"

	"github.com/zenlm/zen/tensor"
)

// Embed sets dst to the table's rows of the batch's tokens; see Backend.
func (s *Step) Embed(dst, table *tensor.Tensor) {
	activation("Embed", "dst", dst, s.Rows(), -1)
	weight("Embed", "table", table, -1, dst.Dim(1))
	if !s.Failed() {
		s.backend.Embed(dst, table)
	}
}

// RMSNorm sets dst = x / sqrt(mean(x²) + eps) · w; see Backend.
func (s *Step) RMSNorm(dst, x, w *tensor.Tensor, eps float32) {
	activation("RMSNorm", "x", x, -1, -1)
	activation("RMSNorm", "dst", dst, x.Dim(0), x.Dim(1))
	vector("RMSNorm", "weight", w, x.Dim(1))
	if !s.Failed() {
		s.backend.RMSNorm(dst, x, w, eps)
	}
}

// MatMul sets dst = x·wᵀ + bias; see Backend.
func (s *Step) MatMul(dst, x, w, bias *tensor.Tensor) {
	activation("MatMul", "x", x, -1, -1)
	activation("MatMul", "dst", dst, x.Dim(0), -1)
	weight("MatMul", "weight", w, dst.Dim(1), x.Dim(1))
	if bias != nil {
		vector("MatMul", "bias", bias, dst.Dim(1))
	}
	if !s.Failed() {
		s.backend.MatMul(dst, x, w, bias)
	}
}

// RotaryAppend rotates q and k and appends k and v to the cache; see Backend.
func (s *Step) RotaryAppend(q, k, v, table *tensor.Tensor, kv KV) {
	cacheShape("RotaryAppend", kv)
	kvHeads, headDim := kv.K.Dim(1), kv.K.Dim(3)
	headsShape("RotaryAppend", "q", q, s.Rows(), kvHeads, headDim)
	activation("RotaryAppend", "k", k, s.Rows(), kvHeads, headDim)
	activation("RotaryAppend", "v", v, s.Rows(), kvHeads, headDim)
	s.rotaryTable("RotaryAppend", table, headDim)
	if !s.Failed() {
		s.backend.RotaryAppend(q, k, v, table, kv)
	}
}

// Attention sets dst = softmax(q·kᵀ·scale)·v over each row's own sequence; see
// Backend.
func (s *Step) Attention(dst, q *tensor.Tensor, kv KV, scale float32, window int) {
	cacheShape("Attention", kv)
	kvHeads, headDim := kv.K.Dim(1), kv.K.Dim(3)
	headsShape("Attention", "q", q, s.Rows(), kvHeads, headDim)
	activation("Attention", "dst", dst, s.Rows(), q.Dim(1), headDim)
	if window < 0 {
		panic("backend: Attention: negative window")
	}
	if !s.Failed() {
		s.backend.Attention(dst, q, kv, scale, window)
	}
}

// SwiGLU sets dst = silu(gate) · up; see Backend.
func (s *Step) SwiGLU(dst, gate, up *tensor.Tensor) {
	activation("SwiGLU", "dst", dst, -1, -1)
	activation("SwiGLU", "gate", gate, dst.Dim(0), dst.Dim(1))
	activation("SwiGLU", "up", up, dst.Dim(0), dst.Dim(1))
	if !s.Failed() {
		s.backend.SwiGLU(dst, gate, up)
	}
}

// Add sets dst = a + b; see Backend.
func (s *Step) Add(dst, a, b *tensor.Tensor) {
	activation("Add", "dst", dst, -1, -1)
	activation("Add", "a", a, dst.Dim(0), dst.Dim(1))
	activation("Add", "b", b, dst.Dim(0), dst.Dim(1))
	if !s.Failed() {
		s.backend.Add(dst, a, b)
	}
}

// SelectRows sets dst to the rows of x that the batch's OutputRows name; see
// Backend.
func (s *Step) SelectRows(dst, x *tensor.Tensor) {
	activation("SelectRows", "x", x, s.Rows(), -1)
	activation("SelectRows", "dst", dst, len(s.batch.OutputRows), x.Dim(1))
	if !s.Failed() {
		s.backend.SelectRows(dst, x)
	}
}

// activation panics unless t is F32 of the given shape, -1 for any size.
func activation(op, name string, t *tensor.Tensor, shape ...int) {
	if t.DType != tensor.F32 || !fits(t.Shape, shape) {
		wrong(op, name, t, shape)
	}
}

// weight panics unless t is a matrix [out, in] of a weight type, -1 for any size.
func weight(op, name string, t *tensor.Tensor, out, in int) {
	ok := isFloat(t.DType) || t.DType == tensor.Q8 || t.DType == tensor.Q4
	if t.DType == tensor.I8 && t.Quantized() && len(t.Shape) == 2 {
		sc := t.Scales
		ok = sc.DType == tensor.F16 && t.Dim(1)%tensor.QuantBlock == 0 &&
			fits(sc.Shape, []int{t.Dim(0), t.Dim(1) / tensor.QuantBlock})
	}
	if !ok || !fits(t.Shape, []int{out, in}) {
		wrong(op, name, t, []int{out, in})
	}
}

// vector panics unless t is [n] of a floating-point type.
func vector(op, name string, t *tensor.Tensor, n int) {
	if !isFloat(t.DType) || len(t.Shape) != 1 || t.Shape[0] != n {
		wrong(op, name, t, []int{n})
	}
}

// headsShape panics unless t is F32 [rows, a multiple of kvHeads, headDim].
func headsShape(op, name string, t *tensor.Tensor, rows, kvHeads, headDim int) {
	activation(op, name, t, rows, -1, headDim)
	if t.Dim(1) == 0 || t.Dim(1)%kvHeads != 0 {
		wrong(op, name, t, []int{rows, -1, headDim})
	}
}

// rotaryTable panics unless t has a row for every position of the batch.
func (s *Step) rotaryTable(op string, t *tensor.Tensor, headDim int) {
	activation(op, "table", t, -1, headDim)
	for _, q := range s.batch.Sequences {
		if q.Length > t.Dim(0) {
			wrong(op, "table", t, []int{q.Length, headDim})
		}
	}
}

func cacheShape(op string, kv KV) {
	if !cacheType(kv.K) || !cacheType(kv.V) || kv.K.DType != kv.V.DType ||
		!fits(kv.V.Shape, kv.K.Shape) || kv.K.Dim(1) == 0 || kv.K.Dim(3)%2 != 0 {
		wrong(op, "kv", kv.K, kv.V.Shape)
	}
}

// cacheType reports whether t is four-dimensional and of a type of a cache.
func cacheType(t *tensor.Tensor) bool {
	if len(t.Shape) != 4 {
		return false
	}
	if sc := t.Scales; t.DType == tensor.I8 && sc != nil {
		return sc.DType == tensor.F16 && fits(sc.Shape, []int{t.Dim(0), t.Dim(1), t.Dim(2), KVScales(t.Dim(3))})
	}
	return isFloat(t.DType)
}

func isFloat(d tensor.DType) bool { return d == tensor.F32 || d == tensor.F16 || d == tensor.BF16 }

func fits(shape, want []int) bool {
	if len(shape) != len(want) {
		return false
	}
	for i, w := range want {
		if w >= 0 && shape[i] != w {
			return false
		}
	}
	return true
}

// wrong copies want so that callers' literals stay off the heap.
func wrong(op, name string, t *tensor.Tensor, want []int) {
	shape := append([]int(nil), want...)
	panic(fmt.Sprintf("backend: %s: %s is %v %v, want %v", op, name, t.DType, t.Shape, shape))
}
