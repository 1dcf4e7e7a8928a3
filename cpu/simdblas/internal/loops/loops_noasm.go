// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package loops

func variants() []kernels { return []kernels{plain()} }

func dot(x, y *float32, n int) float32 { return dotGeneric(x, y, n) }

func dotDouble(x, y *float32, n int) float64 { return dotDoubleGeneric(x, y, n) }

func squares(x *float32, n int) float64 { return squaresGeneric(x, n) }

func asum(x *float32, n int) float32 { return asumGeneric(x, n) }

func maxAbs(x *float32, n int) float32 { return maxAbsGeneric(x, n) }

func axpy(y, x *float32, n int, alpha float32) { axpyGeneric(y, x, n, alpha) }

func scal(x *float32, n int, alpha float32) { scalGeneric(x, n, alpha) }

func axpy8(*float32, *[axpyRows]float32, *float32, uintptr, int) { panic("loops: Axpy8: no assembly") }
