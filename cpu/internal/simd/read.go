// SPDX-License-Identifier: Apache-2.0

package simd

import "encoding/binary"

// readKernel is a loop over n bytes from p on, n a positive multiple of 512; nil is the Go
// loop.
type readKernel struct {
	name string
	run  func(p *byte, n int) uint32
}

// readChosen is the best of readVariants.
var readChosen = readVariants()[0]

// readBytes is what a loop is given at a time. One that reads quarters side by side starts
// each on a page of its own.
const readBytes = 256 << 10

// Read returns the exclusive or of the little-endian 32-bit words of p: a loop that
// does next to nothing but read, with which the speed of others is compared. The
// length of p is a multiple of 512.
func Read(p []byte) uint32 {
	if len(p)%512 != 0 {
		panic("simd: Read: wrong length")
	}
	if readChosen.run == nil {
		return readGeneric(p)
	}
	sum := uint32(0)
	for ; len(p) > 0; p = p[min(readBytes, len(p)):] {
		sum ^= readChosen.run(&p[0], min(readBytes, len(p)))
	}
	return sum
}

func readGeneric(p []byte) uint32 {
	sum := uint64(0)
	for ; len(p) >= 8; p = p[8:] {
		sum ^= binary.LittleEndian.Uint64(p)
	}
	return uint32(sum) ^ uint32(sum>>32)
}
