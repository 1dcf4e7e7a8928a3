// SPDX-License-Identifier: Apache-2.0

// The stream of weights of gemv.cuh: which tiles a block owns, the ring their pieces
// come through, and the loop that multiplies them.

#pragma once

#include "gemv.cuh"

namespace zen {

// Tiles is a block's share of a matrix. Whole waves of tiles go around the blocks, so
// that all stream through the same few pages of memory. What is left are tiles for some
// blocks, where they are quantised, for a part of a tile has as many instructions as all of
// it, or else less than a tile for each, which is even for the memory.
//
// Of quantised weights the second half of the blocks, which begin as the kernel before leaves
// room for them, can have late tiles each, at the end of the matrix, and the first half the
// others: the next kernel gets room where the first block of a multiprocessor ends.
template <class F>
struct Tiles {
  int first, units, perTile, wave, waves, count;

  // perTile is 16, or 8 pairs.
  __device__ Tiles(int all, int perTile, int late) : first(0), units(all), perTile(perTile) {
    wave = gridDim.x * perTile;
    int block = blockIdx.x;
    if (F::quantized && late > 0) {
      wave /= 2, units = all - late * wave;
      if (block >= gridDim.x / 2) block -= gridDim.x / 2, first = units, units = all;
    }
    waves = unsigned(units - first) / unsigned(wave);
    if (F::quantized) first += block * perTile;
    count = waves + (begin(waves) < end(waves));
  }
  __device__ int begin(int tile) const {
    if (F::quantized) return first + tile * wave;
    return tile < waves ? tile * wave + int(blockIdx.x) * perTile
                        : tile * wave + rest() * blockIdx.x / gridDim.x;
  }
  __device__ int end(int tile) const {
    return tile < waves || F::quantized ? min(begin(tile) + perTile, units)
                                        : tile * wave + rest() * (blockIdx.x + 1) / gridDim.x;
  }
  // regular reports whether the tile is whole and lies a wave behind the one before.
  __device__ bool regular(int tile) const {
    return tile < waves || F::quantized && begin(tile) + perTile <= units;
  }

 private:
  __device__ unsigned rest() const { return units - waves * wave; }  // below 2^16, as the blocks
};

// stepsOf returns the number of steps of a row, stepsOfWarp how many of them the warp takes.
__device__ __forceinline__ int stepsOf(int rowBytes) {
  return (rowBytes + gemvStep - 1) / gemvStep;
}

__device__ __forceinline__ int stepsOfWarp(int rowBytes) {
  const int warp = threadIdx.x / 32;
  return max(0, (stepsOf(rowBytes) - warp + gemvWarps - 1) / gemvWarps);
}

// Source is where the next step of a lane's copies lies: its pieces of rows h and h + 4 of
// each half of a tile, h = lane / 8, and the scales that it copies. One instruction
// brings all 128 bytes of a row's step: where two brought 64 each, an H200 gave 3.3 TB/s in
// place of 4.0, an H100 2.7 in place of 2.9.
struct Source {
  const uint8_t *pieces[4], *scales;

  __device__ __forceinline__ void move(int64_t bytes, int64_t scaleBytes) {
#pragma unroll
    for (int i = 0; i < 4; i++) pieces[i] += bytes;
    scales += scaleBytes;
  }
};

// Ring is the stages in shared memory: 2, 4, 6 or 8 of them, whatever fits. The stage that
// was used is the next one to be filled.
//
//	pieces  [4, 8 warps, 4 rows, 8] of 16 bytes; see place
//	scales  [8 warps, 16 rows, 16 bytes]; Q8 and Q4 only, of Q8 the first four of each eight
template <class F>
struct Ring {
  static constexpr int pieceBytes = 4 * gemvThreads * 16;
  static constexpr int stageBytes = pieceBytes + (F::stepScales ? gemvWarps * 16 * 16 : 0);

  uint8_t *start;
  int bytes, at = 0;   // of all stages; where the next one is
  int pieces, scales;  // where in a stage the lane copies to
  uint64_t once = readOncePolicy();

