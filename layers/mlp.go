// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// MLP is the gated feed-forward network down(silu(gate(x)) · up(x))
// (SwiGLU: Shazeer, 2020).
type MLP struct {
	GateProj *Linear // [intermediate, hidden]
	UpProj   *Linear // [intermediate, hidden]
	DownProj *Linear // [hidden, intermediate]
}

// Forward returns the network's output for each row of x.
//
//	x, result  [rows, hidden]
func (m *MLP) Forward(s *backend.Step, x *tensor.Tensor) *tensor.Tensor {
	gate, up := m.GateProj.Forward(s, x), m.UpProj.Forward(s, x)
	s.SwiGLU(gate, gate, up)
	return m.DownProj.Forward(s, gate)
}

// Add adds the network's output for the normalised rows of x to x.
//
//	x  [rows, hidden]
func (m *MLP) Add(s *backend.Step, x *tensor.Tensor, norm *RMSNorm) {
	s.MLPAdd(x, backend.Gated{Norm: norm.Weight, Eps: norm.Eps,
		Gate: m.GateProj.Projection(), Up: m.UpProj.Projection()}, m.DownProj.Projection())
}
