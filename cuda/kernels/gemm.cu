// SPDX-License-Identifier: Apache-2.0

// Many rows times a matrix on the tensor cores by mma.sync, for every card from
// compute capability 8.0 on.
//
//	dst[i, o] = alpha · rowScale[i] · Σₖ x[i, k]·w[o, k] + bias[o] + residual[i, o]
//
// A block owns a tile of 128 rows and 128 outputs, each of its eight warps 64 rows
// and 32 outputs. Slices of 64 inputs go through three stages of shared memory, rows
// of 128 bytes whose eight pieces are permuted by the row, so that ldmatrix reads
// eight rows from different banks. Sums in float32.

#include "gemm.cuh"

namespace zen {

constexpr int gemmTile = 128;  // rows and outputs of a block
constexpr int gemmDepth = 64;  // inputs of a stage
constexpr int gemmStages = 3;
constexpr int gemmThreads = 256;
constexpr int gemmPieces = gemmTile * gemmDepth / 8;  // 16-byte pieces of one operand's stage

// gemmPiece returns the address of a piece of a stage.
__device__ __forceinline__ uint32_t gemmPiece(uint32_t base, int row, int column) {
  return base + (row * 8 + (column ^ (row & 7))) * 16;
}

// copySlice starts the copy of one operand's stage.
//
//	from  [rows, in], from the tile's first row on; rows past the end become zero
__device__ __forceinline__ void copySlice(uint4 *to, const __half *from, int rows, int in, int k0) {
#pragma unroll
  for (int i = 0; i < gemmPieces / gemmThreads; i++) {
    const int at = threadIdx.x + i * gemmThreads, row = at / 8, column = at % 8,
              k = k0 + column * 8;
    const bool inside = row < rows && k < in;
    copyAsync16(to + row * 8 + (column ^ (row & 7)), from + (inside ? int64_t(row) * in + k : 0),
                inside);
  }
}

// gemmBlock computes one tile.
//
// grid: (ceil(out/128), ceil(n/128)); block: 256; shared: 98304 bytes
__device__ void gemmBlock(const GemmParams &p) {
  extern __shared__ uint4 memory[];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int row0 = blockIdx.y * gemmTile, out0 = blockIdx.x * gemmTile;
  const int warpRow = warp / 4 * 64, warpOut = warp % 4 * 32;
  const __half *x = p.x + int64_t(row0) * p.in, *w = p.w + int64_t(out0) * p.in;
  const int slices = (p.in + gemmDepth - 1) / gemmDepth;
  auto copy = [&](int slice) {
    if (slice < slices) {
      uint4 *to = memory + slice % gemmStages * 2 * gemmPieces;
      copySlice(to, x, p.n - row0, p.in, slice * gemmDepth);
      copySlice(to + gemmPieces, w, p.out - out0, p.in, slice * gemmDepth);
    }
    copyAsyncCommit();
  };
  for (int i = 0; i < gemmStages - 1; i++) copy(i);
  float sum[4][4][4] = {};
  for (int slice = 0; slice < slices; slice++) {
    copyAsyncWait<gemmStages - 2>();
    __syncthreads();
    copy(slice + gemmStages - 1);
    const uint32_t xs = sharedAddress(memory + slice % gemmStages * 2 * gemmPieces),
                   ws = xs + gemmPieces * 16;
#pragma unroll
    for (int k = 0; k < gemmDepth / 16; k++) {
      uint32_t a[4][4], b[2][4];
#pragma unroll
      for (int i = 0; i < 4; i++)
        loadMatrix4(a[i], gemmPiece(xs, warpRow + 16 * i + lane % 16, 2 * k + lane / 16));
#pragma unroll
      for (int j = 0; j < 2; j++)
        loadMatrix4(
            b[j], gemmPiece(ws, warpOut + 16 * j + lane / 16 * 8 + lane % 8, 2 * k + lane / 8 % 2));
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
          mma(__half(), sum[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
    }
  }
  const int g = lane / 4, t = lane % 4;
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int j = 0; j < 4; j++) {
      const int row = row0 + warpRow + 16 * i + g, column = out0 + warpOut + 8 * j + 2 * t;
      putGemm(p, row, column, sum[i][j][0], sum[i][j][1]);
      putGemm(p, row + 8, column, sum[i][j][2], sum[i][j][3]);
    }
}

}  // namespace zen

extern "C" __global__ void __launch_bounds__(zen::gemmThreads)
    zen_gemm_f16(const __grid_constant__ zen::GemmParams p) {
  zen::gemmBlock(p);
}
