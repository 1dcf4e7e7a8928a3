// SPDX-License-Identifier: Apache-2.0

//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows)

package checkpoint

import (
	"errors"
	"os"
)

// mapFile fails: this platform reads files into the Go heap.
func mapFile(*os.File, int) (memory, error) { return memory{}, errors.ErrUnsupported }

// allocate returns zeroed memory on the Go heap, aligned to 8 bytes.
func allocate(size int) (memory, error) {
	return memory{make([]byte, size), func() error { return nil }}, nil
}

func (m memory) protect() error { return nil }

func willNeed([]byte) {}