  // memory is what the block's dynamic shared memory has left from there on.
  __device__ Ring(uint4 *memory, const uint4 *begin) : start(reinterpret_cast<uint8_t *>(memory)) {
    unsigned all;
    asm("mov.u32 %0, %%dynamic_smem_size;" : "=r"(all));
    const int room = (int(all) - int(memory - begin) * 16) / stageBytes;
    bytes = (room >= 8 ? 8 : room >= 6 ? 6 : room >= 4 ? 4 : 2) * stageBytes;
    const int lane = threadIdx.x % 32;
    pieces = kept(place(lane / 8, lane % 8));
    scales = kept(scalePlace(lane / 4 + lane % 2 * 8) + lane % 4 / 2 * 8);
  }

  // place returns where in a stage the warp has a piece of one of a tile's 16 rows. Those of
  // odd rows change halves: the eight lanes that read together find different banks.
  __device__ __forceinline__ static int place(int row, int piece) {
    return 16 *
           (row / 4 * gemvThreads + threadIdx.x / 32 * 32 + row % 4 * 8 + (piece ^ row % 2 * 4));
  }

  // scalePlace returns where it has the scales of a row.
  __device__ __forceinline__ static int scalePlace(int row) {
    return pieceBytes + (threadIdx.x / 32 * 16 + row) * 16;
  }

  // copy starts the copy of a step; of one that ends past the row, left bytes of the row
  // from the lane's pieces on belong to it. Two lanes have a row's scales: half of them
  // each, or all where a half is less than can be copied.
  __device__ __forceinline__ void copy(const Source &from, bool whole, int left) {
    uint8_t *slot = start + at + pieces;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      if (F::wholeSteps || whole)
        copyAsyncOnce16(slot + i * gemvThreads * 16, from.pieces[i], once);
      else
        copyAsync16(slot + i * gemvThreads * 16, from.pieces[i], left > 0);
    }
    F::copyScales(start + at + scales, from.scales);
  }

  // advance ends a stage of copies, an empty one too.
  __device__ __forceinline__ void advance() {
    if ((at += stageBytes) == bytes) at = 0;
    copyAsyncCommit();
  }

  // wait returns once the next stage, the oldest, has come.
  __device__ __forceinline__ void wait() const {
    if (bytes == 2 * stageBytes)
      copyAsyncWait<1>();
    else if (bytes == 4 * stageBytes)
      copyAsyncWait<3>();
    else if (bytes == 6 * stageBytes)
      copyAsyncWait<5>();
    else
      copyAsyncWait<7>();
  }
};

// laneOf returns a lane's places, computed before x is there.
template <class F, int R>
__device__ __forceinline__ Lane<R> laneOf(const Staged<F, R> &s, int rows) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  constexpr int N = groupsOf(R);
  constexpr bool spread = F::spreads(R);
  Lane<R> own;
  own.chunks[0] = kept(Ring<F>::place(g, t)), own.chunks[1] = kept(Ring<F>::place(g, t + 4));
  own.scales = kept(Ring<F>::scalePlace(g) + (spread ? 4 * t : 0));
  own.sums = kept(warp * N * 64 + (spread ? 4 * g + t % 2 * 32 : lane));
#pragma unroll
  for (int n = 0; n < N; n++) {
    const int row = min(gemvGroup * n + t, rows - 1);
    const int column = spread ? g % 2 : min(2 * gemvGroup * n + g, 2 * rows - 1);
    own.x[n] = s.x + kept(column * s.column + (spread ? g / 2 * 64 : 0) + 16 * t);
    own.xScales[n] = s.scales + kept(row * (s.inPad / F::block) + (spread ? 2 * t : 0));
  }
  return own;
}

// allParts returns the sum of a row's parts.
template <int parts>
__device__ __forceinline__ float allParts(const float sum[parts][2], int half) {
  static_assert(parts == 1 || parts == 4, "the order of additions is part of the result");
  if constexpr (parts == 1)
    return sum[0][half];
  else
    return (sum[0][half] + sum[1][half]) + (sum[2][half] + sum[3][half]);
}

