// SPDX-License-Identifier: Apache-2.0

// Command gen writes the assembly of package simd, one set of routines a file. It
// is run by go generate in the folder above.
package main

import (
	"flag"

	. "github.com/mmcloughlin/avo/build"
)

var sets = map[string][]func(){
	"quant":  {panels, rowPanels, quantizeRows, readLines, pauses, panelsAMX, unpackQ4},
	"bf16":   {bf16Tiles},
	"dots":   {dots},
	"pairs":  {pairs},
	"vector": {pointwise, squares, rotations, conversions, exponentials},
	"tiles":  {tiles},
}

func main() {
	set := flag.String("set", "quant", "the routines to write")
	flag.Parse()
	ConstraintExpr("!purego")
	for _, emit := range sets[*set] {
		emit()
	}
	Generate()
}
