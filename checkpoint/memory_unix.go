// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package checkpoint

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the first size bytes of f for reading. The mapping outlives f.
func mapFile(f *os.File, size int) (memory, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return memory{}, os.NewSyscallError("mmap", err)
	}
	return memory{b, func() error { return unix.Munmap(b) }}, nil
}

// allocate returns zeroed memory outside the Go heap.
func allocate(size int) (memory, error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return memory{}, os.NewSyscallError("mmap", err)
	}
	return memory{b, func() error { return unix.Munmap(b) }}, nil
}

// protect makes allocated memory read-only, as mapped files are.
func (m memory) protect() error {
	return os.NewSyscallError("mprotect", unix.Mprotect(m.bytes, unix.PROT_READ))
}

// willNeed tells the kernel to read b, whose start is aligned to a page, ahead.
func willNeed(b []byte) {
	if len(b) > 0 {
		_ = unix.Madvise(b, unix.MADV_WILLNEED) // a hint: nothing depends on it
	}
}
