// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import "github.com/zenlm/zen/backend"

// withCgo says whether the program was built with cgo, through which the driver
// is reached.
const withCgo = true

// openFirst opens the first device.
func openFirst(o backend.Options) (backend.Backend, error) {
	b, err := open(0)
	if err != nil {
		return nil, err // not b: a nil *Backend is not a nil backend.Backend
	}
	b.invariant = o.Deterministic
	return b, nil
}
