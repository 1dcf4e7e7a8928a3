// SPDX-License-Identifier: Apache-2.0

package tensor

import "fmt"

// PanelRows is the number of outputs that a block format keeps together, so that
// one load of a vector kernel feeds all of them.
//
// A matrix [out, in] of Q8 or Q4 is cut into panels of PanelRows outputs and blocks
// of QuantBlock inputs; what is missing at the ends is zero. Its bytes are
//
//	Q8  [panels, blocks, 16, PanelRows, 4]int8   input 4j+i of the block
//	Q4  [panels, blocks, 8, PanelRows, 4]byte    low nibble: input 4j+i, high: 32+4j+i, both plus 8
//
// and its Scales are F16
//
//	Q8  [panels, blocks, PanelRows]       of the block: 8.25 bits a weight
//	Q4  [panels, blocks, 2, PanelRows]    of each half: 4.5 bits a weight
const PanelRows = 16

// PanelShape returns the bytes of a block format's matrix as an array.
//
//	shape   [out, in]
//	result  [panels, blocks, bytes of a block of all PanelRows outputs]
func PanelShape(format DType, shape []int) []int {
	bytes := PanelRows * QuantBlock
	if format == Q4 {
		bytes /= 2
	}
	return []int{ceil(shape[0], PanelRows), ceil(shape[1], QuantBlock), bytes}
}

// PanelScalesShape returns the shape of a block format's Scales, flattened within a
// block.
//
//	shape   [out, in]
//	result  [panels, blocks, PanelRows] for Q8, [panels, blocks, 2·PanelRows] for Q4
func PanelScalesShape(format DType, shape []int) []int {
	scales := PanelRows
	if format == Q4 {
		scales *= 2
	}
	return []int{ceil(shape[0], PanelRows), ceil(shape[1], QuantBlock), scales}
}

// Panels returns the matrix [out, in] of a block format over quants and scales,
// which it keeps. It panics when their sizes do not fit.
func Panels(format DType, out, in int, quants []byte, scales *Tensor) *Tensor {
	t := &Tensor{DType: format, Shape: []int{out, in}, Storage: Memory(quants), Scales: scales}
	if t.Bytes() != len(quants) || scales.DType != F16 || scales.Len() != Elements(PanelScalesShape(format, t.Shape)) {
		panic(fmt.Sprintf("tensor: Panels: %v [%d %d] of %d bytes and %v %v", format, out, in, len(quants), scales.DType, scales.Shape))
	}
	return t
}

func ceil(n, d int) int { return (n + d - 1) / d }
