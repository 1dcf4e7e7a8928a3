// SPDX-License-Identifier: Apache-2.0

package cuda

import "fmt"

// Error is a call that the driver refused. Kernels run after the call that
// launches them: their faults come with a later Op, such as "wait", and the
// backend is of no more use then.
type Error struct {
	Op   string // what was asked for, such as "allocate"
	Code int    // CUresult
	Name string // of Code, such as "CUDA_ERROR_ILLEGAL_ADDRESS"
}

// Error returns operation, name and code.
func (e *Error) Error() string { return fmt.Sprintf("cuda: %s: %s (%d)", e.Op, e.Name, e.Code) }

// MemoryError is an allocation that the device has no room for. It wraps the
// driver's *Error.
type MemoryError struct {
	Bytes       int   // asked for
	Free, Total int   // bytes of the device, by the driver
	Err         error // the driver's answer
}

// Error returns what was asked for beside what there is.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("cuda: no memory for %d bytes, %d of the device's %d are free: %v",
		e.Bytes, e.Free, e.Total, e.Err)
}

// Unwrap returns the driver's answer.
func (e *MemoryError) Unwrap() error { return e.Err }
