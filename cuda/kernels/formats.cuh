// SPDX-License-Identifier: Apache-2.0

// The weight formats of gemv.cuh. A format says how long a row is, how a step's
// scales are copied, how many tiles are summed up after one barrier, which costs most where
// a warp has one step to a tile, and how a step of 128 bytes of 16 rows is multiplied:
//
//	sum    [N, parts, 2] of the rows g and g + 8, with row t + 4·n of x
//	stage  the ring's stage, where the step has come
//	lane   what the lane reads of it and of x
//	step   the step's place in the row
//
// Rows and columns that x does not have are its last ones again. Results of one row and of
// several have the same bits.

#pragma once

#include "gemv.cuh"

namespace zen {

// Lane is where a lane finds its part of a step.
template <int R>
struct Lane {
  static constexpr int N = groupsOf(R);
  int chunks[2];            // in a stage: 16 bytes of row g; those of row g + 8 lie rowsOn on
  int scales;               // in a stage: of row g; those of row g + 8 lie 128 bytes on
  const uint8_t *x[N];      // column g, 16·t bytes on
  const float *xScales[N];  // of row t
  int sums;                 // in those of a tile, where the lane's first one goes
  uint4 only[4] = {};       // see FormatQ4
};
constexpr int rowsOn = 2 * gemvThreads * 16;

// piece reads 16 bytes of shared memory.
__device__ __forceinline__ uint4 piece(const uint8_t *at) {
  return *reinterpret_cast<const uint4 *>(at);
}

// pieceWhere reads a piece into v where it is the lane's.
__device__ __forceinline__ void pieceWhere(uint4 &v, const uint8_t *at, bool mine) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %5, 0; @p ld.shared.v4.b32 {%0,%1,%2,%3}, [%4];}"
               : "+r"(v.x), "+r"(v.y), "+r"(v.z), "+r"(v.w)
               : "r"(sharedAddress(at)), "r"(int(mine)));
}

// FormatF16 scales x by its blocks, a step each.
struct FormatF16 {
  static constexpr int block = 64, stepInputs = 64, inputBytes = 2, stepScales = 0, laneScales = 0,
                       together = 1;
  static constexpr bool quantized = false, wholeSteps = false;
  __device__ static constexpr int parts(int) { return 1; }
  __device__ static constexpr bool spreads(int) { return false; }
  __device__ static int rowBytes(int in) { return in * 2; }
  __device__ static void copyScales(uint8_t *, const uint8_t *) {}

