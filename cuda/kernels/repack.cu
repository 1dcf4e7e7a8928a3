// SPDX-License-Identifier: Apache-2.0

// Quantised matrices from the layouts of package tensor to the device's rows (see
// common.cuh), and to BF16 for the tensor cores' many rows.

#include "common.cuh"

namespace zen {

// q8Word biases four consecutive weights and puts them in the device's byte order.
__device__ __forceinline__ uint32_t q8Word(uint32_t w) {
  return __byte_perm(w ^ 0x80808080u, 0, 0x3120);
}

}  // namespace zen

using namespace zen;

// zen_repack_q8 writes rows firstRow and following of a matrix from panels of 16.
//
//	dst          [.., inPad]                bytes; the matrix's start
//	dstScales    [.., inPad/64]             F16
//	panels       [ceil(out/16), blocks, 16, 16, 4]  blocks = ceil(in/64)
//	panelScales  [ceil(out/16), blocks, 16]         F16
//
// out is the number of rows written; firstRow is a multiple of 16. Blocks past the
// panels' get zeros with scale 0.
//
// grid: (inPad/64, ceil(out/16)); block: 256, one word of a row each
extern "C" __global__ void zen_repack_q8(uint8_t *dst, __half *dstScales, const uint8_t *panels,
                                         const __half *panelScales, int in, int out, int firstRow) {
  const int block = blockIdx.x, blocks = (in + 63) / 64, pad = padded(in, q8Pad);
  const int r = threadIdx.x / 16, word = threadIdx.x % 16, t = word / 4, h = word / 2 % 2,
            j = word % 2;
  const int64_t panel = blockIdx.y, row = firstRow + panel * 16 + r;
  if (panel * 16 + r >= out) return;
  uint32_t w = 0;
  __half scale = __float2half_rn(0);
  if (block < blocks) {
    const int64_t at = panel * blocks + block;
    w = reinterpret_cast<const uint32_t *>(panels)[(at * 16 + 8 * h + 2 * t + j) * 16 + r];
    scale = panelScales[at * 16 + r];
  }
  reinterpret_cast<uint32_t *>(dst)[(row * pad + block * 64) / 4 + word] = q8Word(w);
  if (word == 0) dstScales[row * (pad / 64) + block] = scale;
}

// zen_repack_i8 is zen_repack_q8 from rows.
//
//	rows       [out, in]     int8, in a multiple of 64
//	rowScales  [out, in/64]  F16
extern "C" __global__ void zen_repack_i8(uint8_t *dst, __half *dstScales, const uint8_t *rows,
                                         const __half *rowScales, int in, int out, int firstRow) {
  const int block = blockIdx.x, pad = padded(in, q8Pad);
  const int r = threadIdx.x / 16, word = threadIdx.x % 16, t = word / 4, h = word / 2 % 2,
            j = word % 2;
  const int64_t from = int64_t(blockIdx.y) * 16 + r, row = firstRow + from;
  if (from >= out) return;
  uint32_t w = 0;
  __half scale = __float2half_rn(0);
  if (block < in / 64) {
    w = reinterpret_cast<const uint32_t *>(
        rows)[(from * in + block * 64 + 32 * h + 8 * t + 4 * j) / 4];
    scale = rowScales[from * (in / 64) + block];
  }
  reinterpret_cast<uint32_t *>(dst)[(row * pad + block * 64) / 4 + word] = q8Word(w);
  if (word == 0) dstScales[row * (pad / 64) + block] = scale;
}

