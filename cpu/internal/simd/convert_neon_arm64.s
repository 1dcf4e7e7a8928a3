// SPDX-License-Identifier: Apache-2.0

//go:build !purego

// Conversions, 16 elements at a time.

#include "textflag.h"
#include "neon_arm64.h"

#define WIDEN16(low, high) \
	VLD1.P 32(R1), [V4.H8, V5.H8]; \
	low(4, 0); \
	high(4, 1); \
	low(5, 2); \
	high(5, 3); \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)

// func widenF16NEON(dst *float32, src *uint16, n int)
TEXT ·widenF16NEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2

loop:
	WIDEN16(FCVTL, FCVTL2)
	SUBS $16, R2, R2
	BNE loop
	RET

// func widenBF16NEON(dst *float32, src *uint16, n int)
TEXT ·widenBF16NEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2

loop:
	WIDEN16(SHLL, SHLL2)
	SUBS $16, R2, R2
	BNE loop
	RET

// func narrowF16NEON(dst *uint16, src *float32, n int)
TEXT ·narrowF16NEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	FCVTN(0, 4)
	FCVTN2(1, 4)
	FCVTN(2, 5)
	FCVTN2(3, 5)
	VST1.P [V4.H8, V5.H8], 32(R0)
	SUBS $16, R2, R2
	BNE loop
	RET

// v = v + 0x7fff + its bit 16, whose upper half is the nearest; of a NaN its own, quiet
#define ROUNDBF16(number, v) \
	FCMEQ(number, number, 6); \
	VUSHR $16, v.S4, V7.S4; \
	VAND V16.B16, V7.B16, V7.B16; \
	VADD V17.S4, V7.S4, V7.S4; \
	VADD v.S4, V7.S4, V7.S4; \
	VORR V18.B16, v.B16, v.B16; \
	VBIT V6.B16, V7.B16, v.B16

// func narrowBF16NEON(dst *uint16, src *float32, n int)
TEXT ·narrowBF16NEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVW $1, R3
	VDUP R3, V16.S4
	MOVW $0x7fff, R3
	VDUP R3, V17.S4
	MOVW $0x400000, R3 // the bit of a quiet NaN
	VDUP R3, V18.S4

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	ROUNDBF16(0, V0)
	ROUNDBF16(1, V1)
	ROUNDBF16(2, V2)
	ROUNDBF16(3, V3)
	SHRN(0, 4)
	SHRN2(1, 4)
	SHRN(2, 5)
	SHRN2(3, 5)
	VST1.P [V4.H8, V5.H8], 32(R0)
	SUBS $16, R2, R2
	BNE loop
	RET

// 16 bytes times V16
#define WIDENI8 \
	VLD1.P 16(R1), [V6.B16]; \
	SXTLB(6, 4); \
	SXTLB2(6, 5); \
	SXTLH(4, 0); \
	SXTLH2(4, 1); \
	SXTLH(5, 2); \
	SXTLH2(5, 3); \
	SCVTF(0, 0); \
	SCVTF(1, 1); \
	SCVTF(2, 2); \
	SCVTF(3, 3); \
	FMUL(16, 0, 0); \
	FMUL(16, 1, 1); \
	FMUL(16, 2, 2); \
	FMUL(16, 3, 3); \
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)

// func widenI8NEON(dst *float32, src *int8, scale float32, n int)
TEXT ·widenI8NEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVWU scale+16(FP), R2
	MOVD n+24(FP), R3
	VDUP R2, V16.S4

loop:
	WIDENI8
	SUBS $16, R3, R3
	BNE loop
	RET

// func widenBlocksNEON(dst *float32, src *int8, scales *uint16, blocks int)
TEXT ·widenBlocksNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD scales+16(FP), R2
	MOVD blocks+24(FP), R3

block:
	VLD1R.P 2(R2), [V16.H8]
	FCVTL(16, 16)
	WIDENI8
	WIDENI8
	SUBS $1, R3, R3
	BNE block
	RET
