// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package cuda

// withCgo says whether the program was built with cgo, through which the driver
// is reached.
const withCgo = false
