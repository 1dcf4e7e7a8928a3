// SPDX-License-Identifier: Apache-2.0

package attention

import (
	"math"

	"github.com/zenlm/zen/tensor"
)

// RotaryTable returns the cosines and sines of rotary position embedding (Su et
// al., 2021) for positions 0..positions-1, as a host tensor.
//
//	result  [positions, headDim] F32; row p holds cos(p·θᵢ), then sin(p·θᵢ),
//	        θᵢ = ropeTheta^(-2i/headDim), i < headDim/2
//
// The angle p·θᵢ is rounded to float32 as the reference implementation rounds
// it: at position 30,000 that moves an angle by up to 0.002, and a model was
// trained with the rounded ones.
func RotaryTable(ropeTheta float64, headDim, positions int) *tensor.Tensor {
	half := headDim / 2
	theta := make([]float32, half)
	for i := range theta {
		theta[i] = float32(1 / math.Pow(ropeTheta, float64(2*i)/float64(headDim)))
	}
	table := make([]float32, positions*headDim) // [positions, headDim]
	for p := range positions {
		cos, sin := table[p*headDim:][:half], table[p*headDim+half:][:half]
		for i, t := range theta {
			s, c := math.Sincos(float64(float32(p) * t))
			cos[i], sin[i] = float32(c), float32(s)
		}
	}
	return tensor.FromFloat32(table, positions, headDim)
}
