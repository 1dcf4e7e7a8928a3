// SPDX-License-Identifier: Apache-2.0

// Package simdblas is gonum's float32 BLAS with the routines that most programs
// spend their time in replaced by AVX-512 or AVX2 loops, chosen when the program
// runs. It needs no cgo and no build tag:
//
//	blas32.Use(simdblas.Implementation{})
//
// Replaced are Sgemm and Sgemv, of all transposes, and for vectors without gaps
// Sdot, Dsdot, Sdsdot, Saxpy, Snrm2, Sscal, Sasum and Isamax. Every other routine,
// every other processor and the tag purego have gonum's own. Arguments that gonum
// refuses panic with gonum's words.
//
// Results differ from gonum's in the last bits, because products are added in
// another order and rounded once with their sum. That order is fixed: an element of
// Sgemm's result has the same bits whatever the other rows and columns, their number,
// the transposition, the number of threads and which of the two instruction sets.
package simdblas
