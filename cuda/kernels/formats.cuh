// SPDX-License-Identifier: Apache-2.0

// The weight formats of gemv.cuh. A format says how long a row is, how a step's
// scales are copied, and how a step of 128 bytes of 16 rows is multiplied:
//
//	sum      the warp's tile [16 outputs, 8 columns] of mma
//	pieces   [2 chunks, 2 rows, 256 threads] the thread's 16-byte pieces: rows g, g + 8
//	scales   the step's scales of row g; those of row g + 8 lie 128 bytes on
//	column   column g of x at input 8t; zero is used unless live
//	sums     [.., 8] the columns 2t, 2t + 1 of sumFactor · the block sums
//	step     the step's place in the row
//
// Q8 and Q4 become BF16 by putting four bits under the exponent of 128: the value
// 128 + n is exact, and the surplus is taken off as the sum's first term, from the
// sum of x over the block.

#pragma once

#include "gemv.cuh"

namespace zen {

// nibbles returns 128 + n in BF16 for the four bits at shift of each half of w.
// The mask comes in a register: as two constants the operation is two instructions.
__device__ __forceinline__ uint32_t nibbles(uint32_t w, int shift, uint32_t mask) {
  uint32_t n;
  asm("lop3.b32 %0, %1, %2, 0x43004300, 0xea;" : "=r"(n) : "r"(w >> shift), "r"(mask));
  return n;
}

__device__ __forceinline__ uint32_t nibbleMask() {
  uint32_t mask;
  asm("mov.b32 %0, 0x000f000f;" : "=r"(mask));
  return mask;
}

// columnPiece returns eight inputs of the lane's column from k on.
__device__ __forceinline__ uint4 columnPiece(const bf16 *column, bool live, int k) {
  return live ? *reinterpret_cast<const uint4 *>(column + k) : make_uint4(0, 0, 0, 0);
}

__device__ __forceinline__ float2 blockSum2(const float *sums, int block) {
  return *reinterpret_cast<const float2 *>(sums + block * 8);
}

struct FormatBF16 {
  static constexpr int sumLength = 0;
  static constexpr bool wholeSteps = false;
  __device__ static int rowBytes(int in) { return in * 2; }
  __device__ static void copyScales(uint8_t *, const Row &, const Row &, int, int) {}

  __device__ static __forceinline__ void step(float sum[4], const uint4 *pieces, const uint8_t *,
                                              const bf16 *column, bool live, const float *,
                                              int step) {
    float part[2][4] = {};  // two chains: half the latency
#pragma unroll
    for (int c = 0; c < 2; c++) {
      const uint4 a = pieces[(2 * c) * gemvThreads], b = pieces[(2 * c + 1) * gemvThreads];
      const uint4 x = columnPiece(column, live, 64 * step + 32 * c);
      const uint32_t first[4] = {a.x, b.x, a.y, b.y}, second[4] = {a.z, b.z, a.w, b.w};
      mma(bf16(), part[0], first, x.x, x.y);
      mma(bf16(), part[1], second, x.z, x.w);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) sum[i] += part[0][i] + part[1][i];
  }
};

// FormatF16 splits each weight into two BF16 numbers, exactly: 8 bits of its
// fraction and the other 3.
struct FormatF16 {
  static constexpr int sumLength = 0;
  static constexpr bool wholeSteps = false;
  __device__ static int rowBytes(int in) { return in * 2; }
  __device__ static void copyScales(uint8_t *, const Row &, const Row &, int, int) {}

  __device__ static __forceinline__ void split(uint32_t &high, uint32_t &low, uint32_t w) {
    const float2 f = __half22float2(*reinterpret_cast<__half2 *>(&w));
    const uint32_t x = __float_as_uint(f.x) & 0xffff0000u, y = __float_as_uint(f.y) & 0xffff0000u;
    high = x >> 16 | y;
    low = __float_as_uint(f.x - __uint_as_float(x)) >> 16 |
          (__float_as_uint(f.y - __uint_as_float(y)) & 0xffff0000u);
  }

  __device__ static __forceinline__ void step(float sum[4], const uint4 *pieces, const uint8_t *,
                                              const bf16 *column, bool live, const float *,
                                              int step) {
#pragma unroll
    for (int c = 0; c < 2; c++) {
      const uint4 a = pieces[(2 * c) * gemvThreads], b = pieces[(2 * c + 1) * gemvThreads];
      const uint4 x = columnPiece(column, live, 64 * step + 32 * c);
      const uint32_t words[2][4] = {{a.x, b.x, a.y, b.y}, {a.z, b.z, a.w, b.w}};
#pragma unroll
      for (int m = 0; m < 2; m++) {
        uint32_t high[4], low[4];
#pragma unroll
        for (int i = 0; i < 4; i++) split(high[i], low[i], words[m][i]);
        mma(bf16(), sum, high, m ? x.z : x.x, m ? x.w : x.y);
        mma(bf16(), sum, low, m ? x.z : x.x, m ? x.w : x.y);
      }
    }
  }
};

// FormatQ8 multiplies the two halves n = 16·high + low of a byte apart. The byte is
// the weight plus 128, so w = 16·(high - 8) + low.
struct FormatQ8 {
  static constexpr int sumLength = 64;
  static constexpr float sumFactor = -8;
  static constexpr bool wholeSteps = true;
  __device__ static int rowBytes(int in) { return padded(in, q8Pad); }

