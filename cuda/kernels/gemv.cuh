// SPDX-License-Identifier: Apache-2.0

// Few rows times a matrix at the memory's rate: the frame that all formats and
// epilogues share. formats.cuh has the formats, gemv.cu the epilogues.
//
//	y[r, u] = Σₖ x[r, k]·w[u, k], rows r < 4
//
// A block is persistent, one to a multiprocessor. It owns an even share of the
// outputs in tiles of 16 rows of w; its eight warps split the inputs in steps
// of 128 bytes of each row, warp v taking steps v, v + 8, ... Each thread copies its
// own pieces of 16 bytes into a ring of stages in shared memory, which needs no
// barrier, and so keeps up to 128 KiB on the way all the time: the copies of the next
// tile start before this one is summed up, and those of the first before the
// predecessor kernel has ended, since weights do not depend on it.
//
// The product runs on the tensor cores: the tile is the operand a [16 outputs, 16
// inputs], x is b [16 inputs, 8 columns]. x = high + low is split into two BF16
// numbers in columns 2r and 2r+1, together 16 bits of fraction, so that the result
// does not depend on the number of rows. A lane reads eight consecutive inputs of a
// row as one load; both operands permute the inputs alike, which a sum does not see.
//
// In the following g = lane / 4 and t = lane % 4.

#pragma once

#include "rotary.cuh"

namespace zen {

constexpr int gemvThreads = 256;
constexpr int gemvWarps = gemvThreads / 32;
constexpr int gemvMaxStages = 8;
constexpr int gemvStep = 128;      // bytes of a row that a warp takes at a time
constexpr int gemvPad = 256;       // inputs; the longest step, that of Q4
constexpr int gemvColumnPad = 32;  // elements between columns of x: spreads them over the banks

// GemvParams has a twin in package cuda.
//
//	dst       [rows, out] F32
//	x         [rows, in]  F32
//	w, w2     [out, in] of the kernel's format, rows 16-byte aligned
//	scales, scales2       their scales, Q8 and Q4 only
//	bias      [out] F32 or null
//	residual  [rows, out] F32 or null; may be dst
//	norm      [in] F32 or null: x is RMSNormed with this weight first
//
// rows is 1 to 4; in is a multiple of 8 for BF16 and F16.
struct GemvParams {
  float *dst;
  const float *x;
  const void *w;
  const void *scales;
  const void *w2;
  const void *scales2;
  const float *bias;
  const float *residual;
  const float *norm;
  int rows, in, out;
  float eps;
};
static_assert(sizeof(GemvParams) == 88, "GemvParams differs from its Go twin");

// Row is where a lane finds one row of the matrix.
struct Row {
  const uint8_t *w;
  const uint8_t *scales;
};

// Staged is x and what belongs to it in shared memory, in this order.
template <class F>
struct Staged {
  float *sums;       // [2, 8 warps, 2 halves, 32 lanes]
  float *blockSums;  // [inPad/sumLength, 8 columns]: F::sumFactor · the sums of x over a block
  bf16 *x;           // [2·rows, inPad + 32]
  int stride;        // inPad + 32

  __device__ Staged(void *memory, int in) {
    const int inPad = padded(in, gemvPad);
    stride = inPad + gemvColumnPad;
    sums = static_cast<float *>(memory);
    blockSums = sums + 2 * gemvWarps * 2 * 32;
    x = reinterpret_cast<bf16 *>(blockSums + (F::sumLength ? inPad / F::sumLength * 8 : 0));
  }

