// SPDX-License-Identifier: Apache-2.0

//go:build !purego

#include "textflag.h"

#define UMAX(m, n, d) WORD $(0x6EA06400 | (m)<<16 | (n)<<5 | (d)) // d.S4 = max(n, m), unsigned
#define UMAXV(n, d) WORD $(0x6EB0A800 | (n)<<5 | (d))             // d.S = the largest of n.S4
#define ADDV(n, d) WORD $(0x4EB1B800 | (n)<<5 | (d))              // d.S = the sum of n.S4
#define FMUL(m, n, d) WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d)) // d.S4 = n·m
#define FCVTNS(n, d) WORD $(0x4E21A800 | (n)<<5 | (d))            // d.S4 = the nearest integers, ties to even, 0 for NaN
#define XTN(n, d) WORD $(0x0E612800 | (n)<<5 | (d))               // d.H4 = n.S4
#define XTN2(n, d) WORD $(0x4E612800 | (n)<<5 | (d))              // the upper half of d.H8
#define XTNB(n, d) WORD $(0x0E212800 | (n)<<5 | (d))              // d.B8 = n.H8
#define XTNB2(n, d) WORD $(0x4E212800 | (n)<<5 | (d))             // the upper half of d.B16

// |x| is compared as an integer, so that an infinity or a NaN shows in the maximum.
#define LARGEST4 \
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	VAND V16.B16, V0.B16, V0.B16; \
	VAND V16.B16, V1.B16, V1.B16; \
	VAND V16.B16, V2.B16, V2.B16; \
	VAND V16.B16, V3.B16, V3.B16; \
	UMAX(0, 1, 0); \
	UMAX(2, 3, 2); \
	UMAX(0, 4, 4); \
	UMAX(2, 4, 4)

// func largestNEON(x *float32) uint32
TEXT ·largestNEON(SB), NOSPLIT, $0-12
	MOVD x+0(FP), R0
	MOVW $0x7fffffff, R1
	VDUP R1, V16.S4
	VEOR V4.B16, V4.B16, V4.B16
	LARGEST4
	LARGEST4
	LARGEST4
	LARGEST4
	UMAXV(4, 4)
	VMOV V4.S[0], R1
	MOVW R1, ret+8(FP)
	RET

// 16 integers to dst, and their sums to V6.
#define ROUND16 \
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]; \
	FMUL(16, 0, 0); \
	FMUL(16, 1, 1); \
	FMUL(16, 2, 2); \
	FMUL(16, 3, 3); \
	FCVTNS(0, 0); \
	FCVTNS(1, 1); \
	FCVTNS(2, 2); \
	FCVTNS(3, 3); \
	VADD V0.S4, V6.S4, V6.S4; \
	VADD V1.S4, V6.S4, V6.S4; \
	VADD V2.S4, V6.S4, V6.S4; \
	VADD V3.S4, V6.S4, V6.S4; \
	XTN(0, 4); \
	XTN2(1, 4); \
	XTN(2, 5); \
	XTN2(3, 5); \
	XTNB(4, 7); \
	XTNB2(5, 7); \
	VST1.P [V7.B16], 16(R0)

// func roundNEON(dst *byte, x *float32, inv float32) (sum int32)
TEXT ·roundNEON(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVWU inv+16(FP), R2
	VDUP R2, V16.S4
	VEOR V6.B16, V6.B16, V6.B16
	ROUND16
	ROUND16
	ADDV(6, 6)
	VMOV V6.S[0], R3
	MOVW R3, sum+24(FP)
	RET
