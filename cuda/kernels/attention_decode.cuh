// SPDX-License-Identifier: Apache-2.0

// Decode attention: one row of each sequence over its cache. The positions are split
// over blocks (Flash-Decoding; Dao et al., 2023), and the query heads of a group are
// the 16 rows of the tensor cores' tile, so that keys and values are read once for
// all of them.

#pragma once

#include "attention_tiles.cuh"

namespace zen {

constexpr int decodeHeads = 16;  // query heads of a block

constexpr int decodeMaxSplits = 64;
constexpr int decodeCluster = 8;  // splits of a cluster

// syncCluster is the barrier of all threads of a cluster of blocks.
__device__ __forceinline__ void syncCluster() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::
                   : "memory");
#endif
}

// enterCluster and meetCluster, after it, wait until all blocks of the cluster have begun;
// they order nothing.
__device__ __forceinline__ void enterCluster() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
#endif
}
__device__ __forceinline__ void meetCluster() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.wait.aligned;" ::: "memory");
#endif
}

// clusterAddress returns where block rank of the cluster keeps what this block keeps at p.
__device__ __forceinline__ uint32_t clusterAddress(const void *p, int rank) {
  uint32_t address = 0;
#if __CUDA_ARCH__ >= 900
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(address) : "r"(sharedAddress(p)), "r"(rank));
#endif
  return address;
}

// storeCluster writes x where block rank of the cluster keeps what this block keeps at p.
__device__ __forceinline__ void storeCluster(float4 *p, int rank, float4 x) {
  asm volatile("st.shared::cluster.v4.f32 [%0], {%1, %2, %3, %4};" ::"r"(clusterAddress(p, rank)),
               "f"(x.x), "f"(x.y), "f"(x.z), "f"(x.w)
               : "memory");
}
__device__ __forceinline__ void storeCluster(float2 *p, int rank, float2 x) {
  asm volatile("st.shared::cluster.v2.f32 [%0], {%1, %2};" ::"r"(clusterAddress(p, rank)), "f"(x.x),
               "f"(x.y)
               : "memory");
}

// splitsOf returns the splits of a row of so many tiles that is split by its own
// length: a power of two, of four tiles or more where they are not too many.
__device__ __forceinline__ int splitsOf(int tiles) {
  const int n = min((tiles + 3) / 4, decodeMaxSplits);
  return n < 2 ? 1 : 1 << (32 - __clz(n - 1));
}

// decodeShared returns the bytes of dynamic shared memory: the larger of the warps'
// rings of tiles and what merges their parts.
constexpr int decodeShared(int headDim, int warps, int stages) {
  const int ring = warps * stages * 2 * tilePositions * headDim * 2;
  const int parts = decodeHeads * (warps * (headDim + 8) * 4 + decodeMaxSplits * 8);
  return ring > parts ? ring : parts;
}

// mergeFew adds up the parts of several heads' sums, each with its own maximum, for few
// parts: each thread weighs those of its elements, which takes no barrier and no exchange.
//
//	stats    [heads, parts] in shared memory: maximum and total; a part without
//	         positions has the total 0
//	load(head, part, d)           four elements
//	put(head, d, y, top, total)   their sums, and the head's maximum and total
//	share    of shares blocks that each put a part of the elements
template <int headDim, int warps, int parts, class Load, class Put>
__device__ __forceinline__ void mergeFew(const float2 *stats, int heads, Load load, Put put,
                                         int share = 0, int shares = 1) {
  for (int i = share + shares * threadIdx.x; i < heads * (headDim / 4); i += shares * warps * 32) {
    const int head = i / (headDim / 4), d = i % (headDim / 4) * 4;
    float2 part[parts];
    float4 x[parts];
#pragma unroll
    for (int k = 0; k < parts; k++) part[k] = stats[head * parts + k], x[k] = load(head, k, d);
    float top = -CUDART_INF_F, total = 0;
#pragma unroll
    for (int k = 0; k < parts; k++) top = fmaxf(top, part[k].x);
    float4 y = make_float4(0, 0, 0, 0);
#pragma unroll
    for (int k = 0; k < parts; k++) {
      const float weight = part[k].y == 0 ? 0.f : exp2f(part[k].x - top);
      total += weight * part[k].y;
      y.x += weight * x[k].x, y.y += weight * x[k].y, y.z += weight * x[k].z,
          y.w += weight * x[k].w;
    }
    put(head, d, y, top, total);
  }
}

