// SPDX-License-Identifier: Apache-2.0

// Decode attention: one row of each sequence over its cache. The positions are split
// over blocks (Flash-Decoding; Dao et al., 2023), and the query heads of a group are
// the 16 rows of the tensor cores' tile, so that keys and values are read once for
// all of them.

#include "attention_tiles.cuh"

namespace zen {

constexpr int decodeWarps = 4;
constexpr int decodeHeads = 16;  // query heads of a block
constexpr int decodeStages = 2;

constexpr int decodeMaxSplits = 64;

// decodeShared returns the bytes of dynamic shared memory: the larger of the warps'
// rings of tiles and what merges their parts.
constexpr int decodeShared(int headDim) {
  const int ring = decodeWarps * decodeStages * 2 * tilePositions * headDim * 2;
  const int parts = decodeHeads * (decodeWarps * (headDim + 4) * 4 + decodeMaxSplits * 8);
  return ring > parts ? ring : parts;
}

// merge adds up parts of several heads' sums, each with its own maximum: first the
// weight of every part, then the weighted sums.
//
//	stats    [heads, parts] in shared memory: maximum and total; a part without
//	         positions has the total 0. Weights replace the maxima.
//	result   [heads] in shared memory: becomes the maximum and the total of all
//	load(head, part, d), put(head, d, y)  four elements
template <int headDim, bool normalize, class Load, class Put>
__device__ __forceinline__ void merge(float2 *stats, float2 *result, int heads, int parts, Load load, Put put) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  for (int head = warp; head < heads; head += decodeWarps) {
    float top = -CUDART_INF_F, total = 0;
    for (int i = lane; i < parts; i += 32) top = fmaxf(top, stats[head * parts + i].x);
    top = warpMax(top);
    for (int i = lane; i < parts; i += 32) {
      float2 &part = stats[head * parts + i];
      part.x = part.y == 0 ? 0.f : exp2f(part.x - top);
      total += part.x * part.y;
    }
    total = warpSum(total);
    if (lane == 0) result[head] = make_float2(top, total);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < heads * (headDim / 4); i += blockDim.x) {
    const int head = i / (headDim / 4), d = i % (headDim / 4) * 4;
    float4 y = make_float4(0, 0, 0, 0);
#pragma unroll 8
    for (int part = 0; part < parts; part++) {
      const float weight = stats[head * parts + part].x;
      const float4 x = load(head, part, d);
      y.x += weight * x.x, y.y += weight * x.y, y.z += weight * x.z, y.w += weight * x.w;
    }
    const float total = result[head].y;
    if (normalize) {
      const float scale = total == 0 ? 0.f : 1 / total;
      y.x *= scale, y.y *= scale, y.z *= scale, y.w *= scale;
    }
    put(head, d, y);
  }
}

// attentionDecode computes softmax(q·kᵀ·scale)·v for up to 16 heads of a group of one
// row over one share of the positions; the last block of a row and group to finish
// merges the shares.
//
// grid: (kvHeads · ceil(heads/kvHeads / 16), rows, splits); block: 128
// shared: decodeShared(headDim), 32768 and 65536 bytes for 64 and 128; splits <= 64;
// pageSize is a multiple of 16
//
// Each warp takes every fourth tile of 16 positions, with two in flight. q and the
// weights are rounded to the cache's type; sums in float32.
template <class T, int headDim> __device__ void attentionDecode(const AttentionParams &p) {
  extern __shared__ uint4 memory[];
  __shared__ bool last;
  __shared__ float2 result[decodeHeads];
  constexpr int tileSize = tilePositions * headDim / 8;  // pieces
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  const int group = p.heads / p.kvHeads, chunks = (group + decodeHeads - 1) / decodeHeads;
  const int kvHead = blockIdx.x / chunks, head0 = kvHead * group + blockIdx.x % chunks * decodeHeads;
  const int heads = min(decodeHeads, kvHead * group + group - head0), row = blockIdx.y;
  const int position = readL2(p.positions + row);
  const int *pages = p.pages + int64_t(readL2(p.sequences + row)) * p.pageStride;
  const int first = p.window > 0 ? max(0, position - p.window + 1) : 0;
  const int firstTile = first / tilePositions;
  const int tiles = position < 0 ? 0 : position / tilePositions + 1 - firstTile;
  const int share = (tiles + p.splits - 1) / p.splits;
  const int begin = firstTile + blockIdx.z * share, end = min(begin + share, firstTile + tiles);

  auto tileIndex = [&](int tile) {
    const int pos = tile * tilePositions;
    return cacheIndex(readL2(pages + pos / p.pageSize), pos % p.pageSize, kvHead, p.kvHeads, p.pageSize, headDim);
  };
  // Positions and pages are given before the step begins; of the cache only the L2
  // may see a copy before the predecessor, which appends to it, has ended.
  if (begin + warp < end) {
    const int64_t at = tileIndex(begin + warp);
    for (int i = lane; i < tilePositions * headDim / 64; i += 32) {
      asm volatile("prefetch.global.L2 [%0];" ::"l"(static_cast<const T *>(p.k) + at + 64 * i));
      asm volatile("prefetch.global.L2 [%0];" ::"l"(static_cast<const T *>(p.v) + at + 64 * i));
    }
  }
  waitForPredecessor();
  releaseSuccessor();

  uint4 *ring = memory + warp * decodeStages * 2 * tileSize;
  auto copy = [&](int tile, int stage) {
    if (tile < end) {
      const int pos = tile * tilePositions;
      const int64_t at = tileIndex(tile);
      uint4 *to = ring + stage * 2 * tileSize;
      copyTile<headDim>(to, static_cast<const T *>(p.k) + at, pos, first, position, lane, 32);
      copyTile<headDim>(to + tileSize, static_cast<const T *>(p.v) + at, pos, first, position, lane, 32);
    }
    copyAsyncCommit();
  };
  copy(begin + warp, 0);
  uint32_t q[headDim / 16][4];
  const float *q0 = p.q + (int64_t(row) * p.heads + head0) * headDim;
  const float *rows[2] = {g < heads ? q0 + g * headDim : nullptr, g + 8 < heads ? q0 + (g + 8) * headDim : nullptr};
  loadQueries<T, headDim>(q, rows, t);

  Softmax<headDim> s;
  s.reset();
  int stage = 0;
  for (int tile = begin + warp; tile < end; tile += decodeWarps, stage ^= 1) {
    copy(tile + decodeWarps, stage ^ 1);
    copyAsyncWait<1>();
    __syncwarp();
    float scores[2][4];
    const uint4 *keys = ring + stage * 2 * tileSize;
    scoreTile<T, headDim>(scores, q, keys, g, t);
    const float scale = p.scale * 1.44269504f;
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float top = s.largest[h];
#pragma unroll
      for (int j = 0; j < 2; j++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
          float &x = scores[j][2 * h + i];
          const int pos = tile * tilePositions + 8 * j + 2 * t + i;
          x = pos >= first && pos <= position ? x * scale : -CUDART_INF_F;
          top = fmaxf(top, x);
        }
      top = rowMax(top);
      const float keep = exp2f(s.largest[h] - top);
      s.largest[h] = top;
      s.total[h] *= keep;
#pragma unroll
      for (int j = 0; j < 2; j++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
          float &x = scores[j][2 * h + i];
          x = exp2f(x - top);
          s.total[h] += x;
        }
#pragma unroll
      for (int n = 0; n < headDim / 8; n++) s.out[n][2 * h] *= keep, s.out[n][2 * h + 1] *= keep;
    }
    addTile<T, headDim>(s.out, scores, keys + tileSize, lane);
    __syncwarp();
  }

  // The warps' parts lie over the ring: values [16 heads, warps, headDim + 4].
  constexpr int stride = headDim + 4;
  copyAsyncWait<0>();
  __syncthreads();
  float *part = reinterpret_cast<float *>(memory);
  float2 *stats = reinterpret_cast<float2 *>(part + decodeHeads * decodeWarps * stride);  // [heads, max(warps, splits)]
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const int head = g + 8 * h;
    float *to = part + (head * decodeWarps + warp) * stride;
    const float total = rowSum(s.total[h]);
