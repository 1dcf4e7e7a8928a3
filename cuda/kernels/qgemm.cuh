// SPDX-License-Identifier: Apache-2.0

// Up to 64 rows times a quantised matrix, whose values become F16 in registers: its
// bytes are read once, where widening it in memory first writes and reads two or four
// times as many.
//
//	dst[i, o] = alpha · rowScale[i] · Σₖ x[i, k]·w[o, k] + bias[o] + residual[i, o]
//
// The work is tiles of 128 outputs by chunks of 256 inputs, in one line that the
// blocks share evenly: a block begins and ends within tiles, so that matrices of few
// outputs keep all multiprocessors busy. The block that is last to finish its part
// of a tile adds the parts, in the order of the inputs.
//
// Chunks of w, its scales and x come through a ring of stages. Four of the eight warps
// take the first half of a chunk's inputs, four the second; a warp owns 32 outputs and
// all rows. A value less its offset is exact in F16; the product of a block of inputs
// is scaled in float32.
//
// In the following g = lane / 4 and t = lane % 4.

#pragma once

#include "common.cuh"

namespace zen {

constexpr int qgemmTile = 128;   // outputs
constexpr int qgemmChunk = 256;  // inputs
constexpr int qgemmThreads = 256;
constexpr int qgemmColumn = 2 * qgemmChunk + 64;  // bytes from row to row of x: spreads the banks

// QgemmParams has a twin in package cuda.
//
//	dst, residual  [n, stride] F32, of which out columns; residual may be null or dst
//	x              [n, in]     F16, base 16-byte aligned, in a multiple of 8
//	w, scales      [out, in] of the kernel's format
//	bias           [out]       F32 or null
//	rowScale       [n]         F32 or null: the product of a row is multiplied by it
//	alpha          all products are multiplied by it
//	partial        [2·blocks, columns, 128] F32, columns those of the kernel
//	counters       [ceil(out/128)], zero, and left so
//
// n is at most the kernel's columns.
struct QgemmParams {
  float *dst;
  const __half *x;
  const uint8_t *w;
  const uint8_t *scales;
  const float *bias;
  const float *residual;
  const float *rowScale;
  float *partial;
  unsigned *counters;
  int n, in, out, stride;
  float alpha;
  int pad;
};
static_assert(sizeof(QgemmParams) == 96, "QgemmParams differs from its Go twin");

// nibbles returns 1024 + n in F16 for the four bits at shift of each half of w.
// The mask comes in a register: as two constants the operation is two instructions.
__device__ __forceinline__ uint32_t nibbles(uint32_t w, int shift, uint32_t mask) {
  uint32_t n;
  asm("lop3.b32 %0, %1, %2, 0x64006400, 0xea;" : "=r"(n) : "r"(w >> shift), "r"(mask));
  return n;
}

__device__ __forceinline__ uint32_t nibbleMask() {
  uint32_t mask;
  asm("mov.b32 %0, 0x000f000f;" : "=r"(mask));
  return mask;
}

__device__ __forceinline__ uint32_t sub2(uint32_t a, uint32_t b) {
  __half2 r = __hsub2(*reinterpret_cast<__half2 *>(&a), *reinterpret_cast<__half2 *>(&b));
  return *reinterpret_cast<uint32_t *>(&r);
}

// QgemmQ4 and QgemmQ8 say how a chunk of a row lies in a stage. Words are a lane's of
// one row: load takes those of a block, or of all at the first, and operand sets the
// two words of mma's a that belong to the row, for inputs 32h to 32h + 15 and the
// following 16 of the block.
struct QgemmQ4 {
  static constexpr int rowBytes = qgemmChunk / 2, scaleBytes = 16;
  static constexpr int inputs = 32, blocks = 4;  // of a scale; of half a chunk
  __device__ static int fullRow(int in) { return padded(in, q4Pad) / 2; }
  __device__ static int fullScales(int in) { return padded(in, q4Pad) / 16; }

  __device__ static __forceinline__ void copyScales(uint8_t *to, const uint8_t *from, int row,
                                                    int rows, int chunk, int stride) {
    if (threadIdx.x >= qgemmTile) return;
    copyAsync16(to + threadIdx.x * 16,
                from + int64_t(min(row + int(threadIdx.x), rows - 1)) * stride + chunk * 16, true);
  }

