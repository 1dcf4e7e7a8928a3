// SPDX-License-Identifier: Apache-2.0

//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// Products of tiles, 16 columns of four lines at a time, then of one.
//
//	for j := range columns {
//		for i := range lines {
//			for k := range inner {
//				c[i][16j:16j+16] += a[i][k] · b[k][16j:16j+16]
//			}
//		}
//	}

#define CCOLUMN R0  // the first line of 16 columns
#define A R1
#define BCOLUMN R2
#define CSTRIDE R3
#define ASTRIDE R4
#define BSTRIDE R5
#define LINES R6
#define INNER R7
#define COLUMNS R8
#define SUM R9      // whether to add to c
#define AHEAD R10
#define AHEADSTEP R11
#define LINESLEFT R12
#define BROW R13
#define LEFT R14
#define A0 R15
#define A1 R19
#define A2 R20
#define A3 R21
#define C0 R22
#define C1 R23
#define C2 R24
#define C3 R25

// V0..V15   sums, four registers a line
// V16..V19  b
// V20..V23  an element of a for each line
// V24, V25  b as it lies in memory

#define LOADF32 VLD1 (BROW), [V16.S4, V17.S4, V18.S4, V19.S4]

#define LOADF16 \
	VLD1 (BROW), [V24.H8, V25.H8]; \
	FCVTL(24, 16); \
	FCVTL2(24, 17); \
	FCVTL(25, 18); \
	FCVTL2(25, 19)

#define LOADBF16 \
	VLD1 (BROW), [V24.H8, V25.H8]; \
	SHLL(24, 16); \
	SHLL2(24, 17); \
	SHLL(25, 18); \
	SHLL2(25, 19)

#define NEXTB(load) \
	load; \
	ADD BSTRIDE, BROW, BROW; \
	PRFM (AHEAD), PLDL1KEEP; \
	ADD AHEADSTEP, AHEAD, AHEAD

#define PRODUCTS(a, sum) \
	FMLA(a, 16, sum); \
	FMLA(a, 17, sum+1); \
	FMLA(a, 18, sum+2); \
	FMLA(a, 19, sum+3)

#define STEP4(load) \
	NEXTB(load); \
	VLD1R.P 4(A0), [V20.S4]; \
	VLD1R.P 4(A1), [V21.S4]; \
	VLD1R.P 4(A2), [V22.S4]; \
	VLD1R.P 4(A3), [V23.S4]; \
	PRODUCTS(20, 0); \
	PRODUCTS(21, 4); \
	PRODUCTS(22, 8); \
	PRODUCTS(23, 12)

#define STEP1(load) \
	NEXTB(load); \
	VLD1R.P 4(A0), [V20.S4]; \
	PRODUCTS(20, 0)

#define LOADOPERANDS \
	MOVD c+0(FP), CCOLUMN; \
	MOVD a+8(FP), A; \
	MOVD b+16(FP), BCOLUMN; \
	MOVD cStride+24(FP), CSTRIDE; \
	MOVD aStride+32(FP), ASTRIDE; \
	MOVD bStride+40(FP), BSTRIDE; \
	MOVD lines+48(FP), LINES; \
	MOVD inner+56(FP), INNER; \
	MOVD columns+64(FP), COLUMNS; \
	MOVBU add+72(FP), SUM; \
	MOVD ahead+80(FP), AHEAD; \
	MOVD aheadStep+88(FP), AHEADSTEP

#define COLUMNSTART \
	MOVD LINES, LINESLEFT; \
	MOVD A, A0; \
	MOVD CCOLUMN, C0

#define ZERO(a, b, c, d) \
	VEOR a.B16, a.B16, a.B16; \
	VEOR b.B16, b.B16, b.B16; \
	VEOR c.B16, c.B16, c.B16; \
	VEOR d.B16, d.B16, d.B16

#define START1 \
	MOVD BCOLUMN, BROW; \
	MOVD INNER, LEFT; \
	ZERO(V0, V1, V2, V3)

#define START4 \
	START1; \
	ADD ASTRIDE, A0, A1; \
	ADD ASTRIDE, A1, A2; \
	ADD ASTRIDE, A2, A3; \
	ADD CSTRIDE, C0, C1; \
	ADD CSTRIDE, C1, C2; \
	ADD CSTRIDE, C2, C3; \
	ZERO(V4, V5, V6, V7); \
	ZERO(V8, V9, V10, V11); \
	ZERO(V12, V13, V14, V15)

