// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import "syscall"

// requestAMX asks Linux for the tile registers, which it gives a process only on
// request (arch_prctl(2), ARCH_REQ_XCOMP_PERM).
func requestAMX() bool {
	const archReqXcompPerm, xfeatureXtileData = 0x1023, 18
	_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, archReqXcompPerm, xfeatureXtileData, 0)
	return errno == 0
}
