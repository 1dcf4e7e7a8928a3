// SPDX-License-Identifier: Apache-2.0

// Few rows times a matrix at the memory's rate: the frame that all formats and
// epilogues share. formats.cuh has the formats, gemv.cu the epilogues.
//
//	y[r, u] = Σₖ x[r, k]·w[u, k], rows r < 4
//
// A block is persistent, one to a multiprocessor. It owns an even share of the
// outputs in tiles of 16 rows of w; its eight warps split the inputs in steps
// of 128 bytes of each row, warp v taking steps v, v + 8, ... Each thread copies its
// own pieces of 16 bytes into a ring of four stages in shared memory, which needs no
// barrier, and so keeps 64 KiB on the way all the time: the copies of the next tile
// start before this one is summed up, and those of the first before the predecessor
// kernel has ended, since weights do not depend on it.
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
constexpr int gemvStages = 4;
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

// Shared is the block's dynamic shared memory, in this order.
struct Shared {
  uint4 *ring;      // [stages, 4 pieces, 256 threads]
  uint8_t *scales;  // [stages, 8 warps, 16 rows, 16 bytes]
  float *sums;      // [2, 8 warps, 2 halves, 32 lanes]
  float *blockSums; // [inPad/32, 8 columns]: sums of x over 32 inputs (Q4) or 64 (Q8)
  bf16 *x;          // [2·rows, inPad + 32]
  int stride;       // inPad + 32

  __device__ Shared(void *memory, int in) {
    const int inPad = padded(in, gemvPad);
    ring = static_cast<uint4 *>(memory);
    scales = reinterpret_cast<uint8_t *>(ring + gemvStages * 4 * gemvThreads);
    sums = reinterpret_cast<float *>(scales + gemvStages * gemvWarps * 16 * 16);
    blockSums = sums + 2 * gemvWarps * 2 * 32;
    x = reinterpret_cast<bf16 *>(blockSums + inPad / 32 * 8);
    stride = inPad + gemvColumnPad;
  }
};

