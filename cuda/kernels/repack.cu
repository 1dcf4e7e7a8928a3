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

// zen_dequant_* writes a quantised matrix, times unit, as F16.
//
//	dst  [out, in] F16, in a multiple of 8
//
// grid: any; block: any. Eight consecutive elements of a row at a time go around the
// threads.
extern "C" __global__ void zen_dequant_q8(__half *dst, const uint8_t *w, const __half *scales,
                                          int in, int out, float unit) {
  const int64_t pad = padded(in, q8Pad);
  const unsigned pieces = in / 8;
  const int64_t all = int64_t(pieces) * out, step = int64_t(gridDim.x) * blockDim.x;
#pragma unroll 4
  for (int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; at < all; at += step) {
    const int64_t row = at < 0x100000000 ? unsigned(at) / pieces : at / pieces;
    const int k = int(at - row * pieces) * 8;
    const uint2 q = *reinterpret_cast<const uint2 *>(w + row * pad + (k >> 6) * 64 +
                                                     (k >> 3 & 3) * 16 + (k >> 5 & 1) * 8);
    const float s = __half2float(scales[row * (pad / 64) + (k >> 6)]) * unit;
    auto pair = [s](uint32_t word, int low) {
      return pack(__half(), float(int(word >> (8 * low) & 255) - 128) * s,
                  float(int(word >> (8 * low + 16) & 255) - 128) * s);
    };
    *reinterpret_cast<uint4 *>(dst + row * in + k) =
        make_uint4(pair(q.x, 0), pair(q.x, 1), pair(q.y, 0), pair(q.y, 1));
  }
}

extern "C" __global__ void zen_dequant_q4(__half *dst, const uint8_t *w, const __half *scales,
                                          int in, int out, float unit) {
  const int64_t pad = padded(in, q4Pad);
  const unsigned pieces = in / 8;
  const int64_t all = int64_t(pieces) * out, step = int64_t(gridDim.x) * blockDim.x;
#pragma unroll 4
  for (int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; at < all; at += step) {
    const int64_t row = at < 0x100000000 ? unsigned(at) / pieces : at / pieces;
    const int k = int(at - row * pieces) * 8;
    const uint32_t q = *reinterpret_cast<const uint32_t *>(w + row * (pad / 2) + (k >> 7) * 64 +
                                                           (k >> 3 & 3) * 16 + (k >> 5 & 3) * 4);
    const float s = __half2float(scales[row * (pad / 32) + (k >> 5)]) * unit;
    auto pair = [q, s](int i) {
      return pack(__half(), float(int(q >> (4 * i) & 15) - 8) * s,
                  float(int(q >> (4 * i + 16) & 15) - 8) * s);
    };
    *reinterpret_cast<uint4 *>(dst + row * in + k) = make_uint4(pair(0), pair(1), pair(2), pair(3));
  }
}

// zen_largest_16 raises *largest to the largest magnitude of elements of 16 bits, as bits;
// those from infinity on, the type's, do not count.
//
//	x  [n] BF16 or F16, base 16-byte aligned, n a multiple of 8
//
// grid: any; block: a multiple of 32
extern "C" __global__ void zen_largest_16(unsigned *largest, const uint4 *x, int64_t n,
                                          unsigned infinity) {
  unsigned top = 0;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < n / 8;
       i += int64_t(gridDim.x) * blockDim.x) {
    const uint4 v = x[i];
    const uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (int j = 0; j < 4; j++) {
      const unsigned a = words[j] & 0x7fff, b = words[j] >> 16 & 0x7fff;
      top = max(top, max(a < infinity ? a : 0, b < infinity ? b : 0));
    }
  }
  top = __reduce_max_sync(everyLane, top);
  if (threadIdx.x % 32 == 0 && top > 0) atomicMax(largest, top);
}

// zen_halve makes F16 of BF16, times the power of two that brings the largest magnitude to
// [2^14, 2^15). That is exact for what is at least 2^-31 of the largest, and within 2^-40 of
// the largest for the rest.
//
//	x        [n] BF16, then F16, base 16-byte aligned, n a multiple of 8
//	largest  bits of BF16
//
// grid: any; block: any
extern "C" __global__ void zen_halve(uint4 *x, const unsigned *largest, int64_t n) {
  const float unit = __uint_as_float((268 - max(*largest >> 7, 15)) << 23);
  auto halves = [unit](uint32_t w) {
    return pack(__half(), __uint_as_float(w << 16) * unit, __uint_as_float(w & 0xffff0000u) * unit);
  };
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < n / 8;
       i += int64_t(gridDim.x) * blockDim.x) {
    const uint4 v = x[i];
    x[i] = make_uint4(halves(v.x), halves(v.y), halves(v.z), halves(v.w));
  }
}
