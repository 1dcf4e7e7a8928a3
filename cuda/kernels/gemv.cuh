// SPDX-License-Identifier: Apache-2.0

// Few rows times a matrix at the memory's rate: the frame that all formats and
// epilogues share, which formats.cuh and epilogues.cuh have.
//
//	y[r, u] = Σₖ x[r, k]·w[u, k], rows r < R, R 1, 4 or 8
//
// A block is persistent, one or two to a multiprocessor. It owns an even share of the
// outputs in tiles of 16 rows of w; its eight warps split the inputs in steps
// of 128 bytes of each row, warp v taking steps v, v + 8, ... Each warp copies its
// own steps into a ring of stages in shared memory, which needs no barrier of the
// block, and so keeps up to 128 KiB on the way all the time: the copies of the next
// tile start before this one is summed up, and those of the first before the
// predecessor kernel has ended, since weights do not depend on it. Once it has, each
// warp brings the inputs of its own steps into shared memory.
//
// The product runs on the tensor cores: the tile is the operand a [16 outputs, inputs],
// four rows of x are b [inputs, 8 columns]. A row is split into two columns, 2r and 2r+1,
// a block of inputs at a time, in units of the block's largest: for F16 weights into F16
// numbers high + low, together 22 bits; for quantised weights, in the blocks that have a
// scale, into the digits of 256·high + low, 16 bits, so that products of weights and digits
// and their sums over a block are integers and exact. A result does not depend on the
// number of rows, whichever kernel takes them: where a compiler could make one operation of
// a product and a sum or two, and not the same in all kernels, the code says which. Both
// operands permute the inputs alike, which a sum does not see.
//
// In the following g = lane / 4, t = lane % 4, and n < N = ceil(R/4) is a group of rows.

#pragma once

#include <type_traits>

#include "rotary.cuh"

namespace zen {

constexpr int gemvThreads = 256;
constexpr int gemvWarps = gemvThreads / 32;
constexpr int gemvGroup = 4;       // rows
constexpr int gemvStep = 128;      // bytes of a row that a warp takes at a time
constexpr int gemvPad = 256;       // inputs; the longest step, that of Q4
constexpr int gemvColumnPad = 64;  // bytes between columns of x: spreads them over the banks
constexpr int gemvSpan = 8 * gemvThreads;  // inputs that a block brings at a time

__host__ __device__ constexpr int groupsOf(int rows) { return (rows + gemvGroup - 1) / gemvGroup; }

// tilesTogether returns how many tiles of a format are summed up after one barrier.
template <class F>
__host__ __device__ constexpr int tilesTogether(int rows) {
  return F::together > groupsOf(rows) ? F::together / groupsOf(rows) : 1;
}

// GemvParams has a twin in package cuda.
//
//	dst       [rows, out] F32
//	x         [rows, in]  F32
//	w, w2     [out, in] of the kernel's format, rows 16-byte aligned
//	scales, scales2       their scales, Q8 and Q4 only
//	wScale, w2Scale       powers of two that the products are multiplied by
//	bias      [out] F32 or null
//	residual  [rows, out] F32 or null; may be dst
//	norm      [in] F32 of kernels that RMSNorm x with this weight first
//
// late is for Tiles: 0, or so few that the first half of the blocks has some; their number is
// even then.
//
// rows is 1 to R; in is a multiple of 8 for F16, and where R is 1.
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
  int rows, in, out, late;
  float eps, wScale, w2Scale;
};
static_assert(sizeof(GemvParams) == 104, "GemvParams differs from its Go twin");

// Row is where a row of the matrix lies.
struct Row {
  const uint8_t *w;
  const uint8_t *scales;
};