  struct Words {
    uint4 w;
    template <class Stage>
    __device__ __forceinline__ void load(const Stage &s, int row, int half, int block, int t) {
      if (block == 0) w = *reinterpret_cast<const uint4 *>(s.weights + s.piece(row, half * 4 + t));
    }
    __device__ __forceinline__ void operand(uint32_t *first, uint32_t *second, int block, int,
                                            uint32_t mask) const {
      const uint32_t offset = 0x64086408;  // 1032
      const uint32_t word = block == 0 ? w.x : block == 1 ? w.y : block == 2 ? w.z : w.w;
      first[0] = sub2(nibbles(word, 0, mask), offset);
      first[2] = sub2(nibbles(word, 4, mask), offset);
      second[0] = sub2(nibbles(word, 8, mask), offset);
      second[2] = sub2(nibbles(word, 12, mask), offset);
    }
  };
};

struct QgemmQ8 {
  static constexpr int rowBytes = qgemmChunk, scaleBytes = 8;
  static constexpr int inputs = 64, blocks = 2;
  __device__ static int fullRow(int in) { return padded(in, q8Pad); }
  __device__ static int fullScales(int in) { return padded(in, q8Pad) / 32; }

  __device__ static __forceinline__ void copyScales(uint8_t *to, const uint8_t *from, int row,
                                                    int rows, int chunk, int stride) {
    const int r = threadIdx.x / 2, half = threadIdx.x % 2, at = chunk * 8 + half * 4;
    const bool inside = at < stride;
    copyAsync4(to + threadIdx.x * 4,
               from + int64_t(min(row + r, rows - 1)) * stride + (inside ? at : 0), inside);
  }

  // pair returns two bytes less 128, in F16: as the low bits of 1024 and more they are
  // exact.
  __device__ static __forceinline__ uint32_t pair(uint32_t w, uint32_t bytes) {
    return sub2(__byte_perm(w, 0x64646464, bytes), 0x64806480);  // 1152
  }

  struct Words {
    uint4 w;
    template <class Stage>
    __device__ __forceinline__ void load(const Stage &s, int row, int half, int block, int t) {
      w = *reinterpret_cast<const uint4 *>(s.weights + s.piece(row, (half * 2 + block) * 4 + t));
    }
    __device__ __forceinline__ void operand(uint32_t *first, uint32_t *second, int, int h,
                                            uint32_t) const {
      const uint32_t a = h == 0 ? w.x : w.z, b = h == 0 ? w.y : w.w;
      first[0] = pair(a, 0x4240), first[2] = pair(a, 0x4341);
      second[0] = pair(b, 0x4240), second[2] = pair(b, 0x4341);
    }
  };
};

// QgemmStage is the place of a stage's parts in shared memory.
template <class F, int columns>
struct QgemmStage {
  static constexpr int weightBytes = qgemmTile * F::rowBytes;
  static constexpr int scaleBytes = qgemmTile * F::scaleBytes;
  static constexpr int bytes = weightBytes + scaleBytes + columns * qgemmColumn;

  uint8_t *weights, *scales, *x;
  __device__ QgemmStage(uint8_t *memory, int slot)
      : weights(memory + slot * bytes), scales(weights + weightBytes), x(scales + scaleBytes) {}

  // piece returns where 16 bytes of a row lie: neighbouring rows in different banks.
  __device__ static __forceinline__ int piece(int row, int i) {
    return row * F::rowBytes + (i ^ (row & 1) << 2) * 16;
  }
};

// QgemmWork is how the blocks share the line of chunks. The chunks of all tiles times
// the blocks are less than 2³².
struct QgemmWork {
  unsigned chunks, blocks, units;

