// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// Linear is the affine map x·Weightᵀ + Bias.
type Linear struct {
	Weight *tensor.Tensor // [out, in]
	Bias   *tensor.Tensor // [out], or nil
}

// Projection returns the map's weights.
func (l *Linear) Projection() backend.Projection {
	return backend.Projection{Weight: l.Weight, Bias: l.Bias}
}

// Forward returns the map of each row of x.
//
//	x       [rows, in]
//	result  [rows, out]
func (l *Linear) Forward(s *backend.Step, x *tensor.Tensor) *tensor.Tensor {
	y := s.Tensor(x.Dim(0), l.Weight.Dim(0))
	s.MatMul(y, x, l.Weight, l.Bias)
	return y
}