// Staged is x and what belongs to it in shared memory, in this order. A column holds the
// one or two bytes of an input in the order in which mma takes them: 16 bytes of each of
// the four t follow one another. All parts, and the ring behind them, begin at multiples of
// 128 bytes: where they do not, copies take longer (down 21 us in place of 18).
template <class F, int R>
struct Staged {
  static constexpr int N = groupsOf(R);
  float *sums;     // [2, together tiles, 8 warps, N, 2 halves, 32 lanes]
  float *squares;  // [4·N rows, 8 warps]: of x, where it is normalised
  float *scales;   // [rows, inPad/F::block], padded to 128 bytes
  uint8_t *x;      // [2·rows, column]
  int inPad, column;

  __device__ Staged(void *memory, int rows, int in) {
    inPad = padded(in, gemvPad), column = inPad * F::inputBytes + gemvColumnPad;
    sums = static_cast<float *>(memory);
    squares = sums + 2 * tilesTogether<F>(R) * gemvWarps * N * 2 * 32;
    scales = squares + gemvGroup * N * gemvWarps;
    x = reinterpret_cast<uint8_t *>(scales + padded(rows * (inPad / F::block), 32));
  }

  // end returns where rows rows of x end.
  __device__ uint4 *end(int rows) const { return reinterpret_cast<uint4 *>(x + 2 * rows * column); }
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

// largestOf returns the larger magnitude, NaN if one is.
__device__ __forceinline__ float largestOf(float a, float b) {
  float c;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(c) : "f"(fabsf(a)), "f"(fabsf(b)));
  return c;
}

// largestOfBlocks sets the bits of the largest magnitude of each eight inputs of the lane and
// of its neighbours' of the same block. An infinity or NaN is larger than all numbers. Whole
// warps call it; the exchanges of several eights are under way together.
template <int block, int count>
__device__ __forceinline__ void largestOfBlocks(uint32_t largest[count], const float v[][8]) {
#pragma unroll
  for (int n = 0; n < count; n++)
    largest[n] = __float_as_uint(
        largestOf(largestOf(largestOf(v[n][0], v[n][1]), largestOf(v[n][2], v[n][3])),
                  largestOf(largestOf(v[n][4], v[n][5]), largestOf(v[n][6], v[n][7]))));
#pragma unroll
  for (int d = 1; d < block / 8; d *= 2)
#pragma unroll
    for (int n = 0; n < count; n++)
      largest[n] = max(largest[n], __shfl_xor_sync(everyLane, largest[n], d));
}

// storeHalves writes eight inputs of row r as their high and low parts in F16, in units of
// a power of two that brings the block's largest to [2^14, 2^15), and that unit.
template <class F, int R>
__device__ __forceinline__ void storeHalves(const Staged<F, R> &s, const float v[8],
                                            uint32_t largest, int r, int k) {
  const uint32_t exponent = max(largest >> 23, 15);  // both powers are normal numbers
  const float inverse = __uint_as_float((268 - exponent) << 23);
  uint32_t high[4], low[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const float a = __fmul_rn(v[2 * i], inverse), b = __fmul_rn(v[2 * i + 1], inverse);
    high[i] = pack(__half(), a, b);
    const float2 h = __half22float2(*reinterpret_cast<__half2 *>(&high[i]));
    low[i] = pack(__half(), a - h.x, b - h.y);
  }
  if (k >= s.inPad) return;
  uint8_t *to = s.x + 2 * r * s.column + 2 * k;
  *reinterpret_cast<uint4 *>(to) = make_uint4(high[0], high[1], high[2], high[3]);
  *reinterpret_cast<uint4 *>(to + s.column) = make_uint4(low[0], low[1], low[2], low[3]);
  if (k % F::block == 0)
    s.scales[r * (s.inPad / F::block) + k / F::block] = __uint_as_float((exponent - 14) << 23);
}

