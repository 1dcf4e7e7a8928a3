// SPDX-License-Identifier: Apache-2.0

// The weight formats of gemv.cuh. A format says how long a row is, how a step's
// scales are copied, how many tiles are summed up after one barrier, which costs most where
// a warp has one step to a tile, and how a step of 128 bytes of 16 rows is multiplied:
//
//	sum      [N, 2] of the rows g and g + 8, with row t + 4·n of x
//	stage    the step's pieces of 16 bytes; the lane's first one of row g is at piece, that
//	         of chunk c at piece ^ 4·c, those of row g + 8 512 pieces on
//	scales   the step's scales of row g; those of row g + 8 lie 128 bytes on
//	x        what the lane reads of x
//	step     the step's place in the row
//
// Rows and columns that x does not have are its last ones again.

#pragma once

#include "gemv.cuh"

namespace zen {

// Columns is what a lane reads of N groups of rows.
template <int N>
struct Columns {
  const uint8_t *at[N];    // column g, 16·t bytes on
  const float *scales[N];  // of row t
};

// columnPiece returns 16 bytes of the lane's column.
__device__ __forceinline__ uint4 columnPiece(const uint8_t *column, int at) {
  return *reinterpret_cast<const uint4 *>(column + at);
}

// FormatF16 scales x by its blocks, a step each.
struct FormatF16 {
  static constexpr int block = 64, inputBytes = 2, stepScales = 0, together = 1;
  static constexpr bool quantized = false, wholeSteps = false;
  __device__ static int rowBytes(int in) { return in * 2; }
  __device__ static void copyScales(uint8_t *, const uint8_t *, int) {}

  template <int N>
  __device__ static __forceinline__ void step(float sum[N][2], const uint4 *stage, int piece,
                                              const uint8_t *, const Columns<N> &x, int step) {
    float part[N][2][4] = {};  // two chains: half the latency
#pragma unroll
    for (int c = 0; c < 2; c++) {
      const uint4 a = stage[piece ^ 4 * c], b = stage[(piece ^ 4 * c) + 2 * gemvThreads];
      const uint32_t first[4] = {a.x, b.x, a.y, b.y}, second[4] = {a.z, b.z, a.w, b.w};
#pragma unroll
      for (int n = 0; n < N; n++) {
        const uint4 v = columnPiece(x.at[n], 128 * step + 64 * c);
        mma(__half(), part[n][0], first, v.x, v.y);
        mma(__half(), part[n][1], second, v.z, v.w);
      }
    }
#pragma unroll
    for (int n = 0; n < N; n++) {
      const float unit = x.scales[n][step];
#pragma unroll
      for (int h = 0; h < 2; h++)
        sum[n][h] = fmaf(unit,
                         (part[n][0][2 * h] + part[n][1][2 * h]) +
                             (part[n][0][2 * h + 1] + part[n][1][2 * h + 1]),
                         sum[n][h]);
    }
  }
};

// addBlock adds the sums of a block of inputs: high and low digits of row g, of row g + 8.
__device__ __forceinline__ void addBlock(float sum[2], const int digits[4], float scaleA,
                                         float scaleB, float xScale) {
  sum[0] = fmaf(__fmul_rn(scaleA, xScale), float(digits[0] * 256 + digits[1]), sum[0]);
  sum[1] = fmaf(__fmul_rn(scaleB, xScale), float(digits[2] * 256 + digits[3]), sum[1]);
}

// FormatQ8 has two blocks of 64 inputs to a step. A weight lies there plus 128.
struct FormatQ8 {
  static constexpr int block = 64, inputBytes = 1, stepScales = 4, together = 2;
  static constexpr float weightUnit = 1;
  static constexpr bool quantized = true, wholeSteps = true;
  __device__ static int rowBytes(int in) { return padded(in, q8Pad); }

  // inputAt returns which of eight inputs x's i-th byte is, for the order of the weights.
  __device__ static constexpr int inputAt(int i) { return (i & 4) | (i & 1) << 1 | (i >> 1 & 1); }

  __device__ static __forceinline__ void copyScales(uint8_t *to, const uint8_t *from, int t) {
    if (t < 2) copyAsync4(to + 128 * t, from, true);
  }

