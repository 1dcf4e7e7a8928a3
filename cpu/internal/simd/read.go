// SPDX-License-Identifier: Apache-2.0

package simd

import "encoding/binary"

// Read returns the exclusive or of the little-endian 32-bit words of p: a loop that
// does next to nothing but read, with which the speed of others is compared. The
// length of p is a multiple of 512.
func Read(p []byte) uint32 {
	if len(p)%512 != 0 {
		panic("simd: Read: wrong length")
	}
	if v, ok := readVector(p); ok {
		return v
	}
	return readGeneric(p)
}

func readGeneric(p []byte) uint32 {
	sum := uint64(0)
	for ; len(p) >= 8; p = p[8:] {
		sum ^= binary.LittleEndian.Uint64(p)
	}
	return uint32(sum) ^ uint32(sum>>32)
}