// storeDigits writes eight inputs of row r as numbers n = 256·high + low in units of the
// block's scale, |n| <= 127·256, and the scale, which an infinity or NaN becomes.
template <class F, int R>
__device__ __forceinline__ void storeDigits(const Staged<F, R> &s, const float v[8],
                                            uint32_t largest, int r, int k) {
  constexpr float least = 1e-30f, most = 127 * 256;
  const float top = __uint_as_float(max(largest, __float_as_uint(least)));
  // unit is most/top, rounded as a division does: the inverse of the scale, which like the scale
  // is never subnormal, and what is missing.
  const float scale = top * (1 / most);
  float unit;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(unit) : "f"(scale));
  unit = fmaf(fmaf(-unit, top, most), unit * (1 / most), unit);
  // Of 1.5·2^23 + 128 + n the lowest byte is low + 128, the next one high.
  uint32_t high[2], low[2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    uint32_t n[4];
#pragma unroll
    for (int j = 0; j < 4; j++)
      n[j] = __float_as_uint(fmaf(v[F::inputAt(4 * i + j)], unit, 12582912.f + 128.f));
    const uint32_t a = __byte_perm(n[0], n[1], 0x5140), b = __byte_perm(n[2], n[3], 0x5140);
    high[i] = __byte_perm(a, b, 0x7632);
    low[i] = __byte_perm(a, b, 0x5410) ^ 0x80808080u;
  }
  if (k >= s.inPad) return;
  uint8_t *to = s.x + 2 * r * s.column + k / 64 * 64 + k / 8 % 4 * 16 + k / 32 % 2 * 8;
  *reinterpret_cast<uint2 *>(to) = make_uint2(high[0], high[1]);
  *reinterpret_cast<uint2 *>(to + s.column) = make_uint2(low[0], low[1]);
  if (k % F::block == 0) s.scales[r * (s.inPad / F::block) + k / F::block] = scale * F::weightUnit;
}

// store8 writes eight inputs of row r, k past the row excepted.
template <class F, int R>
__device__ __forceinline__ void store8(const Staged<F, R> &s, const float v[8], uint32_t largest,
                                       int r, int k) {
  if constexpr (F::quantized)
    storeDigits(s, v, largest, r, k);
  else
    storeHalves(s, v, largest, r, k);
}

// storeSpans writes count eights of the one row, k and as many times a span of inputs on.
template <int count, class F, int R>
__device__ __forceinline__ void storeSpans(const Staged<F, R> &s, const float v[][8], int k) {
  uint32_t largest[count];
  largestOfBlocks<F::block, count>(largest, v);
#pragma unroll
  for (int i = 0; i < count; i++) store8(s, v[i], largest[i], 0, k + i * gemvSpan);
}

// addSquare adds the square of an input and multiplies it by its weight of the norm.
__device__ __forceinline__ void addSquare(float &sum, float &v, float w) {
  sum = fmaf(v, v, sum), v = __fmul_rn(v, w);
}

// firstInput returns the first of the eight consecutive inputs of every 2048 that a thread
// brings: those that its own warp multiplies, so that no warp waits for another.
template <class F>
__device__ __forceinline__ int firstInput() {
  constexpr int lanes = F::stepInputs / 8;  // of a step
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  return (warp + lane / lanes * gemvWarps) * F::stepInputs + lane % lanes * 8;
}

// stageRow waits for the one row of x and brings it into shared memory.
template <class F, int R, class Wait>
__device__ __forceinline__ void stageRow(const GemvParams &p, const Staged<F, R> &s, Wait wait) {
  constexpr int span = gemvSpan, batch = 6;
  const int inPad = s.inPad, first = firstInput<F>();
  wait();
  for (int base = 0; base < inPad; base += batch * span) {
    float v[batch][8];
#pragma unroll
    for (int i = 0; i < batch; i++) load8<true>(v[i], p.x, base + i * span + first, p.in);
    // Few branches: the compiler mixes what lies between them.
    const int k = base + first;
    storeSpans<1>(s, v, k);
    if (base + span >= inPad) break;
    storeSpans<2>(s, v + 1, k + span);
    if (base + 3 * span >= inPad) break;
    storeSpans<3>(s, v + 3, k + 3 * span);
  }
  __syncwarp();
}

