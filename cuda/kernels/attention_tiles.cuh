// SPDX-License-Identifier: Apache-2.0

// Tiles of 16 cached positions in shared memory, and softmax(q·kᵀ)·v of 16 query
// rows over one of them on the tensor cores, as both fast attention kernels do it.
//
// A tile is [16, headDim] of F16 or BF16; that of an I8 cache is widened to F16. Its pieces of 16
// bytes are permuted within a row by the row's number, so that both a column of pieces and four
// neighbours in each of two rows fall into different banks. With g = lane / 4, t = lane % 4:
//
//	scores   c[j] of mma: rows g and g + 8, positions 8j + 2t and 8j + 2t + 1, j < 2
//	out      c[n] of mma: rows g and g + 8, elements 8n + 2t and 8n + 2t + 1

#pragma once

#include "attention.cuh"

namespace zen {

constexpr int tilePositions = 16;

// piece returns the index of a 16-byte piece of a tile.
template <int headDim>
__device__ __forceinline__ int piece(int row, int column) {
  const int spread = (row & 1) << 2 | (row >> 1 & 3);
  return row * (headDim / 8) + (column ^ spread);
}

// TilePlace is where copyTile puts the pieces of a tile.
template <int headDim>
struct TilePlace {
  uint4 *tile;
  __device__ __forceinline__ uint4 *operator()(int row, int column) const {
    return tile + piece<headDim>(row, column);
  }
};

// copyTile starts the copy of 16 consecutive positions of one page and head. Those
// outside [first, last] become zero: what their slots hold, NaN too, must not show.
//
//	from    [16, headDim] elements, position of the first of them
//	thread  < threads
template <int headDim, int threads, class T, class Place>
__device__ __forceinline__ void copyTile(Place to, const T *from, const __half *, int position,
                                         int first, int last, int thread) {
  constexpr int perRow = headDim / 8;
  static_assert(threads % perRow == 0 && tilePositions * perRow % threads == 0);
  const int column = thread % perRow;
#pragma unroll
  for (int i = 0; i < tilePositions * perRow / threads; i++) {
    const int row = thread / perRow + i * (threads / perRow), pos = position + row;
    copyAsync16(to(row, column), from + row * headDim + column * 8, pos >= first && pos <= last);
  }
}

// copyTile of an I8 cache widens it on the way, and has come when it returns.
//
//	scales  [16, headDim/32]
template <int headDim, int threads, class Place>
__device__ __forceinline__ void copyTile(Place to, const int8_t *from, const __half *scales,
                                         int position, int first, int last, int thread) {
  constexpr int perRow = headDim / 8;
  const int column = thread % perRow;
#pragma unroll
  for (int i = 0; i < tilePositions * perRow / threads; i++) {
    const int row = thread / perRow + i * (threads / perRow), pos = position + row;
    uint4 wide = make_uint4(0, 0, 0, 0);
    if (pos >= first && pos <= last) {
      const uint2 q = __ldcg(reinterpret_cast<const uint2 *>(from + row * headDim + column * 8));
      const int at = row * (headDim / kvBlock) + column * 8 / kvBlock;
      const float s = __half2float(
          __ushort_as_half(__ldcg(reinterpret_cast<const unsigned short *>(scales) + at)));
      auto value = [&](uint32_t word, int byte) { return float(int8_t(word >> 8 * byte)) * s; };
      wide.x = pack(__half(), value(q.x, 0), value(q.x, 1));
      wide.y = pack(__half(), value(q.x, 2), value(q.x, 3));
      wide.z = pack(__half(), value(q.y, 0), value(q.y, 1));
      wide.w = pack(__half(), value(q.y, 2), value(q.y, 3));
    }
    *to(row, column) = wide;
  }
}

// Softmax is the state of the online softmax (Milakov and Gimelshein, 2018) for a
// warp's 16 query rows; scores are in units of log 2.
template <int headDim>
struct Softmax {
  float out[headDim / 8][4];
  float largest[2], total[2];  // rows g and g + 8; total only of the lane's columns

  __device__ void reset() {
#pragma unroll
    for (int n = 0; n < headDim / 8; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) out[n][i] = 0;
    largest[0] = largest[1] = -CUDART_INF_F;
    total[0] = total[1] = 0;
  }
};

// loadQueries puts rows g and g + 8 of q into mma's operand a; the eight elements
// 32c + 8t.. of a row go to the products 2c and 2c + 1. A null row is zero.
template <class T, int headDim>
__device__ __forceinline__ void loadQueries(uint32_t a[headDim / 16][4], const float *rows[2],
                                            int t) {
#pragma unroll
  for (int c = 0; c < headDim / 32; c++) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float4 x = make_float4(0, 0, 0, 0), y = x;
      if (rows[h]) {
        x = readL2(reinterpret_cast<const float4 *>(rows[h] + 32 * c + 8 * t));
        y = readL2(reinterpret_cast<const float4 *>(rows[h] + 32 * c + 8 * t) + 1);
      }
      a[2 * c][h] = pack(T(), x.x, x.y), a[2 * c][2 + h] = pack(T(), x.z, x.w);
      a[2 * c + 1][h] = pack(T(), y.x, y.y), a[2 * c + 1][2 + h] = pack(T(), y.z, y.w);
    }
  }
}

// scoreTile sets scores to q·kᵀ of one tile.
template <class T, int headDim>
__device__ __forceinline__ void scoreTile(float scores[2][4], const uint32_t q[headDim / 16][4],
                                          const uint4 *keys, int g, int t) {
#pragma unroll
  for (int j = 0; j < 2; j++) {
#pragma unroll
    for (int i = 0; i < 4; i++) scores[j][i] = 0;
#pragma unroll
    for (int c = 0; c < headDim / 32; c++) {
      const uint4 k = keys[piece<headDim>(8 * j + g, 4 * c + t)];
      mma(T(), scores[j], q[2 * c], k.x, k.y);
      mma(T(), scores[j], q[2 * c + 1], k.z, k.w);
    }
  }
}

// addTile adds softmax weights · v of one tile: weights are the scores of scoreTile
// after the exponential.
template <class T, int headDim>
__device__ __forceinline__ void addTile(float out[headDim / 8][4], const float weights[2][4],
                                        const uint4 *values, int lane) {
  const uint32_t p[4] = {
      pack(T(), weights[0][0], weights[0][1]), pack(T(), weights[0][2], weights[0][3]),
      pack(T(), weights[1][0], weights[1][1]), pack(T(), weights[1][2], weights[1][3])};
#pragma unroll
  for (int n = 0; n < headDim / 16; n++) {
    uint32_t v[4];
    loadMatrix4Transposed(v, sharedAddress(values + piece<headDim>(lane % 16, 2 * n + lane / 16)));
    mma(T(), out[2 * n], p, v[0], v[1]);
    mma(T(), out[2 * n + 1], p, v[2], v[3]);
  }
}

// rowMax and rowSum reduce over the four lanes that share a row.
__device__ __forceinline__ float rowMax(float x) {
  x = fmaxf(x, __shfl_xor_sync(everyLane, x, 1));
  return fmaxf(x, __shfl_xor_sync(everyLane, x, 2));
}
__device__ __forceinline__ float rowSum(float x) {
  x += __shfl_xor_sync(everyLane, x, 1);
  return x + __shfl_xor_sync(everyLane, x, 2);
}

}  // namespace zen
