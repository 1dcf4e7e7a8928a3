// SPDX-License-Identifier: Apache-2.0

// Prefill attention: many rows of a sequence over its cache, by FlashAttention-2's
// algorithm (Dao, 2023) over pages.

#include "attention_tiles.cuh"
#include "warpgroup.cuh"

namespace zen {

constexpr int prefillWarps = 4;
constexpr int prefillTiles = 4;  // tiles of 16 positions to a pass
constexpr int prefillPositions = prefillTiles * tilePositions;

// prefillShared returns the bytes of dynamic shared memory.
constexpr int prefillShared(int headDim) { return 2 * 2 * prefillPositions * headDim * 2; }

// exp2Near is 2^x to 2^-22: weights are rounded to 16 bits.
__device__ __forceinline__ float exp2Near(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// softmaxPass turns the scores of a pass into weights and scales what was summed.
//
//	scores  [8 of 8 positions] of mma, before scale, which is positive
//	row     position of the lane's row g; that of row g + 8 is 8 on
template <int headDim>
__device__ __forceinline__ void softmaxPass(Softmax<headDim> &s, float scores[2 * prefillTiles][4],
                                            int row, int from, bool masked, int window, float scale,
                                            int t) {
  float keep[2];
#pragma unroll
  for (int h = 0; h < 2; h++) {
    float top = -CUDART_INF_F;
#pragma unroll
    for (int j = 0; j < 2 * prefillTiles; j++)
#pragma unroll
      for (int i = 0; i < 2; i++) {
        float &x = scores[j][2 * h + i];
        if (masked) {
          const int back = row + 8 * h - (from + 8 * j + 2 * t + i);  // how far behind the row
          if (back < 0 || (window > 0 && back >= window)) x = -CUDART_INF_F;
        }
        top = fmaxf(top, x);
      }
    top = fmaxf(s.largest[h], rowMax(top) * scale);
    // A row that has seen no position yet stays as it is: -Inf less -Inf is NaN.
    const float base = top == -CUDART_INF_F ? 0.f : top;
    keep[h] = exp2Near(s.largest[h] - base);
    s.largest[h] = top;
    s.total[h] *= keep[h];
#pragma unroll
    for (int j = 0; j < 2 * prefillTiles; j++)
#pragma unroll
      for (int i = 0; i < 2; i++) {
        float &x = scores[j][2 * h + i];
        x = exp2Near(fmaf(x, scale, -base));
        s.total[h] += x;
      }
  }
  // Most passes have no larger score than those before.
  if (__all_sync(everyLane, keep[0] == 1 && keep[1] == 1)) return;
#pragma unroll
  for (int n = 0; n < headDim / 8; n++)
#pragma unroll
    for (int i = 0; i < 4; i++) s.out[n][i] *= keep[i / 2];
}

// Prefill is a block's work: one head of up to 64 rows of one sequence.
template <class T, int headDim>
struct Prefill {
  const AttentionParams &p;
  int4 work;  // first row, rows, sequence, position of the first row
  int head, kvHead, first, last, begin;
  const int *page;  // of the next tile that is copied
  int slot;         // of its first position within the page

  __device__ explicit Prefill(const AttentionParams &p) : p(p) {
    work = *reinterpret_cast<const int4 *>(p.tiles + 4 * blockIdx.x);
    head = blockIdx.y, kvHead = head / (p.heads / p.kvHeads);
    last = work.w + work.y - 1;  // position of the last row
    first = p.window > 0 ? max(0, work.w - p.window + 1) : 0;
    begin = first / prefillPositions * prefillPositions;
    page = p.pages + int64_t(work.z) * p.pageStride + begin / p.pageSize;
    slot = begin % p.pageSize;
  }

  // copy starts the copy of the next pass of keys and values, tile i of them to keys(i) and
  // values(i).
  template <class Keys, class Values>
  __device__ __forceinline__ void copy(int from, Keys keys, Values values) {
    constexpr int threads = 32 * prefillWarps;
#pragma unroll
    for (int i = 0; i < prefillTiles; i++) {
      const int pos = from + i * tilePositions;
      // A tile past the end is zeros of an unread page.
      const int64_t at =
          pos > last ? 0 : cacheIndex(*page, slot, kvHead, p.kvHeads, p.pageSize, headDim);
      copyTile<headDim, threads>(keys(i), static_cast<const T *>(p.k) + at,
                                 p.kScales + at / kvBlock, pos, first, last, threadIdx.x);
      copyTile<headDim, threads>(values(i), static_cast<const T *>(p.v) + at,
                                 p.vScales + at / kvBlock, pos, first, last, threadIdx.x);
      slot += tilePositions;
      if (slot == p.pageSize) slot = 0, page++;
    }
  }

  // copyAhead starts the copy of the pass after the one from from on, into the other stage, and
  // returns once that one's has come.
  template <class Copy>
  __device__ __forceinline__ void copyAhead(int from, int stage, Copy copy) const {
    if (from + prefillPositions <= last)
      copy(from + prefillPositions, stage ^ 1);
    else
      copyAsyncCommit();
    copyAsyncWait<1>();
  }

  // row returns where row i of the tile begins in an array of the queries' shape, or -1.
  __device__ int64_t row(int i) const {
    return i < work.y ? (int64_t(work.x + i) * p.heads + head) * headDim : -1;
  }

  // write divides and writes the sums of the lane's rows, the first of them row i.
  __device__ __forceinline__ void write(const Softmax<headDim> &s, int i, int t) const {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const float inverse = 1.f / rowSum(s.total[h]);
      if (row(i + 8 * h) < 0) continue;
      const int64_t at = row(i + 8 * h) + 2 * t;
#pragma unroll
      for (int n = 0; n < headDim / 8; n++) {
        const float a = s.out[n][2 * h] * inverse, b = s.out[n][2 * h + 1] * inverse;
        if (p.dst) *reinterpret_cast<float2 *>(p.dst + at + 8 * n) = make_float2(a, b);
        if (p.dst16) *reinterpret_cast<uint32_t *>(p.dst16 + at + 8 * n) = pack(bf16(), a, b);
      }
    }
  }
};

// attentionPrefill computes softmax(q·kᵀ·scale)·v for one head of up to 64 rows of
// one sequence.
//
//	p.tiles  [tiles, 4]: first row, rows <= 64, sequence, position of the first row
//
// grid: (tiles, heads); block: 128; shared: prefillShared(headDim); pageSize is a
// multiple of 16. A warp owns 16 rows. Positions pass by 64 at a time, the next 64
// being copied meanwhile. q and the weights are rounded to the cache's type; sums in
// float32.
template <class T, int headDim>
__device__ void attentionPrefill(const AttentionParams &p) {
  using M = typename Multiplied<T>::type;
  extern __shared__ uint4 memory[];
  constexpr int tileSize = tilePositions * headDim / 8;  // pieces
  constexpr int stageSize = 2 * prefillTiles * tileSize;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  Prefill<T, headDim> block(p);
  auto copy = [&](int from, int stage) {
    uint4 *keys = memory + stage * stageSize, *values = keys + prefillTiles * tileSize;
    block.copy(
        from, [&](int i) { return TilePlace<headDim>{keys + i * tileSize}; },
        [&](int i) { return TilePlace<headDim>{values + i * tileSize}; });
    copyAsyncCommit();
  };
  copy(block.begin, 0);
  const int rowInTile = 16 * warp + g;
  const float *rows[2];
  for (int h = 0; h < 2; h++) {
    const int64_t at = block.row(rowInTile + 8 * h);
    rows[h] = at < 0 ? nullptr : p.q + at;
  }
  uint32_t q[headDim / 16][4];
  loadQueries<M, headDim>(q, rows, t);

  Softmax<headDim> s;
  s.reset();
  const int4 work = block.work;
  const int warpLast = work.w + min(16 * warp + 15, work.y - 1), warpFirst = work.w + 16 * warp;
  int stage = 0;
  for (int from = block.begin; from <= block.last; from += prefillPositions, stage ^= 1) {
    block.copyAhead(from, stage, copy);
    __syncthreads();
    if (from <= warpLast && 16 * warp < work.y) {
      const uint4 *keys = memory + stage * stageSize, *values = keys + prefillTiles * tileSize;
      float scores[2 * prefillTiles][4];
#pragma unroll
      for (int i = 0; i < prefillTiles; i++)
        scoreTile<M, headDim>(scores + 2 * i, q, keys + i * tileSize, g, t);
      const bool masked = from + prefillPositions - 1 > warpFirst || p.window > 0;
      softmaxPass<headDim>(s, scores, warpFirst + g, from, masked, p.window, p.scale * 1.44269504f,
                           t);
#pragma unroll
      for (int i = 0; i < prefillTiles; i++)
        addTile<M, headDim>(s.out, scores + 2 * i, values + i * tileSize, lane);
    }
    __syncthreads();
  }
  block.write(s, rowInTile, t);
}

#if __CUDA_ARCH_FEAT_SM90_ALL

// PanelPlace is where copyTile puts a tile's pieces in panels of 64 positions, from row on.
struct PanelPlace {
  uint4 *panels;
  int row;
  __device__ __forceinline__ uint4 *operator()(int i, int column) const {
    return panels + column / 8 * prefillPositions * 8 + panelPiece(row + i, column % 8);
  }
};

// attentionWarpgroup is attentionPrefill by the products of a warpgroup.
//
// shared: prefillShared(headDim) + 1024, to align
template <class T, int headDim>
__device__ void attentionWarpgroup(const AttentionParams &p) {
  using M = typename Multiplied<T>::type;
  extern __shared__ uint4 memory[];
  constexpr int panel = prefillPositions * 8, panels = headDim / panelColumns;  // pieces
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  Prefill<T, headDim> block(p);
  // Asked for by an attribute, the alignment would be that of all kernels of the module.
  uint4 *start = memory + (-sharedAddress(memory) & 1023) / 16;
  auto keysOf = [&](int stage) { return start + stage * 2 * panels * panel; };
  auto copy = [&](int from, int stage) {
    uint4 *keys = keysOf(stage), *values = keys + panels * panel;
    block.copy(
        from, [&](int i) { return PanelPlace{keys, i * tilePositions}; },
        [&](int i) { return PanelPlace{values, i * tilePositions}; });
    copyAsyncCommit();
  };
  copy(block.begin, 0);
  const int rowInTile = 16 * warp + g;
  uint32_t q[headDim / 16][4];
#pragma unroll
  for (int k = 0; k < headDim / 16; k++)
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int64_t at = block.row(rowInTile + i % 2 * 8);
      float2 x = make_float2(0, 0);
      if (at >= 0)
        x = __ldcg(reinterpret_cast<const float2 *>(p.q + at + 16 * k + i / 2 * 8 + 2 * t));
      q[k][i] = pack(M(), x.x, x.y);
    }

