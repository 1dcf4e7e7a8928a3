// SPDX-License-Identifier: Apache-2.0

package attention

import (
	"math"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/layers"
	"github.com/zenlm/zen/tensor"
)

// Mask says which positions of its own sequence a row at position p sees. The
// zero Mask is causal: all of 0..p.
type Mask struct {
	// Window limits the view to the last Window positions, p-Window+1..p, and
	// is 0 for no limit.
	Window int
}

// Attention is grouped-query self-attention with rotary position embedding
// (Ainslie et al., 2023). Query head h reads key/value head
// h / (Heads / KeyValueHeads).
type Attention struct {
	QProj  *layers.Linear // [heads·headDim, hidden]
	KProj  *layers.Linear // [kvHeads·headDim, hidden]
	VProj  *layers.Linear // [kvHeads·headDim, hidden]
	OProj  *layers.Linear // [hidden, heads·headDim]
	Rotary *tensor.Tensor // [positions, headDim], see RotaryTable

	HeadDim int
	Mask    Mask
}

// Forward appends the rows' keys and values to the cache and returns attention's
// output for each row of x.
//
//	x, result  [rows, hidden]
//	kv         the layer's cache, [pages, kvHeads, pageSize, headDim]
func (a *Attention) Forward(s *backend.Step, x *tensor.Tensor, kv backend.KV) *tensor.Tensor {
	q := a.heads(s, a.QProj.Forward(s, x))
	k := a.heads(s, a.KProj.Forward(s, x))
	v := a.heads(s, a.VProj.Forward(s, x))
	s.RotaryAppend(q, k, v, a.Rotary, kv)

	return a.OProj.Forward(s, a.attend(s, q, kv))
}

// Add adds attention's output for the normalised rows of x to x, and appends their
// keys and values to the cache.
//
//	x   [rows, hidden]
//	kv  the layer's cache, [pages, kvHeads, pageSize, headDim]
func (a *Attention) Add(s *backend.Step, x *tensor.Tensor, norm *layers.RMSNorm, kv backend.KV) {
	q := s.Tensor(x.Dim(0), a.QProj.Weight.Dim(0)/a.HeadDim, a.HeadDim)
	s.QKVAppend(q, x, backend.QKV{Norm: norm.Weight, Eps: norm.Eps, Q: a.QProj.Projection(),
		K: a.KProj.Projection(), V: a.VProj.Projection(), Rotary: a.Rotary, KV: kv})
	s.MatMulAdd(x, a.attend(s, q, kv), a.OProj.Projection())
}

// attend returns the attention of the rows' rotated queries.
//
//	q       [rows, heads, headDim]
//	result  [rows, heads·headDim]
func (a *Attention) attend(s *backend.Step, q *tensor.Tensor, kv backend.KV) *tensor.Tensor {
	o := s.Tensor(q.Shape...)
	s.Attention(o, q, kv, float32(1/math.Sqrt(float64(a.HeadDim))), a.Mask.Window)
	return s.View(o, o.Dim(0), o.Dim(1)*o.Dim(2))
}

// heads splits each row of x into heads.
//
//	x       [rows, heads·headDim]
//	result  [rows, heads, headDim]; same memory
func (a *Attention) heads(s *backend.Step, x *tensor.Tensor) *tensor.Tensor {
	return s.View(x, x.Dim(0), x.Dim(1)/a.HeadDim, a.HeadDim)
}