  template <int R>
  __device__ static __forceinline__ void step(float (&sum)[groupsOf(R)][1][2], const uint8_t *stage,
                                              Lane<R> &lane, int step) {
    constexpr int N = groupsOf(R);
    float part[N][2][4] = {};  // two chains: half the latency
#pragma unroll
    for (int c = 0; c < 2; c++) {
      const uint8_t *rows = stage + lane.chunks[c];
      const uint4 a = piece(rows), b = piece(rows + rowsOn);
      const uint32_t first[4] = {a.x, b.x, a.y, b.y}, second[4] = {a.z, b.z, a.w, b.w};
#pragma unroll
      for (int n = 0; n < N; n++) {
        const uint4 v = piece(lane.x[n] + 128 * step + 64 * c);
        mma(__half(), part[n][0], first, v.x, v.y);
        mma(__half(), part[n][1], second, v.z, v.w);
      }
    }
#pragma unroll
    for (int n = 0; n < N; n++) {
      const float unit = lane.xScales[n][step];
#pragma unroll
      for (int h = 0; h < 2; h++)
        sum[n][0][h] = fmaf(unit,
                            (part[n][0][2 * h] + part[n][1][2 * h]) +
                                (part[n][0][2 * h + 1] + part[n][1][2 * h + 1]),
                            sum[n][0][h]);
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
  static constexpr int block = 64, stepInputs = 128, inputBytes = 1, stepScales = 4, laneScales = 0,
                       together = 2;
  static constexpr float weightUnit = 1;
  static constexpr bool quantized = true, wholeSteps = true;
  __device__ static constexpr int parts(int) { return 1; }
  __device__ static constexpr bool spreads(int) { return false; }
  __device__ static int rowBytes(int in) { return padded(in, q8Pad); }

  // inputAt returns which of eight inputs x's i-th byte is, for the order of the weights.
  __device__ static constexpr int inputAt(int i) { return (i & 4) | (i & 1) << 1 | (i >> 1 & 1); }

  __device__ static __forceinline__ void copyScales(uint8_t *to, const uint8_t *from) {
    copyAsync4(to, from, true);
  }

  template <int R>
  __device__ static __forceinline__ void step(float (&sum)[groupsOf(R)][1][2], const uint8_t *stage,
                                              Lane<R> &lane, int step) {
    constexpr int N = groupsOf(R);
    const uint8_t *scales = stage + lane.scales;
    const float2 scaleA = __half22float2(*reinterpret_cast<const __half2 *>(scales));
    const float2 scaleB = __half22float2(*reinterpret_cast<const __half2 *>(scales + 128));
    float2 xScale[N];
#pragma unroll
    for (int n = 0; n < N; n++)
      xScale[n] = *reinterpret_cast<const float2 *>(lane.xScales[n] + 2 * step);
#pragma unroll
    for (int c = 0; c < 2; c++) {
      const uint8_t *rows = stage + lane.chunks[c];
      const uint4 a = piece(rows), b = piece(rows + rowsOn);
      const uint32_t first[4] = {a.x ^ flip, b.x ^ flip, a.y ^ flip, b.y ^ flip};
      const uint32_t second[4] = {a.z ^ flip, b.z ^ flip, a.w ^ flip, b.w ^ flip};
#pragma unroll
      for (int n = 0; n < N; n++) {
        const uint4 v = piece(lane.x[n] + 128 * step + 64 * c);
        int digits[4] = {};
        mmaBytes(digits, first, v.x, v.y);
        mmaBytes(digits, second, v.z, v.w);
        addBlock(sum[n][0], digits, c ? scaleA.y : scaleA.x, c ? scaleB.y : scaleB.x,
                 c ? xScale[n].y : xScale[n].x);
      }
    }
  }

  static constexpr uint32_t flip = 0x80808080;  // makes n + 128 of a byte n
};

// FormatQ4 has eight blocks of 32 inputs to a step. A weight lies there plus 8; its four
// bits become the upper ones of a byte, which is 16 times the weight.
//
// A row's sum has four parts, of blocks 2i and 2i + 1 of all steps. One row of x has two of
// mma's eight columns to fill, and blocks 2i have columns 2i and 2i + 1: of four products,
// into the same sums, each has zeros in the others' columns, and lane t has part t.
struct FormatQ4 {
  static constexpr int block = 32, stepInputs = 256, inputBytes = 1, stepScales = 16,
                       laneScales = 8, together = 4;
  static constexpr float weightUnit = 1 / 16.f;
  static constexpr bool quantized = true, wholeSteps = true;
  __device__ static constexpr bool spreads(int rows) { return rows == 1; }
  __device__ static constexpr int parts(int rows) { return spreads(rows) ? 1 : 4; }
  __device__ static int rowBytes(int in) { return padded(in, q4Pad) / 2; }
  __device__ static constexpr int inputAt(int i) { return i / 2 + 4 * (i % 2); }

  __device__ static __forceinline__ void copyScales(uint8_t *to, const uint8_t *from) {
    copyAsync8(to, from);
  }

  // Weights are the words of rows g and g + 8 of a step: block i is word i % 4 of piece i / 4.
  struct Weights {
    uint4 a[2], b[2];
    uint32_t mask, flip;

    __device__ __forceinline__ Weights(const uint8_t *stage, const int chunks[2]) {
#pragma unroll
      for (int c = 0; c < 2; c++) {
        a[c] = piece(stage + chunks[c]);
        b[c] = piece(stage + chunks[c] + rowsOn);
      }
      asm("mov.b32 %0, 0xf0f0f0f0;" : "=r"(mask));
      asm("mov.b32 %0, 0x80808080;" : "=r"(flip));
    }

    // bytes returns the four upper halves of w's bytes as signed bytes. Masks come in
    // registers: with two constants the operation is two instructions.
    __device__ __forceinline__ uint32_t bytes(uint32_t w) const {
      uint32_t b;
      asm("lop3.b32 %0, %1, %2, %3, 0x6a;" : "=r"(b) : "r"(w), "r"(mask), "r"(flip));
      return b;
    }

    // block sets w to mma's operand of block i.
    __device__ __forceinline__ void block(uint32_t w[4], int i) const {
      const uint4 p = a[i / 4], q = b[i / 4];
      const uint32_t wa = i % 4 == 0 ? p.x : i % 4 == 1 ? p.y : i % 4 == 2 ? p.z : p.w;
      const uint32_t wb = i % 4 == 0 ? q.x : i % 4 == 1 ? q.y : i % 4 == 2 ? q.z : q.w;
      w[0] = bytes(wa << 4), w[1] = bytes(wb << 4), w[2] = bytes(wa), w[3] = bytes(wb);
    }
  };

  template <int R>
  __device__ static __forceinline__ void step(float (&sum)[groupsOf(R)][parts(R)][2],
                                              const uint8_t *stage, Lane<R> &lane, int step) {
    constexpr int N = groupsOf(R);
    const Weights weights(stage, lane.chunks);
    const uint8_t *scales = stage + lane.scales;
    uint32_t w[4];
    if constexpr (R == 1) {
      int digits[2][4] = {};
#pragma unroll
      for (int i = 0; i < 4; i++) {
        pieceWhere(lane.only[i], lane.x[0] + 256 * step, threadIdx.x % 32 / 8 == i);
        weights.block(w, 2 * i);
        mmaBytes(digits[0], w, lane.only[i].x, lane.only[i].y);
        weights.block(w, 2 * i + 1);
        mmaBytes(digits[1], w, lane.only[i].z, lane.only[i].w);
      }
      const float2 xScale = *reinterpret_cast<const float2 *>(lane.xScales[0] + 8 * step);
      const float2 sa = __half22float2(*reinterpret_cast<const __half2 *>(scales));
      const float2 sb = __half22float2(*reinterpret_cast<const __half2 *>(scales + 128));
      addBlock(sum[0][0], digits[0], sa.x, sb.x, xScale.x);
      addBlock(sum[0][0], digits[1], sa.y, sb.y, xScale.y);
    } else {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float2 sa = __half22float2(reinterpret_cast<const __half2 *>(scales)[i]);
        const float2 sb = __half22float2(reinterpret_cast<const __half2 *>(scales + 128)[i]);
        uint4 v[N];
        float2 xScale[N];
#pragma unroll
        for (int n = 0; n < N; n++) {
          v[n] = piece(lane.x[n] + 256 * step + 64 * i);
          xScale[n] = *reinterpret_cast<const float2 *>(lane.xScales[n] + 8 * step + 2 * i);
        }
#pragma unroll
        for (int h = 0; h < 2; h++) {
          weights.block(w, 2 * i + h);
#pragma unroll
          for (int n = 0; n < N; n++) {
            int digits[4] = {};
            mmaBytes(digits, w, h ? v[n].z : v[n].x, h ? v[n].w : v[n].y);
            addBlock(sum[n][i], digits, h ? sa.y : sa.x, h ? sb.y : sb.x,
                     h ? xScale[n].y : xScale[n].x);
          }
        }
      }
    }
  }
};

}  // namespace zen