  Softmax<headDim> s;
  s.reset();
  const int warpFirst = block.work.w + 16 * warp;
  int stage = 0;
  for (int from = block.begin; from <= block.last; from += prefillPositions, stage ^= 1) {
    block.copyAhead(from, stage, copy);
    showProducts();
    __syncthreads();
    const uint4 *keys = keysOf(stage), *values = keys + panels * panel;
    float scores[2 * prefillTiles][4];
    beginProducts();
#pragma unroll
    for (int k = 0; k < headDim / 16; k++)
      addColumns(M(), scores, q[k], panelAt(keys + k / 4 * panel + k % 4 * 2), k > 0);
    awaitProducts();
    keep<2 * prefillTiles>(scores);
    const bool masked = from + prefillPositions - 1 > warpFirst || p.window > 0;
    softmaxPass<headDim>(s, scores, warpFirst + g, from, masked, p.window, p.scale * 1.44269504f,
                         t);
    uint32_t weights[prefillTiles][4];
#pragma unroll
    for (int i = 0; i < prefillTiles; i++)
#pragma unroll
      for (int j = 0; j < 4; j++)
        weights[i][j] =
            pack(M(), scores[2 * i + j / 2][j % 2 * 2], scores[2 * i + j / 2][j % 2 * 2 + 1]);
    keep<headDim / 8>(s.out);
    beginProducts();
#pragma unroll
    for (int i = 0; i < prefillTiles; i++)
#pragma unroll
      for (int h = 0; h < panels; h++)
        addRows(M(), s.out + 8 * h, weights[i],
                panelAt(values + h * panel + i * tilePositions * 8));
    awaitProducts();
    keep<headDim / 8>(s.out);
    __syncthreads();
  }
  block.write(s, rowInTile, t);
}

