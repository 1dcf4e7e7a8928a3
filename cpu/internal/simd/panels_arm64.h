// SPDX-License-Identifier: Apache-2.0

// The panel kernels of arm64, for the ways of adding products of bytes that the file
// which includes this one defines:
//
//	DOT(w, x, e, sum)  sum.S4[o] += Σ w.B16[4o+i] · x.B16[4e+i]  over i = 0..3
//	PANELSQ8, PANELSQ4  the routines' names
//
// Both are
//
//	for p := range panels {
//		for r := range rows {
//			for b := range blocks {
//				dst[r][16p:16p+16] += block(w[p][b], s[p][b], x[r][b])
//			}
//		}
//	}
//
// Go's assembler lacks many vector instructions; they are given as words.

#define DST R0     // of the panel's first row
#define DSTSTRIDE R1
#define WPANEL R2  // the panel's weights and scales
#define SPANEL R3
#define XFIRST R4  // the first row
#define XSTRIDE R5
#define BLOCKS R6
#define ROWS R7
#define PANELS R8
#define DSTROW R9
#define XROW R10
#define ROWSLEFT R11
#define WBLOCK R12 // where the row is
#define SBLOCK R13
#define LEFT R14
#define XBLOCK R15

// V0..V3    sums of the block, or of its first half
// V4..V7    sums of its last half
// V8..V11   float32 sums of the row
// V12, V13  nibbles
// V16..V19  weights: 4 outputs each, 4 inputs
// V20..V23  the block's activations
// V24..V26  scratch
// V28       0x0f in each byte
// V29       the block's scale, then its sums for unsigned weights
// V30, V31  scales of the weights

#define SCVTF(n, d) WORD $(0x4E21D800 | (n)<<5 | (d))            // d.S4 = float(n.S4)
#define FMUL(m, n, d) WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d)) // d.S4 = n·m
#define FMLA(m, n, d) WORD $(0x4E20CC00 | (m)<<16 | (n)<<5 | (d)) // d.S4 += n·m
#define FMLA0(m, n, d) WORD $(0x4F801000 | (m)<<16 | (n)<<5 | (d)) // d.S4 += n·m.S[0]
#define FCVTL(n, d) WORD $(0x0E217800 | (n)<<5 | (d))            // d.S4 = n.H4, the lower half
#define FCVTL2(n, d) WORD $(0x4E217800 | (n)<<5 | (d))           // the upper half

#define NEXTWEIGHTS VLD1.P 64(WBLOCK), [V16.B16, V17.B16, V18.B16, V19.B16]

#define BLOCKSTART \
	VLD1.P 64(XBLOCK), [V20.B16, V21.B16, V22.B16, V23.B16]; \
	VLD1.P 16(XBLOCK), [V29.B16]

// Four inputs of all outputs, element e of x.
#define Q8STEP(x, e) \
	NEXTWEIGHTS; \
	DOT(16, x, e, 0); \
	DOT(17, x, e, 1); \
	DOT(18, x, e, 2); \
	DOT(19, x, e, 3)

#define Q8STEPS(x) \
	Q8STEP(x, 0); \
	Q8STEP(x, 1); \
	Q8STEP(x, 2); \
	Q8STEP(x, 3)

// Low and high nibbles of a vector of weights: elements e of lo and hi.
#define NIBBLES(w, lo, hi, e, sum) \
	VAND V28.B16, w.B16, V12.B16; \
	VUSHR $4, w.B16, V13.B16; \
	DOT(12, lo, e, sum); \
	DOT(13, hi, e, 4+sum)

#define Q4STEP(lo, hi, e) \
	NEXTWEIGHTS; \
	NIBBLES(V16, lo, hi, e, 0); \
	NIBBLES(V17, lo, hi, e, 1); \
	NIBBLES(V18, lo, hi, e, 2); \
	NIBBLES(V19, lo, hi, e, 3)

#define Q4STEPS(lo, hi) \
	Q4STEP(lo, hi, 0); \
	Q4STEP(lo, hi, 1); \
	Q4STEP(lo, hi, 2); \
	Q4STEP(lo, hi, 3)

// acc += (sum · scale) · xscale
#define Q8SCALE(widen, scales, sum, acc) \
	SCVTF(sum, sum); \
	widen(scales, 24); \
	FMUL(24, sum, sum); \
	FMLA0(29, sum, acc)

// acc += (lo · scale0 + hi · scale1) · xscale, with the scales of first halves in V16
// and V17, of last halves in V18 and V19
#define Q4SCALE(widen, scales0, scales1, lo, acc) \
	SCVTF(lo, lo); \
	SCVTF(4+lo, 4+lo); \
	widen(scales0, 24); \
	widen(scales1, 25); \
	FMUL(24, lo, lo); \
	FMLA(25, 4+lo, lo); \
	FMLA0(29, lo, acc)

