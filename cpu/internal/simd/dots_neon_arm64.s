// SPDX-License-Identifier: Apache-2.0

//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// Products of rows of activations with four rows of weights at a time, which are
// widened as they are loaded: one load of x serves four outputs.
//
//	for r := range rows {
//		for b := range blocks {
//			sums[o][0:16] += x[r][16b:16b+16] · w[o][16b:16b+16] over o = 0..3
//		}
//		dst[r][0:4] = the lanes of sums, added up
//	}

#define DST R0
#define DSTSTRIDE R1
#define XROW R2
#define XSTRIDE R3
#define W R4
#define WSTRIDE R5
#define BLOCKS R6
#define ROWS R7
#define X R8
#define W0 R9
#define W1 R10
#define W2 R11
#define W3 R12
#define LEFT R13

// V0..V15   sums, four registers an output
// V16..V19  x
// V20..V23  weights
// V24, V25  weights as they lie in memory

#define LOADF32(w) VLD1.P 64(w), [V20.S4, V21.S4, V22.S4, V23.S4]

#define LOADF16(w) \
	VLD1.P 32(w), [V24.H8, V25.H8]; \
	FCVTL(24, 20); \
	FCVTL2(24, 21); \
	FCVTL(25, 22); \
	FCVTL2(25, 23)

#define LOADBF16(w) \
	VLD1.P 32(w), [V24.H8, V25.H8]; \
	SHLL(24, 20); \
	SHLL2(24, 21); \
	SHLL(25, 22); \
	SHLL2(25, 23)

#define PRODUCTS(sum) \
	FMLA(20, 16, sum); \
	FMLA(21, 17, sum+1); \
	FMLA(22, 18, sum+2); \
	FMLA(23, 19, sum+3)

#define BLOCK(load) \
	VLD1.P 64(X), [V16.S4, V17.S4, V18.S4, V19.S4]; \
	load(W0); \
	PRODUCTS(0); \
	load(W1); \
	PRODUCTS(4); \
	load(W2); \
	PRODUCTS(8); \
	load(W3); \
	PRODUCTS(12)

#define LOADOPERANDS \
	MOVD dst+0(FP), DST; \
	MOVD dstStride+8(FP), DSTSTRIDE; \
	MOVD x+16(FP), XROW; \
	MOVD xStride+24(FP), XSTRIDE; \
	MOVD w+32(FP), W; \
	MOVD wStride+40(FP), WSTRIDE; \
	MOVD blocks+48(FP), BLOCKS; \
	MOVD rows+56(FP), ROWS

#define ZERO(a, b, c, d) \
	VEOR a.B16, a.B16, a.B16; \
	VEOR b.B16, b.B16, b.B16; \
	VEOR c.B16, c.B16, c.B16; \
	VEOR d.B16, d.B16, d.B16

#define ROWSTART \
	MOVD XROW, X; \
	MOVD W, W0; \
	ADD WSTRIDE, W0, W1; \
	ADD WSTRIDE, W1, W2; \
	ADD WSTRIDE, W2, W3; \
	MOVD BLOCKS, LEFT; \
	ZERO(V0, V1, V2, V3); \
	ZERO(V4, V5, V6, V7); \
	ZERO(V8, V9, V10, V11); \
	ZERO(V12, V13, V14, V15)

// u[i] = lane[i] + lane[i+8], then the sums of its neighbours
#define FOLD(sum) \
	FADD(sum+2, sum, sum); \
	FADD(sum+3, sum+1, sum+1); \
	FADDP(sum+1, sum, sum)

#define ROWEND \
	FOLD(0); \
	FOLD(4); \
	FOLD(8); \
	FOLD(12); \
	FADDP(4, 0, 0); \
	FADDP(12, 8, 8); \
	FADDP(8, 0, 0); \
	VST1 [V0.S4], (DST); \
	ADD DSTSTRIDE, DST, DST; \
	ADD XSTRIDE, XROW, XROW

// func dotsF32NEON(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *float32, wStride uintptr, blocks, rows int)
TEXT ·dotsF32NEON(SB), NOSPLIT, $0-64
	LOADOPERANDS

row:
	ROWSTART

block:
	BLOCK(LOADF32)
	SUBS $1, LEFT, LEFT
	BNE block

	ROWEND
	SUBS $1, ROWS, ROWS
	BNE row
	RET

// func dotsF16NEON(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)
TEXT ·dotsF16NEON(SB), NOSPLIT, $0-64
	LOADOPERANDS

row:
	ROWSTART

block:
	BLOCK(LOADF16)
	SUBS $1, LEFT, LEFT
	BNE block

	ROWEND
	SUBS $1, ROWS, ROWS
	BNE row
	RET

// func dotsBF16NEON(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)
TEXT ·dotsBF16NEON(SB), NOSPLIT, $0-64
	LOADOPERANDS

row:
	ROWSTART

block:
	BLOCK(LOADBF16)
	SUBS $1, LEFT, LEFT
	BNE block

	ROWEND
	SUBS $1, ROWS, ROWS
	BNE row
	RET
