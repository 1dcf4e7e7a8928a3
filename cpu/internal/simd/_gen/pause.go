// SPDX-License-Identifier: Apache-2.0

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func pauses() {
	TEXT("pause", NOSPLIT, "func(n int)")
	Doc("pause executes PAUSE n times, at least once.")
	n := Load(Param("n"), GP64())
	Label("again")
	PAUSE()
	DECQ(n)
	JG(LabelRef("again"))
	RET()
}
