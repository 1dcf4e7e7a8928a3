// SPDX-License-Identifier: Apache-2.0

// Package cuda is the place of the backend for NVIDIA GPUs; importing it
// registers "cuda". This version has no kernels: Open always answers an error
// that matches backend.ErrUnavailable and says why. A program can therefore be
// written today against the backend's name and fall back where it is refused:
//
//	import _ "github.com/zenlm/zen/cuda"
//
// The package builds on every platform, with and without cgo, and needs no CUDA
// toolkit. It loads no library and looks for no device.
package cuda

import (
	"fmt"
	"runtime"

	"github.com/zenlm/zen/backend"
)

func init() { backend.Register("cuda", Open) }

// Open returns an error that matches backend.ErrUnavailable and gives the first
// reason that holds: the system is not Linux, the program was built without cgo,
// or this version has no kernels. The returned backend is nil.
func Open(backend.Options) (backend.Backend, error) {
	return nil, fmt.Errorf("cuda: %w: %s", backend.ErrUnavailable, reason(runtime.GOOS, withCgo))
}

// reason says why a program built for goos cannot run on a GPU.
func reason(goos string, cgo bool) string {
	switch {
	case goos != "linux":
		return "it needs Linux, this is " + goos
	case !cgo:
		return "the program was built without cgo (CGO_ENABLED=0)"
	default:
		return "this version of zen has no CUDA kernels"
	}
}
