// SPDX-License-Identifier: Apache-2.0

package tensor

import "fmt"

// DType is the type of a tensor's elements. The zero value is Invalid.
type DType uint8

// The element types. A quantised matrix has Scales; it is an I8 tensor in rows, or
// in panels of the block formats Q8 and Q4.
const (
	Invalid DType = iota
	F64
	F32
	F16
	BF16
	F8E4M3
	F8E5M2
	I64
	I32
	I16
	I8
	U64
	U32
	U16
	U8
	Bool
	Q8 // panels of 8-bit blocks, see PanelRows
	Q4 // panels of 4-bit blocks, see PanelRows
	numDTypes
)

var dtypes = [numDTypes]struct {
	name string // as safetensors spells it
	size int    // bytes
}{
	Invalid: {"invalid", 0},
	F64:     {"F64", 8},
	F32:     {"F32", 4},
	F16:     {"F16", 2},
	BF16:    {"BF16", 2},
	F8E4M3:  {"F8_E4M3", 1},
	F8E5M2:  {"F8_E5M2", 1},
	I64:     {"I64", 8},
	I32:     {"I32", 4},
	I16:     {"I16", 2},
	I8:      {"I8", 1},
	U64:     {"U64", 8},
	U32:     {"U32", 4},
	U16:     {"U16", 2},
	U8:      {"U8", 1},
	Bool:    {"BOOL", 1},
	Q8:      {"Q8", 0},
	Q4:      {"Q4", 0},
}

// ParseDType returns the type that safetensors spells name, such as "BF16".
func ParseDType(name string) (DType, error) {
	for d := Invalid + 1; d < numDTypes; d++ {
		if dtypes[d].name == name {
			return d, nil
		}
	}
	return Invalid, fmt.Errorf("tensor: unknown dtype %q", name)
}

// Size returns the bytes of one element, 0 for an invalid type and for the block
// formats.
func (d DType) Size() int {
	if d >= numDTypes {
		return 0
	}
	return dtypes[d].size
}

// String returns the type's name as safetensors spells it.
func (d DType) String() string {
	if d >= numDTypes {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}
