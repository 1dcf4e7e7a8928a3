// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// mapFile maps the first size bytes of f for reading. The mapping outlives f.
func mapFile(f *os.File, size int) (memory, error) {
	n := uint64(size)
	h, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, windows.PAGE_READONLY,
		uint32(n>>32), uint32(n), nil)
	if err != nil {
		return memory{}, os.NewSyscallError("CreateFileMapping", err)
	}
	defer windows.CloseHandle(h) // the view keeps the mapping
	addr, err := windows.MapViewOfFile(h, windows.FILE_MAP_READ, 0, 0, uintptr(size))
	if err != nil {
		return memory{}, os.NewSyscallError("MapViewOfFile", err)
	}
	return memory{bytesAt(addr, size), func() error { return windows.UnmapViewOfFile(addr) }}, nil
}

// allocate returns zeroed memory outside the Go heap.
func allocate(size int) (memory, error) {
	addr, err := windows.VirtualAlloc(0, uintptr(size), windows.MEM_RESERVE|windows.MEM_COMMIT,
		windows.PAGE_READWRITE)
	if err != nil {
		return memory{}, os.NewSyscallError("VirtualAlloc", err)
	}
	return memory{bytesAt(addr, size), func() error {
		return windows.VirtualFree(addr, 0, windows.MEM_RELEASE)
	}}, nil
}

// protect makes allocated memory read-only, as mapped files are.
func (m memory) protect() error {
	var old uint32
	addr := uintptr(unsafe.Pointer(unsafe.SliceData(m.bytes)))
	return os.NewSyscallError("VirtualProtect",
		windows.VirtualProtect(addr, uintptr(len(m.bytes)), windows.PAGE_READONLY, &old))
}

func willNeed([]byte) {}

// bytesAt returns memory that Windows owns. The address is reinterpreted where
// it lies because a conversion would look like arithmetic on a Go pointer.
func bytesAt(addr uintptr, size int) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), size)
}
