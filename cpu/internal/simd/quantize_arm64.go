// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import "unsafe"

// quantizeNEON is quantizeGeneric's twin.
func quantizeNEON(dst *byte, x *float32, blocks int) {
	d, v := unsafe.Slice(dst, blocks*BlockBytes), unsafe.Slice(x, blocks*block)
	for ; blocks > 0; blocks-- {
		largest := finite(largestNEON(&v[0]))
		inv := inverse(largest)
		lo := roundNEON(&d[0], &v[0], inv)
		hi := roundNEON(&d[block/2], &v[block/2], inv)
		finishBlock((*[BlockBytes]byte)(d), largest, lo, hi)
		d, v = d[BlockBytes:], v[block:]
	}
}