#endif

}  // namespace zen

#define PREFILL(name, T, headDim)                                                                \
  extern "C" __global__ void __launch_bounds__(128)                                              \
      zen_attention_prefill_##name##_##headDim(const __grid_constant__ zen::AttentionParams p) { \
    zen::attentionPrefill<T, headDim>(p);                                                        \
  }
PREFILL(f16, __half, 64)
PREFILL(f16, __half, 128)
PREFILL(bf16, zen::bf16, 64)
PREFILL(bf16, zen::bf16, 128)
PREFILL(i8, int8_t, 64)
PREFILL(i8, int8_t, 128)

#if __CUDA_ARCH_FEAT_SM90_ALL
#define PREFILL_WARPGROUP(name, T, headDim, blocks)         \
  extern "C" __global__ void __launch_bounds__(128, blocks) \
      zen_attention_prefill_##name##_##headDim##_warpgroup( \
          const __grid_constant__ zen::AttentionParams p) { \
    zen::attentionWarpgroup<T, headDim>(p);                 \
  }
// Not for 64: of that ptxas 13.0 makes code that writes into the registers of q within the
// loop, as check.py found.
PREFILL_WARPGROUP(f16, __half, 128, 3)
PREFILL_WARPGROUP(bf16, zen::bf16, 128, 3)
PREFILL_WARPGROUP(i8, int8_t, 128, 2)  // widening takes registers
#endif
