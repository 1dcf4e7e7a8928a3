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
//
// Three rows share what is loaded of the weights. Their sums are more than there are
// registers, so they take lanes 0 to 7 of every block first, then lanes 8 to 15: a lane
// adds up the same products in the same order.

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

#define X1 R14
#define X2 R15
#define XSTEP R19
#define WSTEP R20
#define HALF R21 // offset of the lanes in a block of x
#define HALFW R22 // and of w
#define SUMS R23

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

// Of three rows at a time:
//
// V0..V23   sums, [row, output] of two registers
// V24..V29  x, two registers a row
// V30, V31  weights
// sums      those of lanes 0 to 7

#define LOAD8F32(w) VLD1.P (w)(WSTEP), [V30.S4, V31.S4]

#define LOAD8F16(w) \
	VLD1.P (w)(WSTEP), [V30.H8]; \
	FCVTL2(30, 31); \
	FCVTL(30, 30)

#define LOAD8BF16(w) \
	VLD1.P (w)(WSTEP), [V30.H8]; \
	SHLL2(30, 31); \
	SHLL(30, 30)

#define PRODUCTS3(sum) \
	FMLA(30, 24, sum); \
	FMLA(31, 25, sum+1); \
	FMLA(30, 26, sum+8); \
	FMLA(31, 27, sum+9); \
	FMLA(30, 28, sum+16); \
	FMLA(31, 29, sum+17)

#define BLOCK3(load) \
	VLD1.P (X)(XSTEP), [V24.S4, V25.S4]; \
	VLD1.P (X1)(XSTEP), [V26.S4, V27.S4]; \
	VLD1.P (X2)(XSTEP), [V28.S4, V29.S4]; \
	load(W0); \
	PRODUCTS3(0); \
	load(W1); \
	PRODUCTS3(2); \
	load(W2); \
	PRODUCTS3(4); \
	load(W3); \
	PRODUCTS3(6)

#define ROWS3START \
	MOVD ZR, HALF; \
	MOVD ZR, HALFW; \
	MOVD $64, XSTEP

#define HALFSTART \
	ADD HALF, XROW, X; \
	ADD XSTRIDE, X, X1; \
	ADD XSTRIDE, X1, X2; \
	ADD HALFW, W, W0; \
	ADD WSTRIDE, W0, W1; \
	ADD WSTRIDE, W1, W2; \
	ADD WSTRIDE, W2, W3; \
	MOVD BLOCKS, LEFT; \
	MOVD $sums-384(SP), SUMS; \
	ZERO(V0, V1, V2, V3); \
	ZERO(V4, V5, V6, V7); \
	ZERO(V8, V9, V10, V11); \
	ZERO(V12, V13, V14, V15); \
	ZERO(V16, V17, V18, V19); \
	ZERO(V20, V21, V22, V23)

#define HALFEND \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(SUMS); \
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(SUMS); \
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(SUMS); \
	VST1.P [V12.S4, V13.S4, V14.S4, V15.S4], 64(SUMS); \
	VST1.P [V16.S4, V17.S4, V18.S4, V19.S4], 64(SUMS); \
	VST1 [V20.S4, V21.S4, V22.S4, V23.S4], (SUMS); \
	MOVD $32, HALF; \
	LSR $1, WSTEP, HALFW

// u[i] = lane[i] + lane[i+8], then the sums of its neighbours
#define FOLD3(sum, u) \
	FADD(sum, u, u); \
	FADD(sum+1, u+1, u+1); \
	FADDP(u+1, u, u)

#define ROW3END(sum) \
	VLD1.P 64(SUMS), [V24.S4, V25.S4, V26.S4, V27.S4]; \
	VLD1.P 64(SUMS), [V28.S4, V29.S4, V30.S4, V31.S4]; \
	FOLD3(sum, 24); \
	FOLD3(sum+2, 26); \
	FOLD3(sum+4, 28); \
	FOLD3(sum+6, 30); \
	FADDP(26, 24, 24); \
	FADDP(30, 28, 28); \
	FADDP(28, 24, 24); \
	VST1 [V24.S4], (DST); \
	ADD DSTSTRIDE, DST, DST

#define ROWS3END \
	ROW3END(0); \
	ROW3END(8); \
	ROW3END(16); \
	ADD XSTRIDE, XROW, XROW; \
	ADD XSTRIDE<<1, XROW, XROW; \
	SUB $3, ROWS, ROWS

// func dotsF32NEON(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *float32, wStride uintptr, blocks, rows int)
TEXT ·dotsF32NEON(SB), NOSPLIT, $384-64
	LOADOPERANDS
	MOVD $64, WSTEP

three:
	CMP $3, ROWS
	BLT rest
	ROWS3START

half:
	HALFSTART

block3:
	BLOCK3(LOAD8F32)
	SUBS $1, LEFT, LEFT
	BNE block3
	CBNZ HALF, fold
	HALFEND
	B half

fold:
	ROWS3END
	B three

rest:
	CBZ ROWS, done

row:
	ROWSTART

block:
	BLOCK(LOADF32)
	SUBS $1, LEFT, LEFT
	BNE block

	ROWEND
	SUBS $1, ROWS, ROWS
	BNE row

done:
	RET

// func dotsF16NEON(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)
TEXT ·dotsF16NEON(SB), NOSPLIT, $384-64
	LOADOPERANDS
	MOVD $32, WSTEP

three:
	CMP $3, ROWS
	BLT rest
	ROWS3START

half:
	HALFSTART

block3:
	BLOCK3(LOAD8F16)
	SUBS $1, LEFT, LEFT
	BNE block3
	CBNZ HALF, fold
	HALFEND
	B half

fold:
	ROWS3END
	B three

rest:
	CBZ ROWS, done

row:
	ROWSTART

block:
	BLOCK(LOADF16)
	SUBS $1, LEFT, LEFT
	BNE block

	ROWEND
	SUBS $1, ROWS, ROWS
	BNE row

done:
	RET

// func dotsBF16NEON(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)
TEXT ·dotsBF16NEON(SB), NOSPLIT, $384-64
	LOADOPERANDS
	MOVD $32, WSTEP

three:
	CMP $3, ROWS
	BLT rest
	ROWS3START

half:
	HALFSTART

block3:
	BLOCK3(LOAD8BF16)
	SUBS $1, LEFT, LEFT
	BNE block3
	CBNZ HALF, fold
	HALFEND
	B half

fold:
	ROWS3END
	B three

rest:
	CBZ ROWS, done

row:
	ROWSTART

block:
	BLOCK(LOADBF16)
	SUBS $1, LEFT, LEFT
	BNE block

	ROWEND
	SUBS $1, ROWS, ROWS
	BNE row

done:
	RET
