// SPDX-License-Identifier: Apache-2.0

// Command gen writes the assembly of package simd. It is run by go generate in
// the folder above.
package main

import . "github.com/mmcloughlin/avo/build"

func main() {
	ConstraintExpr("!purego")
	panels()
	quantizeRows()
	readLines()
	panelsAMX()
	unpackQ4()
	Generate()
}
