// SPDX-License-Identifier: Apache-2.0

package cpu

import "golang.org/x/sys/unix"

// largePages is the size from which memory is worth pages of 2 MiB. A matrix that
// is streamed from such pages comes a tenth faster (BenchmarkDecode).
const largePages = 4 << 20

// adviseLargePages asks for large pages where the system gives them on request.
func adviseLargePages(data []byte) {
	if len(data) >= largePages {
		// A kernel without large pages refuses, which changes nothing.
		_ = unix.Madvise(data, unix.MADV_HUGEPAGE)
	}
}