  __device__ QgemmWork(int in, int out)
      : chunks((in + qgemmChunk - 1) / qgemmChunk), blocks(gridDim.x) {
    units = (out + qgemmTile - 1) / qgemmTile * chunks;
  }
  __device__ unsigned begin(unsigned block) const { return units * block / blocks; }
  __device__ unsigned firstTile(unsigned block) const { return begin(block) / chunks; }
  // blockOf returns the block that has a unit.
  __device__ unsigned blockOf(unsigned unit) const { return ((unit + 1) * blocks - 1) / units; }
};

// qgemmCopyWeights starts the copy of the weights and scales of a chunk.
template <class F, int columns>
__device__ __forceinline__ void qgemmCopyWeights(const QgemmParams &p,
                                                 const QgemmStage<F, columns> &to, int tile,
                                                 int chunk) {
  constexpr int perRow = F::rowBytes / 16;
  const int full = F::fullRow(p.in), row0 = tile * qgemmTile;
#pragma unroll
  for (int i = 0; i < qgemmTile * perRow / qgemmThreads; i++) {
    const int at = threadIdx.x + i * qgemmThreads, row = at / perRow, piece = at % perRow;
    const uint8_t *from = p.w + int64_t(min(row0 + row, p.out - 1)) * full;
    const int k = chunk * F::rowBytes + piece * 16;
    copyAsync16(to.weights + to.piece(row, piece), from + (k < full ? k : 0), k < full);
  }
  F::copyScales(to.scales, p.scales, row0, p.out, chunk, F::fullScales(p.in));
}

template <class F, int columns>
__device__ __forceinline__ void qgemmCopyX(const QgemmParams &p, const QgemmStage<F, columns> &to,
                                           int chunk) {
  constexpr int perRow = qgemmChunk / 8;
#pragma unroll
  for (int i = 0; i < columns * perRow / qgemmThreads; i++) {
    const int at = threadIdx.x + i * qgemmThreads, row = at / perRow, piece = at % perRow,
              k = chunk * qgemmChunk + piece * 8;
    const bool inside = row < p.n && k < p.in;
    copyAsync16(to.x + row * qgemmColumn + piece * 16, p.x + (inside ? int64_t(row) * p.in + k : 0),
                inside);
  }
}

// qgemmStep multiplies the warp's half of a chunk. The rows' tiles follow each other
// within a piece of inputs, so that no product waits for the one before it.
//
//	sum  [2 tiles of 16 outputs, columns/8 tiles of rows, 4]
template <class F, int columns>
__device__ __forceinline__ void qgemmStep(float sum[2][columns / 8][4],
                                          const QgemmStage<F, columns> &s, int warpOut, int half) {
  const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
  const uint32_t mask = nibbleMask();
  const uint8_t *x = s.x + g * qgemmColumn + half * qgemmChunk + t * 16;
  typename F::Words words[2][2];
#pragma unroll
  for (int block = 0; block < F::blocks; block++) {
    float part[2][columns / 8][4] = {};
#pragma unroll
    for (int m = 0; m < 2; m++)
#pragma unroll
      for (int r = 0; r < 2; r++) words[m][r].load(s, warpOut + 16 * m + 8 * r + g, half, block, t);
#pragma unroll
    for (int h = 0; h < F::inputs / 32; h++) {
      uint32_t a[2][2][4];
#pragma unroll
      for (int m = 0; m < 2; m++)
#pragma unroll
        for (int r = 0; r < 2; r++) words[m][r].operand(a[m][0] + r, a[m][1] + r, block, h, mask);
#pragma unroll
      for (int j = 0; j < columns / 8; j++) {
        const uint4 b = *reinterpret_cast<const uint4 *>(x + j * 8 * qgemmColumn +
                                                         (block * F::inputs / 32 + h) * 64);
#pragma unroll
        for (int m = 0; m < 2; m++) mma(__half(), part[m][j], a[m][0], b.x, b.y);
#pragma unroll
        for (int m = 0; m < 2; m++) mma(__half(), part[m][j], a[m][1], b.z, b.w);
      }
    }
#pragma unroll
    for (int m = 0; m < 2; m++) {
      const __half *scales =
          reinterpret_cast<const __half *>(s.scales + (warpOut + 16 * m + g) * F::scaleBytes) +
          half * F::blocks + block;
      const float low = __half2float(scales[0]), high = __half2float(scales[4 * F::scaleBytes]);
#pragma unroll
      for (int j = 0; j < columns / 8; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) sum[m][j][i] += (i < 2 ? low : high) * part[m][j][i];
    }
  }
}

}  // namespace zen
