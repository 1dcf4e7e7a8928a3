// SPDX-License-Identifier: Apache-2.0

// Package cpu is the backend for the processor that the program runs on; importing it
// registers "cpu".
//
// Weights stay in their file's element type, in the file's own mapping where
// that is aligned, and are multiplied there: BF16 by AMX where the processor has it
// (simd.MultiplyBF16), else floats by products of rows (simd.Dots). Where neither fits,
// or with a caller's own BLAS, MatMul widens a tile of a few output rows to float32 in a
// worker's scratch memory and hands it to Sgemm. Everything else that is
// allocated lies outside the Go heap, so that the garbage collector neither
// scans a cache nor counts it.
//
// A fixed pool of goroutines shares each operation by drawing chunks from a
// counter. Chunks split outputs, never a sum: every element is computed whole by
// one worker, by the same sequence of roundings whatever the batch, the chunking
// and the number of workers. Where that sequence is Sgemm's inner product, it
// depends on the operands' alignment and on the size of the call; gemm and
// matrix keep both out of the result.
package cpu
