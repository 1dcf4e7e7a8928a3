// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

/*
#include <stdlib.h>
#include "blas.h"
*/
import "C"

import (
	"math/bits"
	"sync"
	"unsafe"
)

// blas multiplies many rows of F16 through cuBLASLt. It is nil where the loader
// finds none that works, and zen_gemm takes its place.
type blas struct {
	device    *device
	workspace *memory
	plans     map[productShape]uint64 // 0 where the library has no algorithm
	choice    int32                   // of the algorithms, for measurements
}

// blasWorkspace is what NVIDIA advises for Hopper.
const blasWorkspace = 32 << 20

// productShape is what a plan is made for. It has zen_shape's layout.
type productShape struct {
	rows, in, out, stride int32 // rows of dst are stride elements apart
	bias, add             int32 // 1: there is a bias, a residual
	half                  int32 // 1: dst is float16
	choice                int32 // of the library's algorithms, 0 the one it prefers
}

// blasMutex guards the library's loading.
var blasMutex sync.Mutex

// openBlas returns nil, and why, where there is no library.
func openBlas(d *device) (b *blas, why string) {
	blasMutex.Lock()
	defer blasMutex.Unlock()
	if why := C.zen_blas_open(d.c); why != nil {
		return nil, C.GoString(why)
	}
	return &blas{device: d, plans: map[productShape]uint64{}}, ""
}

func (b *blas) close() {
	for _, p := range b.plans {
		if p != 0 {
			C.zen_blas_free_plan(C.uint64_t(p))
		}
	}
	b.plans = nil
}

// bucket returns the rows that a plan is made for: up to an eighth more than n, so
// that few plans serve all lengths of prompts.
func bucket(n int) int {
	step := max(8, 1<<bits.Len(uint(n-1))/8)
	return blocks(n, step) * step
}

// plan returns a plan for the product, or 0. The same shape is
// always computed by the same algorithm.
func (b *blas) plan(p product16) uint64 {
	s := productShape{rows: int32(bucket(p.n)), in: int32(p.in), out: int32(p.out), stride: int32(p.stride),
		bias: flag(p.bias != 0), add: flag(p.residual != 0), half: flag(p.unit != 0), choice: b.choice}
	plan, ok := b.plans[s]
	if !ok {
		// On a failure plan stays 0.
		C.zen_blas_plan(b.device.c, (*C.zen_shape)(unsafe.Pointer(&s)), blasWorkspace, (*C.uint64_t)(&plan))
		b.plans[s] = plan
	}
	return plan
}

func flag(set bool) int32 {
	if set {
		return 1
	}
	return 0
}

// The Go twins of zen_shape and zen_operands have their sizes.
var (
	_ [C.sizeof_zen_shape]byte    = [unsafe.Sizeof(productShape{})]byte{}
	_ [C.sizeof_zen_operands]byte = [64]byte{}
)
