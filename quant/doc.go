// SPDX-License-Identifier: Apache-2.0

// Package quant turns matrices into the block formats of package tensor and back,
// and says what that costs.
//
//	format  bits  scale of     relative error on normal weights
//	Q8      8.25  64 inputs    0.6 %
//	Q4      4.5   32 inputs    8.1 %
//
// A scale is chosen to make the squared error of its inputs small, not to reach
// the largest of them.
package quant
