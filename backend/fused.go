// SPDX-License-Identifier: Apache-2.0

package backend

import "github.com/zenlm/zen/tensor"

// QKVAppend normalises the rows of x by RMSNorm, multiplies them with the weights
// of queries, keys and values, and continues as RotaryAppend.
//
//	q  [rows, heads, headDim]
//	x  [rows, hidden]
func (s *Step) QKVAppend(q, x *tensor.Tensor, o QKV) {
	cacheShape("QKVAppend", o.KV)
	rows, heads, headDim := s.Rows(), q.Dim(1), o.KV.K.Dim(3)
	kvHeads := o.KV.K.Dim(1)
	headsShape("QKVAppend", "q", q, rows, kvHeads, headDim)
	activation("QKVAppend", "x", x, rows, -1)
	vector("QKVAppend", "norm", o.Norm, x.Dim(1))
	projection("QKVAppend", "q weight", o.Q, heads*headDim, x.Dim(1))
	projection("QKVAppend", "k weight", o.K, kvHeads*headDim, x.Dim(1))
	projection("QKVAppend", "v weight", o.V, kvHeads*headDim, x.Dim(1))
	s.rotaryTable("QKVAppend", o.Rotary, headDim)
	if s.Failed() || s.fuser != nil && s.fuser.QKVAppend(q, x, o) {
		return
	}
	mark := s.Mark()
	y := s.Tensor(rows, x.Dim(1))
	s.RMSNorm(y, x, o.Norm, o.Eps)
	k, v := s.Tensor(rows, kvHeads*headDim), s.Tensor(rows, kvHeads*headDim)
	s.matMuls(y, Product{s.View(q, rows, heads*headDim), o.Q}, Product{k, o.K}, Product{v, o.V})
	s.RotaryAppend(q, s.View(k, rows, kvHeads, headDim), s.View(v, rows, kvHeads, headDim), o.Rotary, o.KV)
	s.Release(mark)
}

// MatMulSwiGLU sets dst = silu(gate(y)) · up(y), y the rows of x normalised by
// RMSNorm.
//
//	dst  [n, intermediate]
//	x    [n, hidden]
func (s *Step) MatMulSwiGLU(dst, x *tensor.Tensor, o Gated) {
	activation("MatMulSwiGLU", "x", x, -1, -1)
	activation("MatMulSwiGLU", "dst", dst, x.Dim(0), -1)
	vector("MatMulSwiGLU", "norm", o.Norm, x.Dim(1))
	projection("MatMulSwiGLU", "gate weight", o.Gate, dst.Dim(1), x.Dim(1))
	projection("MatMulSwiGLU", "up weight", o.Up, dst.Dim(1), x.Dim(1))
	if s.Failed() || s.fuser != nil && s.fuser.MatMulSwiGLU(dst, x, o) {
		return
	}
	mark := s.Mark()
	y := s.Tensor(x.Dim(0), x.Dim(1))
	s.RMSNorm(y, x, o.Norm, o.Eps)
	up := s.Tensor(dst.Dim(0), dst.Dim(1))
	s.matMuls(y, Product{dst, o.Gate}, Product{up, o.Up})
	s.SwiGLU(dst, dst, up)
	s.Release(mark)
}

// MatMulAdd sets dst += x·weightᵀ + bias.
//
//	dst  [n, out]
//	x    [n, in]
func (s *Step) MatMulAdd(dst, x *tensor.Tensor, o Projection) {
	activation("MatMulAdd", "x", x, -1, -1)
	activation("MatMulAdd", "dst", dst, x.Dim(0), -1)
	projection("MatMulAdd", "weight", o, dst.Dim(1), x.Dim(1))
	if s.Failed() || s.fuser != nil && s.fuser.MatMulAdd(dst, x, o) {
		return
	}
	mark := s.Mark()
	y := s.Tensor(dst.Dim(0), dst.Dim(1))
	s.MatMul(y, x, o.Weight, o.Bias)
	s.Add(dst, dst, y)
	s.Release(mark)
}

// MLPAdd adds down·(silu(gate·y) · (up·y)) to x, y the rows of x normalised by
// RMSNorm: MatMulSwiGLU, then MatMulAdd.
//
//	x  [n, hidden]
func (s *Step) MLPAdd(x *tensor.Tensor, o Gated, down Projection) {
	hidden, inner := x.Dim(1), o.Gate.Weight.Dim(0)
	activation("MLPAdd", "x", x, -1, -1)
	vector("MLPAdd", "norm", o.Norm, hidden)
	projection("MLPAdd", "gate weight", o.Gate, inner, hidden)
	projection("MLPAdd", "up weight", o.Up, inner, hidden)
	projection("MLPAdd", "down weight", down, hidden, inner)
	if s.Failed() || s.fuser != nil && s.fuser.MLPAdd(x, o, down) {
		return
	}
	mark := s.Mark()
	h := s.Tensor(x.Dim(0), inner)
	s.MatMulSwiGLU(h, x, o)
	s.MatMulAdd(x, h, down)
	s.Release(mark)
}

// matMuls is MatMul of the same rows with several weights, which have been checked.
func (s *Step) matMuls(x *tensor.Tensor, products ...Product) {
	switch {
	case s.Failed():
	case s.grouper != nil:
		s.products = append(s.products[:0], products...)
		s.grouper.MatMuls(x, s.products)
	default:
		for _, p := range products {
			s.backend.MatMul(p.Dst, x, p.Weight, p.Bias)
		}
	}
}

// projection panics unless p is a weight [out, in] with a bias [out] or none.
func projection(op, name string, p Projection, out, in int) {
	weight(op, name, p.Weight, out, in)
	if p.Bias != nil {
		vector(op, name, p.Bias, out)
	}
}