  __device__ static __forceinline__ void copyScales(uint8_t *slot, const Row &a, const Row &b,
                                                    int step, int t) {
    if (t < 2) copyAsync4(slot + 128 * t, (t ? b : a).scales + 4 * step, true);
  }

  __device__ static __forceinline__ void step(float sum[4], const uint4 *pieces,
                                              const uint8_t *scales, const bf16 *column, bool live,
                                              const float *sums, int step) {
    const uint32_t mask = nibbleMask();
    const float2 scaleA = __half22float2(*reinterpret_cast<const __half2 *>(scales));
    const float2 scaleB = __half22float2(*reinterpret_cast<const __half2 *>(scales + 128));
#pragma unroll
    for (int c = 0; c < 2; c++) {
      const uint4 a = pieces[(2 * c) * gemvThreads], b = pieces[(2 * c + 1) * gemvThreads];
      const float2 x0 = blockSum2(sums, 2 * step + c);
      float low[4] = {16 * x0.x, 16 * x0.y, 16 * x0.x, 16 * x0.y};
      float high[4] = {17 * x0.x, 17 * x0.y, 17 * x0.x, 17 * x0.y};
      const uint32_t wordsA[4] = {a.x, a.y, a.z, a.w}, wordsB[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
      for (int h = 0; h < 2; h++) {
        const uint4 x = columnPiece(column, live, 128 * step + 64 * c + 32 * h);
#pragma unroll
        for (int m = 0; m < 2; m++) {
          const uint32_t wa = wordsA[2 * h + m], wb = wordsB[2 * h + m];
          const uint32_t l[4] = {nibbles(wa, 0, mask), nibbles(wb, 0, mask), nibbles(wa, 8, mask),
                                 nibbles(wb, 8, mask)};
          const uint32_t u[4] = {nibbles(wa, 4, mask), nibbles(wb, 4, mask), nibbles(wa, 12, mask),
                                 nibbles(wb, 12, mask)};
          mma(bf16(), low, l, m ? x.z : x.x, m ? x.w : x.y);
          mma(bf16(), high, u, m ? x.z : x.x, m ? x.w : x.y);
        }
      }
      const float sa = c ? scaleA.y : scaleA.x, sb = c ? scaleB.y : scaleB.x;
#pragma unroll
      for (int i = 0; i < 4; i++) sum[i] += (i < 2 ? sa : sb) * (16 * high[i] + low[i]);
    }
  }
};

// FormatQ4 has eight blocks of 32 inputs to a step, each with its own scale.
struct FormatQ4 {
  static constexpr int sumLength = 32;
  static constexpr float sumFactor = -136;
  static constexpr bool wholeSteps = true;
  __device__ static int rowBytes(int in) { return padded(in, q4Pad) / 2; }

  __device__ static __forceinline__ void copyScales(uint8_t *slot, const Row &a, const Row &b,
                                                    int step, int t) {
    if (t < 2) copyAsync16(slot + 128 * t, (t ? b : a).scales + 16 * step, true);
  }

  __device__ static __forceinline__ void step(float sum[4], const uint4 *pieces,
                                              const uint8_t *scales, const bf16 *column, bool live,
                                              const float *sums, int step) {
    const uint32_t mask = nibbleMask();
    const uint4 scaleA = *reinterpret_cast<const uint4 *>(scales),
                scaleB = *reinterpret_cast<const uint4 *>(scales + 128);
    const uint32_t halvesA[4] = {scaleA.x, scaleA.y, scaleA.z, scaleA.w};
    const uint32_t halvesB[4] = {scaleB.x, scaleB.y, scaleB.z, scaleB.w};
#pragma unroll
    for (int c = 0; c < 2; c++) {
      const uint4 a = pieces[(2 * c) * gemvThreads], b = pieces[(2 * c + 1) * gemvThreads];
      const uint32_t wordsA[4] = {a.x, a.y, a.z, a.w}, wordsB[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
      for (int q = 0; q < 4; q++) {
        const uint4 x = columnPiece(column, live, 256 * step + 128 * c + 32 * q);
        const float2 x0 = blockSum2(sums, 8 * step + 4 * c + q);
        float part[4] = {x0.x, x0.y, x0.x, x0.y};
        const uint32_t wa = wordsA[q], wb = wordsB[q];
        const uint32_t first[4] = {nibbles(wa, 0, mask), nibbles(wb, 0, mask), nibbles(wa, 4, mask),
                                   nibbles(wb, 4, mask)};
        const uint32_t second[4] = {nibbles(wa, 8, mask), nibbles(wb, 8, mask),
                                    nibbles(wa, 12, mask), nibbles(wb, 12, mask)};
        mma(bf16(), part, first, x.x, x.y);
        mma(bf16(), part, second, x.z, x.w);
        const float2 sa =
            __half22float2(*reinterpret_cast<const __half2 *>(&halvesA[2 * c + q / 2]));
        const float2 sb =
            __half22float2(*reinterpret_cast<const __half2 *>(&halvesB[2 * c + q / 2]));
#pragma unroll
        for (int i = 0; i < 4; i++)
          sum[i] += (i < 2 ? (q % 2 ? sa.y : sa.x) : (q % 2 ? sb.y : sb.x)) * part[i];
      }
    }
  }
};

}  // namespace zen