#define LOADOPERANDS \
	MOVD dst+0(FP), DST; \
	MOVD dstStride+8(FP), DSTSTRIDE; \
	MOVD w+16(FP), WPANEL; \
	MOVD s+24(FP), SPANEL; \
	MOVD x+32(FP), XFIRST; \
	MOVD xStride+40(FP), XSTRIDE; \
	MOVD blocks+48(FP), BLOCKS; \
	MOVD rows+56(FP), ROWS; \
	MOVD panels+64(FP), PANELS

#define ROWSTART \
	MOVD WPANEL, WBLOCK; \
	MOVD SPANEL, SBLOCK; \
	MOVD XROW, XBLOCK; \
	MOVD BLOCKS, LEFT; \
	VEOR V8.B16, V8.B16, V8.B16; \
	VEOR V9.B16, V9.B16, V9.B16; \
	VEOR V10.B16, V10.B16, V10.B16; \
	VEOR V11.B16, V11.B16, V11.B16

#define ROWEND \
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (DSTROW); \
	ADD DSTSTRIDE, DSTROW, DSTROW; \
	ADD XSTRIDE, XROW, XROW

// func panelsQ8(dst *float32, dstStride uintptr, w *byte, s *uint16, x *byte, xStride uintptr, blocks, rows, panels int)
TEXT PANELSQ8(SB), NOSPLIT, $0-72
	LOADOPERANDS

panel:
	MOVD DST, DSTROW
	MOVD XFIRST, XROW
	MOVD ROWS, ROWSLEFT

row:
	ROWSTART

block:
	BLOCKSTART
	VEOR V0.B16, V0.B16, V0.B16
	VEOR V1.B16, V1.B16, V1.B16
	VEOR V2.B16, V2.B16, V2.B16
	VEOR V3.B16, V3.B16, V3.B16
	Q8STEPS(20)
	Q8STEPS(21)
	Q8STEPS(22)
	Q8STEPS(23)
	VLD1.P 32(SBLOCK), [V30.B16, V31.B16]
	Q8SCALE(FCVTL, 30, 0, 8)
	Q8SCALE(FCVTL2, 30, 1, 9)
	Q8SCALE(FCVTL, 31, 2, 10)
	Q8SCALE(FCVTL2, 31, 3, 11)
	SUBS $1, LEFT, LEFT
	BNE block

	ROWEND
	SUBS $1, ROWSLEFT, ROWSLEFT
	BNE row

	MOVD WBLOCK, WPANEL // the end of this panel is the start of the next
	MOVD SBLOCK, SPANEL
	ADD $64, DST, DST
	SUBS $1, PANELS, PANELS
	BNE panel
	RET

// func panelsQ4(dst *float32, dstStride uintptr, w *byte, s *uint16, x *byte, xStride uintptr, blocks, rows, panels int)
TEXT PANELSQ4(SB), NOSPLIT, $0-72
	LOADOPERANDS
	VMOVI $15, V28.B16

panel:
	MOVD DST, DSTROW
	MOVD XFIRST, XROW
	MOVD ROWS, ROWSLEFT

row:
	ROWSTART

block:
	// A weight is its nibble less 8: sums start from -8 times those of x.
	BLOCKSTART
	VDUP V29.S[1], V0.S4
	VDUP V29.S[1], V1.S4
	VDUP V29.S[1], V2.S4
	VDUP V29.S[1], V3.S4
	VDUP V29.S[2], V4.S4
	VDUP V29.S[2], V5.S4
	VDUP V29.S[2], V6.S4
	VDUP V29.S[2], V7.S4
	Q4STEPS(20, 22)
	Q4STEPS(21, 23)
	VLD1.P 64(SBLOCK), [V16.B16, V17.B16, V18.B16, V19.B16]
	Q4SCALE(FCVTL, 16, 18, 0, 8)
	Q4SCALE(FCVTL2, 16, 18, 1, 9)
	Q4SCALE(FCVTL, 17, 19, 2, 10)
	Q4SCALE(FCVTL2, 17, 19, 3, 11)
	SUBS $1, LEFT, LEFT
	BNE block

	ROWEND
	SUBS $1, ROWSLEFT, ROWSLEFT
	BNE row

	MOVD WBLOCK, WPANEL
	MOVD SBLOCK, SPANEL
	ADD $64, DST, DST
	SUBS $1, PANELS, PANELS
	BNE panel
	RET
