// SPDX-License-Identifier: Apache-2.0

// Package cuda is the backend for NVIDIA GPUs of compute capability 8.0 and up;
// importing it registers "cuda":
//
//	import _ "github.com/zenlm/zen/cuda"
//
// It is built with cgo on Linux and opens the driver, libcuda.so.1, when a backend
// is opened: building needs no CUDA toolkit, and the program starts where there is
// no GPU. There, and in programs built without cgo or for another system, Open
// answers an error that matches backend.ErrUnavailable and says why, so that a
// program can fall back.
//
// The kernels come compiled in the package. The device is the first that
// CUDA_VISIBLE_DEVICES lets the driver see.
package cuda

import (
	"fmt"
	"runtime"

	"github.com/zenlm/zen/backend"
)

func init() { backend.Register("cuda", Open) }

// Open returns a backend on the first device; the caller closes it. The error
// matches backend.ErrUnavailable and gives the first reason that holds: the system
// is not Linux, the program was built without cgo, or there is no driver, no
// device, or only one older than the kernels are for. Options.Workers is ignored.
func Open(o backend.Options) (backend.Backend, error) {
	if why := reason(runtime.GOOS, withCgo); why != "" {
		return nil, fmt.Errorf("cuda: %w: %s", backend.ErrUnavailable, why)
	}
	return openFirst(o)
}

// reason says why a program built for goos cannot reach a GPU, or "".
func reason(goos string, cgo bool) string {
	switch {
	case goos != "linux":
		return "it needs Linux, this is " + goos
	case !cgo:
		return "the program was built without cgo (CGO_ENABLED=0)"
	}
	return ""
}