// zen_repack_q4 writes rows firstRow and following of a matrix from panels of 16.
//
//	dst          [.., inPad/2]              bytes; the matrix's start
//	dstScales    [.., inPad/32]             F16
//	panels       [ceil(out/16), blocks, 8, 16, 4]  blocks = ceil(in/64)
//	panelScales  [ceil(out/16), blocks, 2, 16]     F16
//
// grid: (inPad/128, ceil(out/16)); block: 256, one word of a row each
extern "C" __global__ void zen_repack_q4(uint8_t *dst, __half *dstScales, const uint8_t *panels,
                                         const __half *panelScales, int in, int out, int firstRow) {
  const int chunk = blockIdx.x, blocks = (in + 63) / 64, pad = padded(in, q4Pad);
  const int r = threadIdx.x / 16, word = threadIdx.x % 16, t = word / 4, s = word % 4;
  const int64_t panel = blockIdx.y, row = firstRow + panel * 16 + r;
  if (panel * 16 + r >= out) return;
  const int block = 2 * chunk + s / 2, high = s % 2;
  uint32_t packed = 0x88888888u;
  __half scale = __float2half_rn(0);
  if (block < blocks) {
    const int64_t at = panel * blocks + block;
    packed = 0;
    for (int e = 0; e < 8; e++) {
      const uint32_t w =
          reinterpret_cast<const uint32_t *>(panels)[(at * 8 + 2 * t + e / 4) * 16 + r];
      packed |= (w >> (8 * (e % 4) + 4 * high) & 15) << (4 * (e / 2) + 16 * (e % 2));
    }
    scale = panelScales[(at * 2 + high) * 16 + r];
  }
  reinterpret_cast<uint32_t *>(dst)[(row * (pad / 2) + chunk * 64) / 4 + word] = packed;
  if (t == 0) dstScales[row * (pad / 32) + 4 * chunk + s] = scale;
}

// zen_dequant_* writes a quantised matrix as BF16.
//
//	dst  [out, in] BF16, in a multiple of 8
//
// grid: any; block: any. Eight consecutive elements of a row at a time go around the
// threads.
extern "C" __global__ void zen_dequant_q8(bf16 *dst, const uint8_t *w, const __half *scales, int in,
                                          int out) {
  const int64_t pad = padded(in, q8Pad);
  const unsigned pieces = in / 8;
  const int64_t all = int64_t(pieces) * out, step = int64_t(gridDim.x) * blockDim.x;
#pragma unroll 4
  for (int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; at < all; at += step) {
    const int64_t row = at < 0x100000000 ? unsigned(at) / pieces : at / pieces;
    const int k = int(at - row * pieces) * 8;
    const uint2 q = *reinterpret_cast<const uint2 *>(w + row * pad + (k >> 6) * 64 +
                                                     (k >> 3 & 3) * 16 + (k >> 5 & 1) * 8);
    const float s = __half2float(scales[row * (pad / 64) + (k >> 6)]);
    auto pair = [s](uint32_t word, int low) {
      return pack(bf16(), float(int(word >> (8 * low) & 255) - 128) * s,
                  float(int(word >> (8 * low + 16) & 255) - 128) * s);
    };
    *reinterpret_cast<uint4 *>(dst + row * in + k) =
        make_uint4(pair(q.x, 0), pair(q.x, 1), pair(q.y, 0), pair(q.y, 1));
  }
}

extern "C" __global__ void zen_dequant_q4(bf16 *dst, const uint8_t *w, const __half *scales, int in,
                                          int out) {
  const int64_t pad = padded(in, q4Pad);
  const unsigned pieces = in / 8;
  const int64_t all = int64_t(pieces) * out, step = int64_t(gridDim.x) * blockDim.x;
#pragma unroll 4
  for (int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; at < all; at += step) {
    const int64_t row = at < 0x100000000 ? unsigned(at) / pieces : at / pieces;
    const int k = int(at - row * pieces) * 8;
    const uint32_t q = *reinterpret_cast<const uint32_t *>(w + row * (pad / 2) + (k >> 7) * 64 +
                                                           (k >> 3 & 3) * 16 + (k >> 5 & 3) * 4);
    const float s = __half2float(scales[row * (pad / 32) + (k >> 5)]);
    auto pair = [q, s](int i) {
      return pack(bf16(), float(int(q >> (4 * i) & 15) - 8) * s,
                  float(int(q >> (4 * i + 16) & 15) - 8) * s);
    };
    *reinterpret_cast<uint4 *>(dst + row * in + k) = make_uint4(pair(0), pair(1), pair(2), pair(3));
  }
}