#pragma unroll
    for (int n = 0; n < headDim / 8; n++)
      *reinterpret_cast<float2 *>(to + 8 * n + 2 * t) = make_float2(s.out[n][2 * h], s.out[n][2 * h + 1]);
    if (t == 0) stats[head * decodeWarps + warp] = make_float2(s.largest[h], total);
  }
  __syncthreads();
  auto loadPart = [&](int head, int w, int d) {
    return *reinterpret_cast<const float4 *>(part + (head * decodeWarps + w) * stride + d);
  };
  const int64_t at = int64_t(row) * p.heads + head0;
  auto finish = [&](int head, int d, float4 y) {
    const int64_t i = (at + head) * headDim + d;
    *reinterpret_cast<float4 *>(p.dst + i) = y;
    if (p.dst16) *reinterpret_cast<uint2 *>(p.dst16 + i) = make_uint2(pack(bf16(), y.x, y.y), pack(bf16(), y.z, y.w));
  };
  if (p.splits == 1) {
    merge<headDim, true>(stats, result, heads, decodeWarps, loadPart, finish);
    return;
  }
  float *values = p.workspace + at * p.splits * headDim;
  float2 *saved = reinterpret_cast<float2 *>(p.workspace + int64_t(gridDim.y) * p.heads * p.splits * headDim) + at * p.splits;
  merge<headDim, false>(stats, result, heads, decodeWarps, loadPart, [&](int head, int d, float4 y) {
    *reinterpret_cast<float4 *>(values + (int64_t(head) * p.splits + blockIdx.z) * headDim + d) = y;
    if (d == 0) saved[head * p.splits + blockIdx.z] = result[head];
  });
  __threadfence();
  __syncthreads();
  unsigned *counter = p.counters + int64_t(row) * gridDim.x + blockIdx.x;
  if (threadIdx.x == 0) last = atomicAdd(counter, 1) == p.splits - 1;
  __syncthreads();
  if (!last) return;
  __threadfence();
  if (threadIdx.x == 0) *counter = 0;
  for (int i = threadIdx.x; i < heads * p.splits; i += blockDim.x) stats[i] = __ldcg(saved + i);
  __syncthreads();
  merge<headDim, true>(stats, result, heads, p.splits, [&](int head, int split, int d) {
    return readL2(reinterpret_cast<const float4 *>(values + (int64_t(head) * p.splits + split) * headDim + d));
  }, finish);
}

}  // namespace zen

#define DECODE(name, T, headDim)                                                                               \
  extern "C" __global__ void __launch_bounds__(128) zen_attention_decode_##name##_##headDim(                   \
      const __grid_constant__ zen::AttentionParams p) {                                                        \
    zen::attentionDecode<T, headDim>(p);                                                                       \
  }
DECODE(f16, __half, 64)
DECODE(f16, __half, 128)
DECODE(bf16, zen::bf16, 64)
DECODE(bf16, zen::bf16, 128)