// stageNormedRow is stageRow times the norm's weights, with the sum of the row's squares: 1/rms
// is a factor of the product's results, and nothing waits for it. What a thread can hold in
// registers of the norm's weights is read before the wait.
template <class F, int R, class Wait>
__device__ __forceinline__ void stageNormedRow(const GemvParams &p, const Staged<F, R> &s,
                                               Wait wait) {
  constexpr int held = 2, span = gemvSpan;
  const int inPad = s.inPad, first = firstInput<F>();
  float w[held][8], sum = 0;
  auto loadNorm = [&](int base) {
#pragma unroll
    for (int i = 0; i < held; i++) load8<true>(w[i], p.norm, base + i * span + first, p.in);
  };
  loadNorm(0);
  wait();
  auto stage = [&](auto spans, int base) {
    constexpr int count = decltype(spans)::value;
    float v[count][8];
#pragma unroll
    for (int i = 0; i < count; i++) load8<true>(v[i], p.x, base + i * span + first, p.in);
    if (base > 0) loadNorm(base);
#pragma unroll
    for (int i = 0; i < count; i++)
#pragma unroll
      for (int j = 0; j < 8; j++) addSquare(sum, v[i][j], w[i][j]);
    storeSpans<count>(s, v, base + first);
  };
  if (inPad <= span)
    stage(std::integral_constant<int, 1>(), 0);
  else
    for (int base = 0; base < inPad; base += held * span)
      stage(std::integral_constant<int, held>(), base);
  sum = warpSum(sum);
  if (threadIdx.x % 32 == 0) s.squares[threadIdx.x / 32] = sum;
  __syncwarp();
}

// stageRows is either for several rows, whose loads are under way together.
template <bool whole, bool normed, class F, int R, class Wait>
__device__ __forceinline__ void stageRows(const GemvParams &p, const Staged<F, R> &s, Wait wait) {
  constexpr int span = gemvSpan;
  const int first = firstInput<F>();
  float w[8], sum[R] = {};
  if (normed) load8<whole>(w, p.norm, first, p.in);
  wait();
  for (int k = first, base = 0; base < s.inPad; k += span, base += span) {
    float v[R][8] = {};
#pragma unroll
    for (int r = 0; r < R; r++)
      if (r < p.rows) load8<whole>(v[r], p.x + int64_t(r) * p.in, k, p.in);
    if (normed && base > 0) load8<whole>(w, p.norm, k, p.in);
    if (normed)
#pragma unroll
      for (int r = 0; r < R; r++)
#pragma unroll
        for (int j = 0; j < 8; j++) addSquare(sum[r], v[r][j], w[j]);
    uint32_t largest[R];
    largestOfBlocks<F::block, R>(largest, v);
#pragma unroll
    for (int r = 0; r < R; r++) {
      if (r >= p.rows) break;
      store8(s, v[r], largest[r], r, k);
    }
  }
#pragma unroll
  for (int r = 0; r < R; r++) {
    sum[r] = warpSum(sum[r]);
    if (threadIdx.x % 32 == 0) s.squares[r * gemvWarps + threadIdx.x / 32] = sum[r];
  }
  __syncwarp();
}

// stageX is what of these the kernel needs. A kernel of one row has no code that it does not
// run, which would make the rest slower: 2 % of a step.
template <bool normed, class F, int R, class Wait>
__device__ __forceinline__ void stageX(const GemvParams &p, const Staged<F, R> &s, Wait wait) {
  if constexpr (R == 1 && normed)
    stageNormedRow(p, s, wait);
  else if constexpr (R == 1)
    stageRow(p, s, wait);
  else if (p.in % 8 == 0)
    stageRows<true, normed>(p, s, wait);
  else
    stageRows<false, normed>(p, s, wait);
}

// normOf returns 1/rms of row r of x, once all warps have staged it.
template <class F, int R>
__device__ __forceinline__ float normOf(const GemvParams &p, const Staged<F, R> &s, int r) {
  float sum = 0;
#pragma unroll
  for (int w = 0; w < gemvWarps; w++) sum += s.squares[r * gemvWarps + w];
  return rsqrtf(__fdividef(sum, p.in) + p.eps);
}

}  // namespace zen
