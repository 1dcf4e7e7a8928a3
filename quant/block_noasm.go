// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package quant

func fit(w *[half]float32, scale, err *[8]float32) { fitGeneric(w, scale, err) }

func roundAll(q []int8, w []float32, inv, low, high float32) { roundGeneric(q, w, inv, low, high) }
