// SPDX-License-Identifier: Apache-2.0

//go:build !(linux && cgo)

package cuda

import "github.com/zenlm/zen/backend"

// withCgo says whether the program was built with cgo, through which the driver
// is reached.
const withCgo = false

// openFirst is never reached: Open has given the reason.
func openFirst(backend.Options) (backend.Backend, error) { return nil, backend.ErrUnavailable }
