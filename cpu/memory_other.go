// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package cpu

import (
	"fmt"
	"unsafe"
)

// mapMemory takes the memory from the Go heap.
func mapMemory(n int) (data []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	const line = 64
	s := make([]byte, n+line)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(s))) & (line - 1))
	return s[skip : skip+n : skip+n], nil
}

func unmapMemory([]byte) error { return nil }
