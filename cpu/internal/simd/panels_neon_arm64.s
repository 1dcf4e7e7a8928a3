// SPDX-License-Identifier: Apache-2.0

//go:build !purego

// The panel kernels for processors with the instructions that every arm64 has.

#include "textflag.h"

#define PANELSQ8 ·panelsQ8NEON
#define PANELSQ4 ·panelsQ4NEON

// Two products of bytes fit 16 bits: 2 · 128 · 127 < 2¹⁵.
#define DUP(x, e, d) WORD $(0x4E040400 | (e)<<19 | (x)<<5 | (d))      // d.S4 = x.S[e]
#define SMULL(m, n, d) WORD $(0x0E20C000 | (m)<<16 | (n)<<5 | (d))    // d.H8 = n.B8 · m.B8
#define SMULL2(m, n, d) WORD $(0x4E20C000 | (m)<<16 | (n)<<5 | (d))   // the upper halves
#define ADDP(m, n, d) WORD $(0x4E60BC00 | (m)<<16 | (n)<<5 | (d))     // d.H8 = sums of neighbours in n, then in m
#define SADALP(n, d) WORD $(0x4E606800 | (n)<<5 | (d))                // d.S4 += sums of neighbours in n.H8

#define DOT(w, x, e, sum) \
	DUP(x, e, 26); \
	SMULL(26, w, 24); \
	SMULL2(26, w, 25); \
	ADDP(25, 24, 24); \
	SADALP(24, sum)

#include "panels_arm64.h"