  template <int N>
  __device__ static __forceinline__ void step(float sum[N][2], const uint4 *stage, int piece,
                                              const uint8_t *scales, const Columns<N> &x,
                                              int step) {
    const float2 scaleA = __half22float2(*reinterpret_cast<const __half2 *>(scales));
    const float2 scaleB = __half22float2(*reinterpret_cast<const __half2 *>(scales + 128));
    float2 xScale[N];
#pragma unroll
    for (int n = 0; n < N; n++)
      xScale[n] = *reinterpret_cast<const float2 *>(x.scales[n] + 2 * step);
#pragma unroll
    for (int c = 0; c < 2; c++) {
      const uint4 a = stage[piece ^ 4 * c], b = stage[(piece ^ 4 * c) + 2 * gemvThreads];
      const uint32_t first[4] = {a.x ^ flip, b.x ^ flip, a.y ^ flip, b.y ^ flip};
      const uint32_t second[4] = {a.z ^ flip, b.z ^ flip, a.w ^ flip, b.w ^ flip};
#pragma unroll
      for (int n = 0; n < N; n++) {
        const uint4 v = columnPiece(x.at[n], 128 * step + 64 * c);
        int digits[4] = {};
        mmaBytes(digits, first, v.x, v.y);
        mmaBytes(digits, second, v.z, v.w);
        addBlock(sum[n], digits, c ? scaleA.y : scaleA.x, c ? scaleB.y : scaleB.x,
                 c ? xScale[n].y : xScale[n].x);
      }
    }
  }

  static constexpr uint32_t flip = 0x80808080;  // makes n + 128 of a byte n
};

// FormatQ4 has eight blocks of 32 inputs to a step. A weight lies there plus 8; its four
// bits become the upper ones of a byte, which is 16 times the weight.
struct FormatQ4 {
  static constexpr int block = 32, inputBytes = 1, stepScales = 16, together = 4;
  static constexpr float weightUnit = 1 / 16.f;
  static constexpr bool quantized = true, wholeSteps = true;
  __device__ static int rowBytes(int in) { return padded(in, q4Pad) / 2; }
  __device__ static constexpr int inputAt(int i) { return i / 2 + 4 * (i % 2); }

  __device__ static __forceinline__ void copyScales(uint8_t *to, const uint8_t *from, int t) {
    if (t < 2) copyAsync16(to + 128 * t, from, true);
  }

  // bytes returns the four upper halves of w's bytes as signed bytes. Masks come in
  // registers: with two constants the operation is two instructions.
  __device__ static __forceinline__ uint32_t bytes(uint32_t w, uint32_t mask, uint32_t flip) {
    uint32_t b;
    asm("lop3.b32 %0, %1, %2, %3, 0x6a;" : "=r"(b) : "r"(w), "r"(mask), "r"(flip));
    return b;
  }

  template <int N>
  __device__ static __forceinline__ void step(float sum[N][2], const uint4 *stage, int piece,
                                              const uint8_t *scales, const Columns<N> &x,
                                              int step) {
    uint32_t mask, flip;
    asm("mov.b32 %0, 0xf0f0f0f0;" : "=r"(mask));
    asm("mov.b32 %0, 0x80808080;" : "=r"(flip));
    const uint4 scaleA = *reinterpret_cast<const uint4 *>(scales),
                scaleB = *reinterpret_cast<const uint4 *>(scales + 128);
    const uint32_t halvesA[4] = {scaleA.x, scaleA.y, scaleA.z, scaleA.w};
    const uint32_t halvesB[4] = {scaleB.x, scaleB.y, scaleB.z, scaleB.w};
#pragma unroll
    for (int c = 0; c < 2; c++) {
      const uint4 a = stage[piece ^ 4 * c], b = stage[(piece ^ 4 * c) + 2 * gemvThreads];
      const uint32_t wordsA[4] = {a.x, a.y, a.z, a.w}, wordsB[4] = {b.x, b.y, b.z, b.w};
      float xScale[N][4];
#pragma unroll
      for (int n = 0; n < N; n++)
        *reinterpret_cast<float4 *>(xScale[n]) =
            *reinterpret_cast<const float4 *>(x.scales[n] + 8 * step + 4 * c);
#pragma unroll
      for (int q = 0; q < 4; q += 2) {
        uint4 v[N];
#pragma unroll
        for (int n = 0; n < N; n++)
          v[n] = columnPiece(x.at[n], 256 * step + 128 * c + 32 * q);
        const float2 sa = __half22float2(*reinterpret_cast<const __half2 *>(&halvesA[2 * c + q / 2]));
        const float2 sb = __half22float2(*reinterpret_cast<const __half2 *>(&halvesB[2 * c + q / 2]));
#pragma unroll
        for (int h = 0; h < 2; h++) {
          const uint32_t wa = wordsA[q + h], wb = wordsB[q + h];
          const uint32_t w[4] = {bytes(wa << 4, mask, flip), bytes(wb << 4, mask, flip),
                                 bytes(wa, mask, flip), bytes(wb, mask, flip)};
#pragma unroll
          for (int n = 0; n < N; n++) {
            int digits[4] = {};
            mmaBytes(digits, w, h ? v[n].z : v[n].x, h ? v[n].w : v[n].y);
            addBlock(sum[n], digits, h ? sa.y : sa.x, h ? sb.y : sb.x, xScale[n][q + h]);
          }
        }
      }
    }
  }
};

}  // namespace zen