// quotient returns y / total, or 0 where there were no positions.
__device__ __forceinline__ float4 quotient(float4 y, float total) {
  const float scale = total == 0 ? 0.f : 1 / total;
  return make_float4(y.x * scale, y.y * scale, y.z * scale, y.w * scale);
}

// mergeMany is mergeFew for any number of parts: first the weight of every part, which
// replaces its maximum in stats, then the weighted sums. totals is [heads].
template <int headDim, int warps, class Load, class Put>
__device__ __forceinline__ void mergeMany(float2 *stats, float *totals, int heads, int parts,
                                          Load load, Put put) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  for (int head = warp; head < heads; head += warps) {
    float top = -CUDART_INF_F, total = 0;
    for (int i = lane; i < parts; i += 32) top = fmaxf(top, stats[head * parts + i].x);
    top = warpMax(top);
    for (int i = lane; i < parts; i += 32) {
      float2 &part = stats[head * parts + i];
      part.x = part.y == 0 ? 0.f : exp2f(part.x - top);
      total += part.x * part.y;
    }
    total = warpSum(total);
    if (lane == 0) totals[head] = total;
  }
  __syncthreads();
  for (int i = threadIdx.x; i < heads * (headDim / 4); i += warps * 32) {
    const int head = i / (headDim / 4), d = i % (headDim / 4) * 4;
    float4 y = make_float4(0, 0, 0, 0);
#pragma unroll 8
    for (int part = 0; part < parts; part++) {
      const float weight = stats[head * parts + part].x;
      const float4 x = load(head, part, d);
      y.x += weight * x.x, y.y += weight * x.y, y.z += weight * x.z, y.w += weight * x.w;
    }
    put(head, d, quotient(y, totals[head]));
  }
}

