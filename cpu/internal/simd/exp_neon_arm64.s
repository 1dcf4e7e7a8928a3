// SPDX-License-Identifier: Apache-2.0

//go:build !purego

// The loops with exponentials: those of simd.Exp, in the same operations.

#include "textflag.h"
#include "neon_arm64.h"

#define CONSTANT(bits, v) \
	MOVW $bits, R9; \
	VDUP R9, v

// V16..V29  constants of EXP
#define CONSTANTS \
	CONSTANT(0xc2d00000, V16.S4); /* least */ \
	CONSTANT(0x42b20000, V17.S4); /* most */ \
	CONSTANT(0x3fb8aa3b, V18.S4); /* log2e */ \
	CONSTANT(0x4b400000, V19.S4); /* shift, and its bits */ \
	CONSTANT(0x3f318000, V20.S4); /* ln2Hi */ \
	CONSTANT(0xb95e8083, V21.S4); /* ln2Lo */ \
	CONSTANT(0x3efffffe, V22.S4); /* q: 0.49999993 */ \
	CONSTANT(0x3e2aaa48, V23.S4); /* 0.1666652 */ \
	CONSTANT(0x3d2aac79, V24.S4); /* 0.04166839 */ \
	CONSTANT(0x3c091d10, V25.S4); /* 0.008368745 */ \
	CONSTANT(0x3ab511e8, V26.S4); /* 0.001381454 */ \
	CONSTANT(0x3f800000, V27.S4); /* 1 */ \
	CONSTANT(127, V28.S4)

// p *= 2ⁿ
#define TIMESPOWER2(n, number, p) \
	VADD V28.S4, n.S4, n.S4; \
	VSHL $23, n.S4, n.S4; \
	FMUL(number, p, p)

// p = Exp(p): n in V8, t in V9, r in V10, s in V11, q in V12
#define EXP(p) \
	FMAX(16, p, p); \
	FMIN(17, p, p); \
	FMUL(18, p, 9); \
	FADD(19, 9, 9); \
	VSUB V19.S4, V9.S4, V8.S4; \
	FSUB(19, 9, 9); \
	FMUL(20, 9, 13); \
	FSUB(13, p, 10); \
	FMUL(21, 9, 13); \
	FSUB(13, 10, 10); \
	FMUL(10, 10, 11); \
	FMUL(23, 10, 12); \
	FADD(12, 22, 12); \
	FMUL(25, 10, 13); \
	FADD(13, 24, 13); \
	FMUL(26, 11, 14); \
	FADD(14, 13, 13); \
	FMUL(13, 11, 13); \
	FADD(13, 12, 12); \
	FMUL(12, 11, 12); \
	FADD(12, 10, 10); \
	FADD(10, 27, p); \
	SSHR1(8, 13); \
	VSUB V13.S4, V8.S4, V8.S4; \
	TIMESPOWER2(V13, 13, p); \
	TIMESPOWER2(V8, 8, p)

#define SWIGLU(gate, up) \
	FNEG(gate, 15); \
	EXP(15); \
	FADD(15, 27, 15); \
	FDIV(15, gate, gate); \
	FMUL(up, gate, gate)

// func swiGLUNEON(dst, gate, up *float32, n int)
TEXT ·swiGLUNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD gate+8(FP), R1
	MOVD up+16(FP), R2
	MOVD n+24(FP), R3
	CONSTANTS

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4]
	SWIGLU(0, 4)
	SWIGLU(1, 5)
	SWIGLU(2, 6)
	SWIGLU(3, 7)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUBS $16, R3, R3
	BNE loop
	RET

// A NaN is not greater: it is never the largest.
#define LARGER(n, s, largest) \
	FCMGT(n, 4+n, 8); \
	VBIT V8.B16, s.B16, largest.B16

#define LARGEST16 \
	VLD1.P 64(R1), [V4.S4, V5.S4, V6.S4, V7.S4]; \
	LARGER(0, V4, V0); \
	LARGER(1, V5, V1); \
	LARGER(2, V6, V2); \
	LARGER(3, V7, V3)

// func lineMaxNEON(dst, scores *float32, lines int)
TEXT ·lineMaxNEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD scores+8(FP), R1
	MOVD lines+16(FP), R2
	MOVW $0xff800000, R3 // -Inf

line:
	VDUP R3, V0.S4
	VDUP R3, V1.S4
	VDUP R3, V2.S4
	VDUP R3, V3.S4
	LARGEST16
	LARGEST16
	LARGEST16
	LARGEST16
	FMAX(1, 0, 0)
	FMAX(3, 2, 2)
	FMAX(2, 0, 0)
	FMAXV(0, 0)
	FMOVS.P F0, 4(R0)
	SUBS $1, R2, R2
	BNE line
	RET

#define LINEEXP(sum) \
	FSUB(15, 4+sum, 4+sum); \
	EXP(4+sum); \
	FADD(4+sum, sum, sum)

// func lineExpNEON(sums, bases, scores *float32, lines int)
TEXT ·lineExpNEON(SB), NOSPLIT, $0-32
	MOVD sums+0(FP), R0
	MOVD bases+8(FP), R1
	MOVD scores+16(FP), R2
	MOVD lines+24(FP), R3
	CONSTANTS

line:
	VLD1R.P 4(R1), [V15.S4]
	VEOR V0.B16, V0.B16, V0.B16 // V0..V3: 16 sums
	VEOR V1.B16, V1.B16, V1.B16
	VEOR V2.B16, V2.B16, V2.B16
	VEOR V3.B16, V3.B16, V3.B16
	MOVD $64, R4

scores:
	VLD1 (R2), [V4.S4, V5.S4, V6.S4, V7.S4]
	LINEEXP(0)
	LINEEXP(1)
	LINEEXP(2)
	LINEEXP(3)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(R2)
	SUBS $16, R4, R4
	BNE scores

	FADD(2, 0, 0) // halves
	FADD(3, 1, 1)
	FADD(1, 0, 0)
	VDUP V0.D[1], V1.D2
	FADD(1, 0, 0)
	FADDPS(0, 0)
	FMOVS.P F0, 4(R0)
	SUBS $1, R3, R3
	BNE line
	RET
