// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package simd

import "github.com/zenlm/zen/tensor"

func panelVector(tensor.DType, []float32, int, []byte, []uint16, []byte, int, int, []byte) bool {
	return false
}