// attentionDecode computes softmax(q·kᵀ·scale)·v for up to 16 heads of a group of one
// row over one share of the positions; the last block of a row and group to finish
// merges the shares.
//
// grid: (kvHeads · ceil(heads/kvHeads / 16), rows, splits); block: 32·warps
// shared: decodeShared(headDim, warps, stages); splits <= 64; pageSize is a multiple of 16
//
// With cluster the splits are 8 and one cluster of blocks, which merges through its
// shared memory instead of the workspace: each sends the others their share of its sums,
// for a request that has to come back takes twice as long beside the next kernel's copies.
//
// Warp w takes the tiles of 16 positions w, w + warps, ..., with stages in flight. q and
// the weights are rounded to the cache's type; sums in float32.
template <class T, int headDim, int warps, int stages, bool cluster>
__device__ void attentionDecode(const AttentionParams &p) {
  using M = typename Multiplied<T>::type;
  extern __shared__ uint4 memory[];
  const uint3 at = blockIdx;
  __shared__ bool last;
  __shared__ float totals[decodeHeads];
  constexpr int tileSize = tilePositions * headDim / 8;  // pieces
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  const int group = p.heads / p.kvHeads, chunks = (group + decodeHeads - 1) / decodeHeads;
  const int kvHead = at.x / chunks, head0 = kvHead * group + at.x % chunks * decodeHeads;
  const int heads = min(decodeHeads, kvHead * group + group - head0), row = at.y;
  if constexpr (cluster) enterCluster();
  const int position = readL2(p.positions + row);
  const int *pages = p.pages + int64_t(readL2(p.sequences + row)) * p.pageStride;
  const int first = p.window > 0 ? max(0, position - p.window + 1) : 0;
  const int firstTile = first / tilePositions;
  const int tiles = position < 0 ? 0 : position / tilePositions + 1 - firstTile;
  const int splits = cluster ? decodeCluster : p.alone ? splitsOf(tiles) : p.splits;
  const int share = (tiles + splits - 1) / splits;
  const int begin = firstTile + at.z * share, end = min(begin + share, firstTile + tiles);

  auto tileIndex = [&](int tile) {
    const int pos = tile * tilePositions;
    return cacheIndex(readL2(pages + pos / p.pageSize), pos % p.pageSize, kvHead, p.kvHeads,
                      p.pageSize, headDim);
  };
  uint4 *ring = memory + warp * stages * 2 * tileSize;
  auto copyFrom = [&](int64_t from, int tile, int stage) {
    if (tile < end) {
      const int pos = tile * tilePositions;
      uint4 *to = ring + stage * 2 * tileSize;
      copyTile<headDim, 32>(TilePlace<headDim>{to}, static_cast<const T *>(p.k) + from,
                            p.kScales + from / kvBlock, pos, first, position, lane);
      copyTile<headDim, 32>(TilePlace<headDim>{to + tileSize}, static_cast<const T *>(p.v) + from,
                            p.vScales + from / kvBlock, pos, first, position, lane);
    }
    copyAsyncCommit();
  };
  auto copy = [&](int tile, int stage) { copyFrom(tile < end ? tileIndex(tile) : 0, tile, stage); };
  // Positions and pages are given before the step begins. Tiles of settled positions come
  // then too; of others only the L2 may see a copy before the predecessor, which appends
  // to them, has ended.
  int copied = 0;
  auto isSettled = [&](int tile) { return p.settled && (tile + 1) * tilePositions <= position; };
  while (copied < stages && isSettled(begin + warp + copied * warps)) {
    copy(begin + warp + copied * warps, copied);
    copied++;
  }
  int64_t later[stages];  // where those lie that are copied after the wait
#pragma unroll
  for (int i = 0; i < stages; i++) {
    const int tile = begin + warp + i * warps;
    later[i] = i >= copied && tile < end ? tileIndex(tile) : 0;
  }
  if (copied == 0 && begin + warp < end) {
    const int64_t from = later[0];
    for (int i = lane; i < tilePositions * headDim / 64; i += 32) {
      asm volatile("prefetch.global.L2 [%0];" ::"l"(static_cast<const T *>(p.k) + from + 64 * i));
      asm volatile("prefetch.global.L2 [%0];" ::"l"(static_cast<const T *>(p.v) + from + 64 * i));
    }
  }
  waitForPredecessor();
  releaseSuccessor();
#pragma unroll
  for (int i = 0; i < stages; i++)
    if (i >= copied) copyFrom(later[i], begin + warp + i * warps, i);
  uint32_t q[headDim / 16][4];
  const float *q0 = p.q + (int64_t(row) * p.heads + head0) * headDim;
  const float *rows[2] = {g < heads ? q0 + g * headDim : nullptr,
                          g + 8 < heads ? q0 + (g + 8) * headDim : nullptr};
  loadQueries<M, headDim>(q, rows, t);

  Softmax<headDim> s;
  s.reset();
  int stage = 0;
  for (int tile = begin + warp; tile < end; tile += warps, stage = (stage + 1) % stages) {
    copyAsyncWait<stages - 1>();
    __syncwarp();
    float scores[2][4];
    const uint4 *keys = ring + stage * 2 * tileSize;
    scoreTile<M, headDim>(scores, q, keys, g, t);
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
    addTile<M, headDim>(s.out, scores, keys + tileSize, lane);
    __syncwarp();
    copy(tile + stages * warps, stage);
  }

  // The warps' parts lie over the ring: values [warps, heads, headDim + 8], by which the
  // lanes of a store fall into different banks.
  constexpr int stride = headDim + 8;
  copyAsyncWait<0>();
  __syncthreads();
  float *part = reinterpret_cast<float *>(memory);
  float2 *stats =
      reinterpret_cast<float2 *>(part + heads * warps * stride);  // [heads, max(warps, splits)]
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const int head = g + 8 * h;
    float *to = part + (warp * heads + head) * stride;
    const float total = rowSum(s.total[h]);
    if (head >= heads) continue;
#pragma unroll
    for (int n = 0; n < headDim / 8; n++)
      *reinterpret_cast<float2 *>(to + 8 * n + 2 * t) =
          make_float2(s.out[n][2 * h], s.out[n][2 * h + 1]);
    if (t == 0) stats[head * warps + warp] = make_float2(s.largest[h], total);
  }
  __syncthreads();
  auto loadPart = [&](int head, int w, int d) {
    return *reinterpret_cast<const float4 *>(part + (w * heads + head) * stride + d);
  };
  const int64_t row0 = int64_t(row) * p.heads + head0;
  auto finish = [&](int head, int d, float4 y) {
    const int64_t i = (row0 + head) * headDim + d;
    *reinterpret_cast<float4 *>(p.dst + i) = y;
    if (p.dst16)
      *reinterpret_cast<uint2 *>(p.dst16 + i) =
          make_uint2(pack(bf16(), y.x, y.y), pack(bf16(), y.z, y.w));
  };
  auto finishAlone = [&](int head, int d, float4 y, float, float total) {
    finish(head, d, quotient(y, total));
  };
  if constexpr (cluster) {
    // Block r merges every eighth of the elements of all splits. What the others send lies
    // beside the ring, for this block may still be reading that.
    constexpr int pieces = decodeHeads * headDim / 4 / decodeCluster;
    __shared__ float4 sums[decodeCluster][pieces];
    __shared__ float2 sent[decodeHeads * decodeCluster];
    meetCluster();
    mergeFew<headDim, warps, warps>(
        stats, heads, loadPart, [&](int head, int d, float4 y, float top, float total) {
          const int i = (head * headDim + d) / 4;
          storeCluster(&sums[at.z][i / decodeCluster], i % decodeCluster, y);
          if (d / 4 < decodeCluster)
            storeCluster(sent + head * decodeCluster + at.z, d / 4, make_float2(top, total));
        });
    syncCluster();
    mergeFew<headDim, warps, decodeCluster>(
        sent, heads,
        [&](int head, int split, int d) {
          return sums[split][(head * headDim + d) / 4 / decodeCluster];
        },
        finishAlone, at.z, decodeCluster);
    return;
  }
  if (p.splits == 1) {
    mergeFew<headDim, warps, warps>(stats, heads, loadPart, finishAlone);
    return;
  }
  float *values = p.workspace + row0 * p.splits * headDim;
  float2 *saved =
      reinterpret_cast<float2 *>(p.workspace + int64_t(gridDim.y) * p.heads * p.splits * headDim) +
      row0 * p.splits;
  mergeFew<headDim, warps, warps>(
      stats, heads, loadPart, [&](int head, int d, float4 y, float top, float total) {
        *reinterpret_cast<float4 *>(values + (int64_t(head) * p.splits + at.z) * headDim + d) = y;
        if (d == 0) saved[head * p.splits + at.z] = make_float2(top, total);
      });
  __threadfence();
  __syncthreads();
  unsigned *counter = p.counters + int64_t(row) * p.kvHeads * chunks + at.x;
  if (threadIdx.x == 0) last = atomicAdd(counter, 1) == p.splits - 1;
  __syncthreads();
  if (!last) return;
  __threadfence();
  if (threadIdx.x == 0) *counter = 0;
  for (int i = threadIdx.x; i < heads * p.splits; i += warps * 32) stats[i] = __ldcg(saved + i);
  __syncthreads();
  mergeMany<headDim, warps>(
      stats, totals, heads, p.splits,
      [&](int head, int split, int d) {
        return readL2(reinterpret_cast<const float4 *>(
            values + (int64_t(head) * p.splits + split) * headDim + d));
      },
      finish);
}

}  // namespace zen
