// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package quant

import "golang.org/x/sys/cpu"

var useAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasFMA // with which every CPU has F16C

func fit(w *[half]float32, scale, err *[8]float32) {
	if useAVX2 {
		fitAVX2(w, scale, err)
		return
	}
	fitGeneric(w, scale, err)
}

// roundAll is roundGeneric; len(w) is a multiple of 32 and at most len(q).
func roundAll(q []int8, w []float32, inv, low, high float32) {
	if useAVX2 {
		roundAVX2(&q[0], &w[0], len(w), inv, low, high)
		return
	}
	roundGeneric(q, w, inv, low, high)
}
