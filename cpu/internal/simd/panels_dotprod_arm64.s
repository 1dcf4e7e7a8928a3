// SPDX-License-Identifier: Apache-2.0

//go:build !purego

// The panel kernels for processors with SDOT (FEAT_DotProd).

#include "textflag.h"

#define PANELSQ8 ·panelsQ8DotProd
#define PANELSQ4 ·panelsQ4DotProd

// SDOT sum.S4, w.B16, x.B[e]
#define DOT(w, x, e, sum) WORD $(0x4F80E000 | ((e)&1)<<21 | (x)<<16 | ((e)>>1)<<11 | (w)<<5 | (sum))

#include "panels_arm64.h"