// load8 reads eight inputs of a row from k on; those past the row are zero. whole says
// that in is a multiple of 8: no branch then keeps loads from being under way together.
template <bool whole> __device__ __forceinline__ void load8(float v[8], const float *x, int k, int in) {
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
template <class F> __device__ __forceinline__ void store8(const Shared &s, const float v[8], int r, int k) {
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
    *reinterpret_cast<uint4 *>(s.x + 2 * r * s.stride + k) = make_uint4(high[0], high[1], high[2], high[3]);
    *reinterpret_cast<uint4 *>(s.x + (2 * r + 1) * s.stride + k) = make_uint4(low[0], low[1], low[2], low[3]);
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

// stageX waits for the predecessor and brings x, normalised if asked, into shared
// memory. A thread owns eight consecutive inputs of every 2048. What it can hold in
// registers of the norm's weights is read before the wait, and of x read once.
template <class F, bool whole> __device__ __forceinline__ void stageX(const GemvParams &p, const Shared &s) {
  constexpr int kept = 2, span = 8 * gemvThreads, batch = 4;
  const int inPad = s.stride - gemvColumnPad, first = 8 * threadIdx.x;
  float w[kept][8];
  if (p.norm) {
#pragma unroll
    for (int i = 0; i < kept; i++) load8<whole>(w[i], p.norm, first + i * span, p.in);
  }
  waitForPredecessor();
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

// gemv runs the frame. F is a format; E an epilogue with
//
//	units(), perTile()           outputs in all and of a tile: 16, or 8 pairs
//	row(unit, half)              the rows of w for g (half 0) and g + 8 (half 1)
//	begin()                      reads what the step was given, before the predecessor's end
//	Operands early(unit, end, r) loads what finish will need besides the sums
//	finish(unit, end, r, o, a, b)  takes the sums of a unit's rows: with perTile 16 those
//	                             of unit and unit + 8, else those of the pair
template <class F, class E> __device__ __forceinline__ void gemv(const GemvParams &p, E &epilogue) {
  extern __shared__ uint4 memory[];
  const Shared s(memory, p.in);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  // Whole waves of tiles go around the blocks, so that all stream through the same few
  // pages of memory; what is left is shared evenly, less than a tile each.
  const int wave = gridDim.x * E::perTile, waves = epilogue.units() / wave, rest = epilogue.units() % wave;
  const int restBegin = waves * wave + int(int64_t(rest) * blockIdx.x / gridDim.x);
  const int restEnd = waves * wave + int(int64_t(rest) * (blockIdx.x + 1) / gridDim.x);
  const int tiles = waves + (restEnd > restBegin);
  auto beginOf = [&](int tile) { return tile < waves ? tile * wave + int(blockIdx.x) * E::perTile : restBegin; };
  auto endOf = [&](int tile) { return tile < waves ? beginOf(tile) + E::perTile : restEnd; };
  const int rowBytes = F::rowBytes(p.in), allSteps = (rowBytes + gemvStep - 1) / gemvStep;
  const int steps = max(0, (allSteps - warp + gemvWarps - 1) / gemvWarps);

  const bool whole = F::wholeSteps || rowBytes % gemvStep == 0;
  const uint64_t once = readOncePolicy();

  // The next step to copy: its tile, its place in it, and the lane's two rows.
  int nextTile = 0, nextStep = 0, nextStage = 0;
  Row a, b;
  auto enter = [&](int tile) {
    const int unit = beginOf(tile) + g, last = endOf(tile) - 1;
    a = epilogue.row(min(unit, last), 0);
    b = epilogue.row(min(E::perTile == 16 ? unit + 8 : unit, last), 1);
  };
  auto copyNext = [&] {
    if (nextTile < tiles) {
      const int step = warp + gemvWarps * nextStep, at = step * gemvStep + 16 * t;
      uint4 *slot = s.ring + nextStage * 4 * gemvThreads + threadIdx.x;
#pragma unroll
      for (int c = 0; c < 2; c++) {
        const uint8_t *fromA = a.w + at + 64 * c, *fromB = b.w + at + 64 * c;
        if (whole) {
          copyAsyncOnce16(slot + (2 * c) * gemvThreads, fromA, once);
          copyAsyncOnce16(slot + (2 * c + 1) * gemvThreads, fromB, once);
        } else {
          copyAsync16(slot + (2 * c) * gemvThreads, fromA, at + 64 * c < rowBytes);
          copyAsync16(slot + (2 * c + 1) * gemvThreads, fromB, at + 64 * c < rowBytes);
        }
      }
      F::copyScales(s.scales + ((nextStage * gemvWarps + warp) * 16 + g) * 16, a, b, step, t);
      if (++nextStep == steps) {
        nextStep = 0;
        if (++nextTile < tiles) enter(nextTile);
      }
    }
    nextStage = (nextStage + 1) % gemvStages;
    copyAsyncCommit();
  };

  releaseSuccessor();
  if (tiles > 0 && steps > 0) {
    enter(0);
  } else {
    nextTile = tiles;  // nothing to copy
  }
  for (int i = 0; i < gemvStages; i++) copyNext();
  epilogue.begin();
  if (p.in % 8 == 0) stageX<F, true>(p, s);
  else stageX<F, false>(p, s);

  const bf16 *column = s.x + min(g, 2 * p.rows - 1) * s.stride + 8 * t;
  const bool live = g < 2 * p.rows;
  int stage = 0;
  for (int tile = 0; tile < tiles; tile++) {
    // One warp finishes the tile; the others go on. The second buffer keeps them apart.
    const bool finisher = warp == tile % gemvWarps && t < p.rows;
    const int unit = beginOf(tile) + g, end = endOf(tile);
    typename E::Operands operands;
    if (finisher) operands = epilogue.early(unit, end, t);
    float sum[4] = {};
    for (int step = 0; step < steps; step++) {
      copyAsyncWait<gemvStages - 1>();
      if (F::sumLength) __syncwarp();
      F::step(sum, s.ring + stage * 4 * gemvThreads + threadIdx.x, s.scales + ((stage * gemvWarps + warp) * 16 + g) * 16,
              column, live, s.blockSums + 2 * t, warp + gemvWarps * step);
      if (F::sumLength) __syncwarp();
      copyNext();
      stage = (stage + 1) % gemvStages;
    }
    float *sums = s.sums + (tile & 1) * gemvWarps * 64 + lane;
    sums[warp * 64] = sum[0] + sum[1];
    sums[warp * 64 + 32] = sum[2] + sum[3];
    __syncthreads();
    if (finisher) {
      float low = 0, high = 0;
#pragma unroll
      for (int w = 0; w < gemvWarps; w++) low += sums[w * 64], high += sums[w * 64 + 32];
      epilogue.finish(unit, end, t, operands, low, high);
    }
  }
}

}  // namespace zen
