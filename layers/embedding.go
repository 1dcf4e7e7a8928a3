// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// Embedding maps token ids to rows of Weight.
type Embedding struct {
	Weight *tensor.Tensor // [vocab, hidden]
}

// Forward returns the rows of the batch's tokens.
//
//	result  [rows, hidden]
func (e *Embedding) Forward(s *backend.Step) *tensor.Tensor {
	x := s.Tensor(s.Rows(), e.Weight.Dim(1))
	s.Embed(x, e.Weight)
	return x
}
