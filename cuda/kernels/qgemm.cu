// SPDX-License-Identifier: Apache-2.0

// The kernels of qgemm.cuh, for rows up to 8, 16, 32 and 64.
//
// grid: at most a block to a chunk of a tile; block: 256
// shared: 256·columns bytes for the sums of the other half, then two to four stages

#include "qgemm.cuh"

namespace zen {

// qgemmJoin adds the sums of the second half's warps to those of the first.
//
//	scratch  [columns/2, 128 threads]
template <int columns>
__device__ __forceinline__ void qgemmJoin(float sum[2][columns / 8][4], float *scratch, int half) {
  const int thread = threadIdx.x % 128;
#pragma unroll
  for (int m = 0; m < 2; m++) {
    __syncthreads();
#pragma unroll
    for (int j = 0; j < columns / 8; j++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        if (half) scratch[(j * 4 + i) * 128 + thread] = sum[m][j][i];
    __syncthreads();
#pragma unroll
    for (int j = 0; j < columns / 8; j++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        if (!half) sum[m][j][i] += scratch[(j * 4 + i) * 128 + thread];
  }
}

// qgemmEach calls f(row, output, sum) for the lane's part of a warp's sums, output
// counting from the warp's first.
template <int columns, class Function>
__device__ __forceinline__ void qgemmEach(const float sum[2][columns / 8][4], Function f) {
  const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
  for (int m = 0; m < 2; m++)
#pragma unroll
    for (int j = 0; j < columns / 8; j++)
#pragma unroll
      for (int i = 0; i < 4; i++) f(8 * j + 2 * t + i % 2, 16 * m + g + i / 2 * 8, sum[m][j][i]);
}

// qgemmPut writes one result.
__device__ __forceinline__ void qgemmPut(const QgemmParams &p, int row, int o, float y) {
  if (row >= p.n || o >= p.out) return;
  const int64_t at = int64_t(row) * p.stride + o;
  y *= p.rowScale ? p.alpha * readL2(p.rowScale + row) : p.alpha;
  if (p.bias) y += p.bias[o];
  if (p.residual) y += readL2(p.residual + at);
  p.dst[at] = y;
}

// qgemmArrive counts the blocks that have left their part of a tile and reports, to all
// threads, whether this is the last; what the others left can then be read.
__device__ __forceinline__ bool qgemmArrive(unsigned *counter, unsigned parts) {
  __shared__ bool last;
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    last = atomicAdd(counter, 1) == parts - 1;
    if (last) *counter = 0;
    __threadfence();
  }
  __syncthreads();
  return last;
}

// qgemmShare leaves the block's part of a tile, and writes the tile where it was the
// last, from all parts in the order of the inputs.
//
//	partial  [2·blocks, columns, 128]: of a block its first tile, then its last
template <int columns>
__device__ __forceinline__ void qgemmShare(const QgemmParams &p, const QgemmWork &work,
                                           unsigned tile, const float sum[2][columns / 8][4],
                                           int half) {
  const unsigned first = work.blockOf(tile * work.chunks),
                 end = work.blockOf((tile + 1) * work.chunks - 1) + 1;
  auto slot = [&](unsigned block) {
    return p.partial + (2 * int64_t(block) + (work.firstTile(block) != tile)) * columns * qgemmTile;
  };
  if (!half) {
    float *to = slot(blockIdx.x) + threadIdx.x / 32 * 32;
    qgemmEach<columns>(sum, [&](int row, int o, float y) { to[row * qgemmTile + o] = y; });
  }
  if (!qgemmArrive(p.counters + tile, end - first)) return;
  constexpr int each = columns * qgemmTile / 4 / qgemmThreads;  // pieces of four of a thread
  const float4 *from = reinterpret_cast<const float4 *>(slot(first)) + threadIdx.x;
  float4 all[each];
#pragma unroll
  for (int i = 0; i < each; i++) all[i] = readL2(from + i * qgemmThreads);
#pragma unroll(columns == 64 ? 2 : 4)
  for (unsigned block = first + 1; block < end; block++) {
    from = reinterpret_cast<const float4 *>(slot(block)) + threadIdx.x;
#pragma unroll
    for (int i = 0; i < each; i++) {
      const float4 y = readL2(from + i * qgemmThreads);
      all[i].x += y.x, all[i].y += y.y, all[i].z += y.z, all[i].w += y.w;
    }
  }
#pragma unroll
  for (int i = 0; i < each; i++) {
    const int at = (threadIdx.x + i * qgemmThreads) * 4, row = at / qgemmTile,
              o = tile * qgemmTile + at % qgemmTile;
    qgemmPut(p, row, o, all[i].x), qgemmPut(p, row, o + 1, all[i].y);
    qgemmPut(p, row, o + 2, all[i].z), qgemmPut(p, row, o + 3, all[i].w);
  }
}

__device__ __forceinline__ void qgemmWait(int stages) {
  switch (stages) {
    case 4:
      return copyAsyncWait<2>();
    case 3:
      return copyAsyncWait<1>();
    default:
      return copyAsyncWait<0>();
  }
}

template <class F, int columns>
__device__ __forceinline__ void qgemm(const QgemmParams &p) {
  extern __shared__ uint4 memory[];
  using Stage = QgemmStage<F, columns>;
  float *scratch = reinterpret_cast<float *>(memory);
  uint8_t *ring = reinterpret_cast<uint8_t *>(scratch + columns / 2 * 128);
  unsigned shared;
  asm("mov.u32 %0, %%dynamic_smem_size;" : "=r"(shared));
  const int stages = min(4, int(shared - columns / 2 * 512) / Stage::bytes);
  const QgemmWork work(p.in, p.out);
  const unsigned begin = work.begin(blockIdx.x);
  const int count = work.begin(blockIdx.x + 1) - begin, ahead = stages - 1;
  const int warp = threadIdx.x / 32, half = warp / 4, warpOut = warp % 4 * 32;

  unsigned tile = begin / work.chunks, chunk = begin % work.chunks;
  unsigned nextTile = tile, nextChunk = chunk;
  releaseSuccessor();
  for (int i = 0; i < ahead && i < count; i++) {
    qgemmCopyWeights<F, columns>(p, Stage(ring, i), nextTile, nextChunk);
    if (++nextChunk == work.chunks) nextChunk = 0, nextTile++;
  }
  waitForPredecessor();
  for (int i = 0; i < ahead; i++) {
    if (i < count) qgemmCopyX<F, columns>(p, Stage(ring, i), (begin + i) % work.chunks);
    copyAsyncCommit();
  }
  bool whole = chunk == 0;  // the block has all of the tile
  float sum[2][columns / 8][4] = {};
  for (int i = 0, slot = 0; i < count; i++) {
    qgemmWait(stages);
    __syncthreads();
    if (i + ahead < count) {
      const Stage to(ring, slot == 0 ? ahead : slot - 1);
      qgemmCopyWeights<F, columns>(p, to, nextTile, nextChunk);
      qgemmCopyX<F, columns>(p, to, nextChunk);
      if (++nextChunk == work.chunks) nextChunk = 0, nextTile++;
    }
    copyAsyncCommit();
    qgemmStep<F, columns>(sum, Stage(ring, slot), warpOut, half);
    if (++slot == stages) slot = 0;
    const bool ends = ++chunk == work.chunks;
    if (!ends && i + 1 < count) continue;
    qgemmJoin<columns>(sum, scratch, half);
    if (!whole || !ends)
      qgemmShare<columns>(p, work, tile, sum, half);
    else if (!half)
      qgemmEach<columns>(sum, [&](int row, int o, float y) {
        qgemmPut(p, row, tile * qgemmTile + warpOut + o, y);
      });
    whole = true, chunk = 0, tile++;
#pragma unroll
    for (int k = 0; k < columns; k++) (&sum[0][0][0])[k] = 0;
  }
}

}  // namespace zen

#define QGEMM(name, F, columns, perProcessor)                                    \
  extern "C" __global__ void __launch_bounds__(zen::qgemmThreads, perProcessor)  \
      zen_qgemm_##name##_##columns(const __grid_constant__ zen::QgemmParams p) { \
    zen::qgemm<zen::F, columns>(p);                                              \
  }
QGEMM(q8, QgemmQ8, 8, 2)
QGEMM(q8, QgemmQ8, 16, 2)
QGEMM(q8, QgemmQ8, 32, 2)
QGEMM(q8, QgemmQ8, 64, 1)
QGEMM(q4, QgemmQ4, 8, 2)
QGEMM(q4, QgemmQ4, 16, 2)
QGEMM(q4, QgemmQ4, 32, 2)
QGEMM(q4, QgemmQ4, 64, 1)