// multiply computes the block's tiles. E is an epilogue with
//
//	units(), perTile             outputs in all and of a tile: 16, or 8 pairs
//	row(unit, half)              the rows of w for g (half 0) and g + 8 (half 1)
//	even                         rows of units lie as far apart as the units
//	normed                       x is normalised first
//	begin()                      reads what the step was given, before x is there
//	Operands early(unit, end, r) loads what finish will need besides the sums of row r,
//	                             of what the step was given
//	late(operands, unit, end, r) loads the rest, which the step's kernels have written
//	finish(unit, end, r, o, a, b)  takes the sums of a unit's rows: with perTile 16 those
//	                             of unit and unit + 8, else those of the pair
//
// operands are early's of tile warp, of the rows t + 4·n. copyNext fills the ring's next stage,
// which is the one just used.
template <class F, int R, class E, class CopyNext>
__device__ __forceinline__ void multiply(const GemvParams &p, const Staged<F, R> &s, E &epilogue,
                                         const Tiles<F> &tiles, typename E::Operands *operands,
                                         Ring<F> &ring, Lane<R> &own, CopyNext copyNext) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  const int steps = stepsOf(F::rowBytes(p.in)), rows = R == 1 ? 1 : p.rows;
  constexpr int N = groupsOf(R);
  constexpr bool spread = F::spreads(R);
  constexpr int together = tilesTogether<F>(R), tileSums = gemvWarps * N * 64;
  for (int first = 0; first < tiles.count; first += together) {
    // A warp each finishes the tiles; the others go on. The second buffer keeps them apart.
    const int mine = first + ((warp - first) & gemvWarps - 1);
    const bool finisher = mine < min(first + together, tiles.count) && t < rows;
    const int unit = tiles.begin(mine) + g, end = tiles.end(mine);
    if (finisher) {
#pragma unroll
      for (int n = 0; n < N; n++) {
        const int row = gemvGroup * n + t;
        if (n > 0 && row >= rows) break;
        if (mine >= gemvWarps) operands[n] = epilogue.early(unit, end, row);
        epilogue.late(operands[n], unit, end, row);
      }
    }
    float *buffer = s.sums + (first & together) * tileSums;
#pragma unroll 1
    for (int i = 0; i < together && first + i < tiles.count; i++) {
      float sum[N][F::parts(R)][2] = {};
      for (int step = warp; step < steps; step += gemvWarps) {
        ring.wait();
        __syncwarp();
        F::template step<R>(sum, ring.start + ring.at, own, step);
        __syncwarp();
        copyNext();
      }
      float *sums = buffer + i * tileSums + own.sums;
      if constexpr (spread) {
        // Even lanes have row g and odd ones g + 8 of all parts.
        float mine = t % 2 ? sum[0][0][1] : sum[0][0][0];
        mine += __shfl_xor_sync(everyLane, t % 2 ? sum[0][0][0] : sum[0][0][1], 1);
        mine += __shfl_xor_sync(everyLane, mine, 2);
        if (t < 2) *sums = mine;
      } else {
#pragma unroll
        for (int n = 0; n < N; n++)
#pragma unroll
          for (int h = 0; h < 2; h++) sums[n * 64 + 32 * h] = allParts<F::parts(R)>(sum[n], h);
      }
    }
    __syncthreads();
    if (!finisher) continue;
    const float *sums = buffer + (mine - first) * tileSums + lane;
#pragma unroll
    for (int n = 0; n < N; n++) {
      if (n > 0 && gemvGroup * n + t >= rows) break;
      float low = 0, high = 0;
#pragma unroll
      for (int w = 0; w < gemvWarps; w++)
        low += sums[(w * N + n) * 64], high += sums[(w * N + n) * 64 + 32];
      if constexpr (E::normed) {
        const float norm = normOf(p, s, gemvGroup * n + t);
        low = __fmul_rn(norm, low), high = __fmul_rn(norm, high);
      }
      epilogue.finish(unit, end, gemvGroup * n + t, operands[n], low, high);
    }
  }
}

}  // namespace zen
