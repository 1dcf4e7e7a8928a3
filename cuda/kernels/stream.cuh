// SPDX-License-Identifier: Apache-2.0

// The stream of weights of gemv.cuh: which tiles a block owns, the ring their pieces
// come through, and the loop that multiplies them.

#pragma once

#include "gemv.cuh"

namespace zen {

// Tiles is a block's share of a matrix. Whole waves of tiles go around the blocks, so
// that all stream through the same few pages of memory; what is left is shared evenly,
// less than a tile each.
struct Tiles {
  int perTile, waves, wave, restBegin, restEnd, count;

  // perTile is 16, or 8 pairs.
  __device__ Tiles(int units, int perTile) : perTile(perTile) {
    wave = gridDim.x * perTile, waves = unsigned(units) / unsigned(wave);
    const unsigned rest = units - waves * wave;  // below 2^16, as the number of blocks
    restBegin = waves * wave + rest * blockIdx.x / gridDim.x;
    restEnd = waves * wave + rest * (blockIdx.x + 1) / gridDim.x;
    count = waves + (restEnd > restBegin);
  }
  __device__ int begin(int tile) const {
    return tile < waves ? tile * wave + int(blockIdx.x) * perTile : restBegin;
  }
  __device__ int end(int tile) const { return tile < waves ? begin(tile) + perTile : restEnd; }
};

// stepsOf returns the number of steps of a row that the warp takes.
__device__ __forceinline__ int stepsOf(int rowBytes) {
  const int all = (rowBytes + gemvStep - 1) / gemvStep, warp = threadIdx.x / 32;
  return max(0, (all - warp + gemvWarps - 1) / gemvWarps);
}

// Source is where the next step of a lane's copies lies: its pieces of rows h and h + 4 of
// each half of a tile, h = lane / 8, and the scales that it copies if any. One instruction
// brings all 128 bytes of a row's step: where two brought 64 each, an H200 gave 3.3 TB/s in
// place of 4.0, an H100 2.7 in place of 2.9.
struct Source {
  const uint8_t *pieces[2], *scales;
  int rows[2];  // bytes from row h to row h + 4; weights of a kernel lie within 2 GiB

  __device__ __forceinline__ void move(int64_t bytes, int64_t scaleBytes) {
    pieces[0] += bytes, pieces[1] += bytes, scales += scaleBytes;
  }
};

// Ring is the stages in shared memory: 2, 4, 6 or 8 of them, whatever fits.
template <class F>
struct Ring {
  static constexpr int stageBytes = 4 * gemvThreads * 16 + (F::stepScales ? gemvWarps * 16 * 16 : 0);

  uint4 *pieces;    // [stages, 4, 8 warps, 4 rows, 8]; see place
  uint8_t *scales;  // [stages, 8 warps, 16 rows, 16 bytes]; Q8 and Q4 only
  int stages;
  int next = 0, oldest = 0;  // stages: to be filled, to be used
  uint64_t once = readOncePolicy();

  // memory is what the block's dynamic shared memory has left from there on.
  __device__ Ring(uint4 *memory, const uint4 *start) : pieces(memory) {
    unsigned bytes;
    asm("mov.u32 %0, %%dynamic_smem_size;" : "=r"(bytes));
    const int room = (int(bytes) - int(memory - start) * 16) / stageBytes;
    stages = room >= 8 ? 8 : room >= 6 ? 6 : room >= 4 ? 4 : 2;
    scales = reinterpret_cast<uint8_t *>(pieces + stages * 4 * gemvThreads);
  }

  // place returns where in a stage the warp has a piece of one of a tile's 16 rows. Those of
  // odd rows change halves: the eight lanes that read together find different banks.
  __device__ __forceinline__ static int place(int row, int piece) {
    return row / 4 * gemvThreads + threadIdx.x / 32 * 32 + row % 4 * 8 + (piece ^ row % 2 * 4);
  }

  // copy starts the copy of a step; of one that ends past the row, left bytes of the row
  // from the lane's pieces on belong to it.
  __device__ __forceinline__ void copy(const Source &from, bool whole, int left) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    uint4 *slot = pieces + next * 4 * gemvThreads + place(lane / 8, lane % 8);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const uint8_t *piece = from.pieces[i / 2] + (i % 2 ? from.rows[i / 2] : 0);
      if (F::wholeSteps || whole)
        copyAsyncOnce16(slot + i * gemvThreads, piece, once);
      else
        copyAsync16(slot + i * gemvThreads, piece, left > 0);
    }
    F::copyScales(scales + ((next * gemvWarps + warp) * 16 + g) * 16, from.scales, t);
  }

  // advance ends a stage of copies, an empty one too.
  __device__ __forceinline__ void advance() {
    if (++next == stages) next = 0;
    copyAsyncCommit();
  }

  // wait returns once the oldest stage has come.
  __device__ __forceinline__ void wait() const {
    switch (stages) {
      case 8:
        copyAsyncWait<7>();
        break;
      case 6:
        copyAsyncWait<5>();
        break;
      case 4:
        copyAsyncWait<3>();
        break;
      default:
        copyAsyncWait<1>();
    }
  }
};

