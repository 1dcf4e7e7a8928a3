// SPDX-License-Identifier: Apache-2.0

//go:build !purego

#include "textflag.h"

// Four rows of four to four rows of dst.
#define TRANSPOSE4 \
	VLD1 (R8), [V0.S4]; \
	VLD1 (R9), [V1.S4]; \
	VLD1 (R10), [V2.S4]; \
	VLD1 (R11), [V3.S4]; \
	VTRN1 V1.S4, V0.S4, V4.S4; \
	VTRN2 V1.S4, V0.S4, V5.S4; \
	VTRN1 V3.S4, V2.S4, V6.S4; \
	VTRN2 V3.S4, V2.S4, V7.S4; \
	VTRN1 V6.D2, V4.D2, V0.D2; \
	VTRN1 V7.D2, V5.D2, V1.D2; \
	VTRN2 V6.D2, V4.D2, V2.D2; \
	VTRN2 V7.D2, V5.D2, V3.D2

// func transposeTileNEON(dst, src *float32, dstStride, srcStride uintptr, blocks, groups int)
TEXT ·transposeTileNEON(SB), NOSPLIT, $0-48
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD dstStride+16(FP), R2
	MOVD srcStride+24(FP), R3
	MOVD blocks+32(FP), R4
	MOVD groups+40(FP), R5
	LSL $1, R5, R5 // of four rows

group:
	MOVD R0, R12
	MOVD R1, R8
	ADD R3, R8, R9
	ADD R3, R9, R10
	ADD R3, R10, R11
	MOVD R4, R13

block:
	TRANSPOSE4
	ADD $16, R8, R8
	ADD $16, R9, R9
	ADD $16, R10, R10
	ADD $16, R11, R11
	VST1 [V0.S4], (R12)
	ADD R2, R12, R12
	VST1 [V1.S4], (R12)
	ADD R2, R12, R12
	VST1 [V2.S4], (R12)
	ADD R2, R12, R12
	VST1 [V3.S4], (R12)
	ADD R2, R12, R12
	SUBS $1, R13, R13
	BNE block

	ADD $16, R0, R0 // four columns of dst
	ADD R3<<2, R1, R1
	SUBS $1, R5, R5
	BNE group
	RET
