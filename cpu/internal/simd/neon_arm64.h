// SPDX-License-Identifier: Apache-2.0

// The vector instructions of arm64 that Go's assembler lacks, as words. Operands are
// numbers of registers in Go's order, the result last; S4 where nothing is said.

#define FADD(m, n, d) WORD $(0x4E20D400 | (m)<<16 | (n)<<5 | (d))   // d = n + m
#define FSUB(m, n, d) WORD $(0x4EA0D400 | (m)<<16 | (n)<<5 | (d))   // d = n - m
#define FMUL(m, n, d) WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d))   // d = n·m
#define FDIV(m, n, d) WORD $(0x6E20FC00 | (m)<<16 | (n)<<5 | (d))   // d = n / m
#define FMLA(m, n, d) WORD $(0x4E20CC00 | (m)<<16 | (n)<<5 | (d))   // d += n·m, rounded once
#define FMAX(m, n, d) WORD $(0x4E20F400 | (m)<<16 | (n)<<5 | (d))   // d = max(n, m), NaN if one is
#define FMIN(m, n, d) WORD $(0x4EA0F400 | (m)<<16 | (n)<<5 | (d))   // d = min(n, m), NaN if one is
#define FNEG(n, d) WORD $(0x6EA0F800 | (n)<<5 | (d))                // d = -n
#define FADDP(m, n, d) WORD $(0x6E20D400 | (m)<<16 | (n)<<5 | (d))  // d = sums of neighbours in n, then in m
#define FADDPS(n, d) WORD $(0x7E30D800 | (n)<<5 | (d))              // d.S = n.S[0] + n.S[1]
#define FMAXV(n, d) WORD $(0x6E30F800 | (n)<<5 | (d))               // d.S = the largest of n
#define FCMGT(m, n, d) WORD $(0x6EA0E400 | (m)<<16 | (n)<<5 | (d))  // d = all bits where n > m
#define FCMEQ(m, n, d) WORD $(0x4E20E400 | (m)<<16 | (n)<<5 | (d))  // d = all bits where n = m
#define SCVTF(n, d) WORD $(0x4E21D800 | (n)<<5 | (d))               // d = float(n)
#define SSHR1(n, d) WORD $(0x4F3F0400 | (n)<<5 | (d))               // d = n >> 1, signed

#define FADDD(m, n, d) WORD $(0x4E60D400 | (m)<<16 | (n)<<5 | (d))  // d.D2 = n.D2 + m.D2
#define FMLAD(m, n, d) WORD $(0x4E60CC00 | (m)<<16 | (n)<<5 | (d))  // d.D2 += n.D2·m.D2
#define FADDPD(n, d) WORD $(0x7E70D800 | (n)<<5 | (d))              // d.D = n.D[0] + n.D[1]
#define FCVTLD(n, d) WORD $(0x0E617800 | (n)<<5 | (d))              // d.D2 = n.S2, the lower half
#define FCVTLD2(n, d) WORD $(0x4E617800 | (n)<<5 | (d))             // the upper half

#define FCVTL(n, d) WORD $(0x0E217800 | (n)<<5 | (d))               // d = n.H4, the lower half
#define FCVTL2(n, d) WORD $(0x4E217800 | (n)<<5 | (d))              // the upper half
#define FCVTN(n, d) WORD $(0x0E216800 | (n)<<5 | (d))               // d.H4 = n
#define FCVTN2(n, d) WORD $(0x4E216800 | (n)<<5 | (d))              // the upper half of d.H8
#define SHLL(n, d) WORD $(0x2E613800 | (n)<<5 | (d))                // d = n.H4 << 16, the lower half
#define SHLL2(n, d) WORD $(0x6E613800 | (n)<<5 | (d))               // the upper half
#define SHRN(n, d) WORD $(0x0F108400 | (n)<<5 | (d))                // d.H4 = n >> 16
#define SHRN2(n, d) WORD $(0x4F108400 | (n)<<5 | (d))               // the upper half of d.H8
#define SXTLB(n, d) WORD $(0x0F08A400 | (n)<<5 | (d))               // d.H8 = n.B8, the lower half
#define SXTLB2(n, d) WORD $(0x4F08A400 | (n)<<5 | (d))              // the upper half
#define SXTLH(n, d) WORD $(0x0F10A400 | (n)<<5 | (d))               // d = n.H4, the lower half
#define SXTLH2(n, d) WORD $(0x4F10A400 | (n)<<5 | (d))              // the upper half