// multiply computes the block's tiles. E is an epilogue with
//
//	units(), perTile             outputs in all and of a tile: 16, or 8 pairs
//	row(unit, half)              the rows of w for g (half 0) and g + 8 (half 1)
//	even                         rows of units lie as far apart as the units
//	begin()                      reads what the step was given, before x is there
//	Operands early(unit, end, r) loads what finish will need besides the sums of row r
//	given                        early reads nothing that the step's kernels write
//	finish(unit, end, r, o, a, b)  takes the sums of a unit's rows: with perTile 16 those
//	                             of unit and unit + 8, else those of the pair
//
// operands are those of tile warp, of the rows t + 4·n, where they are given. copyNext
// fills the ring's next stage, which is the one just used.
template <class F, int R, class E, class CopyNext>
__device__ __forceinline__ void multiply(const GemvParams &p, const Staged<F, R> &s,
                                         const E &epilogue, const Tiles &tiles,
                                         typename E::Operands *operands, Ring<F> &ring,
                                         CopyNext copyNext) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  const int steps = stepsOf(F::rowBytes(p.in)), rows = R == 1 ? 1 : p.rows;
  const int piece = Ring<F>::place(g, t);
  constexpr int N = groupsOf(R);
  Columns<N> x;
  float norm[N];
#pragma unroll
  for (int n = 0; n < N; n++) {
    const int row = min(gemvGroup * n + t, rows - 1);
    x.at[n] = s.x + min(2 * gemvGroup * n + g, 2 * rows - 1) * s.column + 16 * t;
    x.scales[n] = s.scales + row * (s.inPad / F::block);
    norm[n] = normOf(p, s, row);
  }
  constexpr int together = tilesTogether<F>(R), tileSums = gemvWarps * N * 64;
  for (int first = 0; first < tiles.count; first += together) {
    // A warp each finishes the tiles; the others go on. The second buffer keeps them apart.
    const int mine = first + ((warp - first) & gemvWarps - 1);
    const bool finisher = mine < min(first + together, tiles.count) && t < rows;
    const int unit = tiles.begin(mine) + g, end = tiles.end(mine);
    if (finisher && !(E::given && mine < gemvWarps)) {
#pragma unroll
      for (int n = 0; n < N; n++)
        if (n == 0 || gemvGroup * n + t < rows)
          operands[n] = epilogue.early(unit, end, gemvGroup * n + t);
    }
    float *buffer = s.sums + (first & together) * tileSums + lane;
    for (int i = 0; i < together && first + i < tiles.count; i++) {
      float sum[N][2] = {};
      for (int step = 0; step < steps; step++) {
        ring.wait();
        __syncwarp();
        F::step(sum, ring.pieces + ring.oldest * 4 * gemvThreads, piece,
                ring.scales + ((ring.oldest * gemvWarps + warp) * 16 + g) * 16, x,
                warp + gemvWarps * step);
        __syncwarp();
        if (++ring.oldest == ring.stages) ring.oldest = 0;
        copyNext();
      }
      float *sums = buffer + i * tileSums;
#pragma unroll
      for (int n = 0; n < N; n++) {
        sums[(warp * N + n) * 64] = sum[n][0];
        sums[(warp * N + n) * 64 + 32] = sum[n][1];
      }
    }
    __syncthreads();
    if (!finisher) continue;
    const float *sums = buffer + (mine - first) * tileSums;
#pragma unroll
    for (int n = 0; n < N; n++) {
      if (n > 0 && gemvGroup * n + t >= rows) break;
      float low = 0, high = 0;
#pragma unroll
      for (int w = 0; w < gemvWarps; w++)
        low += sums[(w * N + n) * 64], high += sums[(w * N + n) * 64 + 32];
      epilogue.finish(unit, end, gemvGroup * n + t, operands[n], __fmul_rn(norm[n], low),
                      __fmul_rn(norm[n], high));
    }
  }
}

}  // namespace zen
