// SPDX-License-Identifier: Apache-2.0

// Package kernels holds the CUDA kernels in their compiled form. The sources beside
// it say what each computes, on which grid, and what its operands look like.
//
// kernels.sum lists the hashes of the sources, of the fatbin and of the build
// script, and the compiler's version; "make kernels" writes both anew.
package kernels

import _ "embed"

// Fatbin is the module of all kernels, for cuModuleLoadData: machine code for
// compute capability 8.0 and 9.0, and PTX for what lies between and after.
//
//go:embed kernels.fatbin
var Fatbin []byte
