// SPDX-License-Identifier: Apache-2.0

//go:build !purego

// Loops over float32, 16 elements at a time.

#include "textflag.h"
#include "neon_arm64.h"

// func addNEON(dst, x, y *float32, n int)
TEXT ·addNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD y+16(FP), R2
	MOVD n+24(FP), R3

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R2), [V4.S4, V5.S4, V6.S4, V7.S4]
	FADD(4, 0, 0)
	FADD(5, 1, 1)
	FADD(6, 2, 2)
	FADD(7, 3, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUBS $16, R3, R3
	BNE loop
	RET

// func scaleNEON(dst, x *float32, scale float32, n int)
TEXT ·scaleNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVWU scale+16(FP), R2
	MOVD n+24(FP), R3
	VDUP R2, V16.S4

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	FMUL(16, 0, 0)
	FMUL(16, 1, 1)
	FMUL(16, 2, 2)
	FMUL(16, 3, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUBS $16, R3, R3
	BNE loop
	RET

// func scaleMulNEON(dst, x *float32, scale float32, w *float32, n int)
TEXT ·scaleMulNEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVWU scale+16(FP), R2
	MOVD w+24(FP), R4
	MOVD n+32(FP), R3
	VDUP R2, V16.S4

loop:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R4), [V4.S4, V5.S4, V6.S4, V7.S4]
	FMUL(16, 0, 0)
	FMUL(16, 1, 1)
	FMUL(16, 2, 2)
	FMUL(16, 3, 3)
	FMUL(4, 0, 0)
	FMUL(5, 1, 1)
	FMUL(6, 2, 2)
	FMUL(7, 3, 3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUBS $16, R3, R3
	BNE loop
	RET

// sums of two pairs of squares: V16 and V17 are x in float64
#define SQUARES(x, sum) \
	FCVTLD(x, 16); \
	FCVTLD2(x, 17); \
	FMLAD(16, 16, sum); \
	FMLAD(17, 17, sum+1)

// func squaresNEON(x *float32, n int) float64
TEXT ·squaresNEON(SB), NOSPLIT, $0-24
	MOVD x+0(FP), R0
	MOVD n+8(FP), R1
	VEOR V0.B16, V0.B16, V0.B16 // V0..V7: 16 sums
	VEOR V1.B16, V1.B16, V1.B16
	VEOR V2.B16, V2.B16, V2.B16
	VEOR V3.B16, V3.B16, V3.B16
	VEOR V4.B16, V4.B16, V4.B16
	VEOR V5.B16, V5.B16, V5.B16
	VEOR V6.B16, V6.B16, V6.B16
	VEOR V7.B16, V7.B16, V7.B16

loop:
	VLD1.P 64(R0), [V20.S4, V21.S4, V22.S4, V23.S4]
	SQUARES(20, 0)
	SQUARES(21, 2)
	SQUARES(22, 4)
	SQUARES(23, 6)
	SUBS $16, R1, R1
	BNE loop

	FADDD(4, 0, 0) // halves
	FADDD(5, 1, 1)
	FADDD(6, 2, 2)
	FADDD(7, 3, 3)
	FADDD(2, 0, 0)
	FADDD(3, 1, 1)
	FADDD(1, 0, 0)
	FADDPD(0, 0)
	FMOVD F0, ret+16(FP)
	RET

// Four pairs: u in V(u), v in V(u+2), their cosines in V(c), sines in V(c+2).
#define TURN(u, c) \
	FMUL(c, u, 16); \
	FMUL(c+2, u+2, 17); \
	FMUL(c, u+2, 18); \
	FMUL(c+2, u, 19); \
	FSUB(17, 16, u); \
	FADD(19, 18, u+2)

// func rotateNEON(x, angles *float32, half, heads int)
TEXT ·rotateNEON(SB), NOSPLIT, $0-32
	MOVD x+0(FP), R0
	MOVD angles+8(FP), R1
	MOVD half+16(FP), R2
	MOVD heads+24(FP), R3

head:
	ADD R2<<2, R0, R4 // the second half
	MOVD R1, R5       // cosines
	ADD R2<<2, R1, R6 // sines
	MOVD R2, R7

loop:
	VLD1 (R0), [V0.S4, V1.S4]
	VLD1 (R4), [V2.S4, V3.S4]
	VLD1.P 32(R5), [V4.S4, V5.S4]
	VLD1.P 32(R6), [V6.S4, V7.S4]
	TURN(0, 4)
	TURN(1, 5)
	VST1.P [V0.S4, V1.S4], 32(R0)
	VST1.P [V2.S4, V3.S4], 32(R4)
	SUBS $8, R7, R7
	BNE loop

	MOVD R4, R0
	SUBS $1, R3, R3
	BNE head
	RET
