// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"math"
	"unsafe"
)

// launch is one kernel launch as the driver shim takes it. The parameters lie in
// params as in a C struct of them.
type launch struct {
	function uint64
	grid     [3]uint32
	block    [3]uint32
	shared   uint32 // bytes of dynamic shared memory
	early    uint32 // 1: may start while the launch before it ends
	bytes    uint32 // of params
	blas     uint32 // 1: function is a plan of cuBLASLt, params are zen_operands
	params   [264]byte
}

// pointer appends a pointer parameter.
func (l *launch) pointer(p uint64) *launch {
	l.bytes = (l.bytes + 7) &^ 7
	*(*uint64)(unsafe.Pointer(&l.params[l.bytes])) = p
	l.bytes += 8
	return l
}

// int appends an int parameter. Sizes of tensors that kernels take as int are
// checked where weights and caches are made.
func (l *launch) int(v int) *launch {
	*(*int32)(unsafe.Pointer(&l.params[l.bytes])) = int32(v)
	l.bytes += 4
	return l
}

// float appends a float parameter.
func (l *launch) float(v float32) *launch { return l.int(int(int32(math.Float32bits(v)))) }