#define SUMS1 VLD1 (C0), [V0.S4, V1.S4, V2.S4, V3.S4]

#define SUMS4 \
	SUMS1; \
	VLD1 (C1), [V4.S4, V5.S4, V6.S4, V7.S4]; \
	VLD1 (C2), [V8.S4, V9.S4, V10.S4, V11.S4]; \
	VLD1 (C3), [V12.S4, V13.S4, V14.S4, V15.S4]

// A row of a ends where inner does: the next is a stride after its start.
#define END1 \
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (C0); \
	ADD CSTRIDE, C0, C0; \
	SUB INNER<<2, A0, A0; \
	ADD ASTRIDE, A0, A0

#define END4 \
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (C0); \
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (C1); \
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (C2); \
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (C3); \
	ADD CSTRIDE, C3, C0; \
	SUB INNER<<2, A3, A0; \
	ADD ASTRIDE, A0, A0

// func multiplyTileF32NEON(c, a, b *float32, cStride, aStride, bStride uintptr, lines, inner, columns int, add bool, ahead *uint16, aheadStep uintptr)
TEXT ·multiplyTileF32NEON(SB), NOSPLIT, $0-96
	LOADOPERANDS

column:
	COLUMNSTART

lines4:
	SUBS $4, LINESLEFT, LINESLEFT
	BLT lines1
	START4
	CBZ SUM, steps4
	SUMS4

steps4:
	STEP4(LOADF32)
	SUBS $1, LEFT, LEFT
	BNE steps4
	END4
	B lines4

lines1:
	ADDS $4, LINESLEFT, LINESLEFT // what is left of four
	BEQ next

line1:
	START1
	CBZ SUM, steps1
	SUMS1

steps1:
	STEP1(LOADF32)
	SUBS $1, LEFT, LEFT
	BNE steps1
	END1
	SUBS $1, LINESLEFT, LINESLEFT
	BNE line1

next:
	ADD $64, CCOLUMN, CCOLUMN
	ADD $64, BCOLUMN, BCOLUMN
	SUBS $1, COLUMNS, COLUMNS
	BNE column
	RET

// func multiplyTileF16NEON(c, a *float32, b *uint16, cStride, aStride, bStride uintptr, lines, inner, columns int, add bool, ahead *uint16, aheadStep uintptr)
TEXT ·multiplyTileF16NEON(SB), NOSPLIT, $0-96
	LOADOPERANDS

column:
	COLUMNSTART

lines4:
	SUBS $4, LINESLEFT, LINESLEFT
	BLT lines1
	START4
	CBZ SUM, steps4
	SUMS4

steps4:
	STEP4(LOADF16)
	SUBS $1, LEFT, LEFT
	BNE steps4
	END4
	B lines4

lines1:
	ADDS $4, LINESLEFT, LINESLEFT // what is left of four
	BEQ next

line1:
	START1
	CBZ SUM, steps1
	SUMS1

steps1:
	STEP1(LOADF16)
	SUBS $1, LEFT, LEFT
	BNE steps1
	END1
	SUBS $1, LINESLEFT, LINESLEFT
	BNE line1

next:
	ADD $64, CCOLUMN, CCOLUMN
	ADD $32, BCOLUMN, BCOLUMN
	SUBS $1, COLUMNS, COLUMNS
	BNE column
	RET

// func multiplyTileBF16NEON(c, a *float32, b *uint16, cStride, aStride, bStride uintptr, lines, inner, columns int, add bool, ahead *uint16, aheadStep uintptr)
TEXT ·multiplyTileBF16NEON(SB), NOSPLIT, $0-96
	LOADOPERANDS

column:
	COLUMNSTART

lines4:
	SUBS $4, LINESLEFT, LINESLEFT
	BLT lines1
	START4
	CBZ SUM, steps4
	SUMS4

steps4:
	STEP4(LOADBF16)
	SUBS $1, LEFT, LEFT
	BNE steps4
	END4
	B lines4

lines1:
	ADDS $4, LINESLEFT, LINESLEFT // what is left of four
	BEQ next

line1:
	START1
	CBZ SUM, steps1
	SUMS1

steps1:
	STEP1(LOADBF16)
	SUBS $1, LEFT, LEFT
	BNE steps1
	END1
	SUBS $1, LINESLEFT, LINESLEFT
	BNE line1

next:
	ADD $64, CCOLUMN, CCOLUMN
	ADD $32, BCOLUMN, BCOLUMN
	SUBS $1, COLUMNS, COLUMNS
	BNE column
	RET