  // end returns where rows rows of x end.
  __device__ uint4 *end(int rows) const { return reinterpret_cast<uint4 *>(x + 2 * rows * stride); }
};

// load8 reads eight inputs of a row from k on; those past the row are zero. whole says
// that in is a multiple of 8: no branch then keeps loads from being under way together.
template <bool whole>
__device__ __forceinline__ void load8(float v[8], const float *x, int k, int in) {
  if constexpr (whole) {
    float4 a = make_float4(0, 0, 0, 0), b = a;
    if (k < in) {
      a = readL2(reinterpret_cast<const float4 *>(x + k));
      b = readL2(reinterpret_cast<const float4 *>(x + k) + 1);
    }
    v[0] = a.x, v[1] = a.y, v[2] = a.z, v[3] = a.w, v[4] = b.x, v[5] = b.y, v[6] = b.z, v[7] = b.w;
  } else {
#pragma unroll
    for (int i = 0; i < 8; i++) v[i] = k + i < in ? readL2(x + k + i) : 0.f;
  }
}

// store8 writes eight inputs of row r as high and low parts, and their block's sums
// times what the format's bias asks for. Whole warps call it; k past the row is skipped.
template <class F>
__device__ __forceinline__ void store8(const Staged<F> &s, const float v[8], int r, int k) {
  constexpr int sumLength = F::sumLength;
  const bool inside = k < s.stride - gemvColumnPad;
  uint32_t high[4], low[4];
  float highSum = 0, lowSum = 0;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const float a = v[2 * i], b = v[2 * i + 1];
    const uint32_t ha = __float_as_uint(a) & 0xffff0000u, hb = __float_as_uint(b) & 0xffff0000u;
    high[i] = ha >> 16 | hb;
    low[i] = pack(bf16(), a - __uint_as_float(ha), b - __uint_as_float(hb));
    if constexpr (sumLength > 0) {
      highSum += __uint_as_float(ha) + __uint_as_float(hb);
      lowSum += __uint_as_float(low[i] << 16) + __uint_as_float(low[i] & 0xffff0000u);
    }
  }
  if (inside) {
    *reinterpret_cast<uint4 *>(s.x + 2 * r * s.stride + k) =
        make_uint4(high[0], high[1], high[2], high[3]);
    *reinterpret_cast<uint4 *>(s.x + (2 * r + 1) * s.stride + k) =
        make_uint4(low[0], low[1], low[2], low[3]);
  }
  if constexpr (sumLength > 0) {
#pragma unroll
    for (int d = 1; d < sumLength / 8; d *= 2) {
      highSum += __shfl_xor_sync(everyLane, highSum, d);
      lowSum += __shfl_xor_sync(everyLane, lowSum, d);
    }
    if (inside && k % sumLength == 0)
      *reinterpret_cast<float2 *>(s.blockSums + k / sumLength * 8 + 2 * r) =
          make_float2(F::sumFactor * highSum, F::sumFactor * lowSum);
  }
}

// stageX waits for x and brings it, normalised if asked, into shared memory. A thread
// owns eight consecutive inputs of every 2048. What it can hold in registers of the
// norm's weights is read before the wait, and of x read once.
template <class F, bool whole, class Wait>
__device__ __forceinline__ void stageX(const GemvParams &p, const Staged<F> &s, Wait wait) {
  constexpr int kept = 2, span = 8 * gemvThreads, batch = 6;
  const int inPad = s.stride - gemvColumnPad, first = 8 * threadIdx.x;
  float w[kept][8];
  if (p.norm) {
#pragma unroll
    for (int i = 0; i < kept; i++) load8<whole>(w[i], p.norm, first + i * span, p.in);
  }
  wait();
  for (int r = 0; r < p.rows; r++) {
    const float *x = p.x + int64_t(r) * p.in;
    if (!p.norm) {
      for (int base = 0; base < inPad; base += batch * span) {
        float v[batch][8];
#pragma unroll
        for (int i = 0; i < batch; i++) load8<whole>(v[i], x, base + i * span + first, p.in);
#pragma unroll
        for (int i = 0; i < batch; i++)
          if (base + i * span < inPad) store8<F>(s, v[i], r, base + i * span + first);
      }
      continue;
    }
    float v[kept][8], sum = 0;
#pragma unroll
    for (int i = 0; i < kept; i++) load8<whole>(v[i], x, first + i * span, p.in);
#pragma unroll
    for (int i = 0; i < kept; i++)
#pragma unroll
      for (int j = 0; j < 8; j++) sum += v[i][j] * v[i][j];
    for (int base = kept * span; base < inPad; base += span) {
      float y[8];
      load8<whole>(y, x, base + first, p.in);
#pragma unroll
      for (int j = 0; j < 8; j++) sum += y[j] * y[j];
    }
    __syncthreads();  // of the sums' scratch, between rows
    const float scale = 1.f / sqrtf(blockSum(sum, s.sums) / p.in + p.eps);
#pragma unroll
    for (int i = 0; i < kept; i++) {
#pragma unroll
      for (int j = 0; j < 8; j++) v[i][j] *= w[i][j] * scale;
      if (i * span < inPad) store8<F>(s, v[i], r, first + i * span);
    }
    for (int base = kept * span; base < inPad; base += span) {
      float y[8], norm[8];
      load8<whole>(y, x, base + first, p.in);
      load8<whole>(norm, p.norm, base + first, p.in);
#pragma unroll
      for (int j = 0; j < 8; j++) y[j] *= norm[j] * scale;
      store8<F>(s, y, r, base + first);
    }
  }
  __syncthreads();
}

}  // namespace zen
