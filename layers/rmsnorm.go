// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// RMSNorm scales each row to a root mean square of one, then by Weight
// (Zhang and Sennrich, 2019).
type RMSNorm struct {
	Weight *tensor.Tensor // [hidden]
	Eps    float32        // added to the mean square
}

// Forward returns x / sqrt(mean(x²) + Eps) · Weight for each row of x.
//
//	x, result  [rows, hidden]
func (n *RMSNorm) Forward(s *backend.Step, x *tensor.Tensor) *tensor.Tensor {
	y := s.Tensor(x.Dim(0), x.Dim(1))
	s.RMSNorm(y, x, n.Weight, n.Eps)
	return y
}
