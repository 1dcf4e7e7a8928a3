// SPDX-License-Identifier: Apache-2.0

// Parameters and epilogue of the matrix products of many rows.

#pragma once

#include "common.cuh"

namespace zen {

// GemmParams has a twin in package cuda.
//
//	dst       [n, stride] F32, or F16 where half is not 0, of which out columns
//	x         [n, in]   F16, base 16-byte aligned
//	w         [out, in] F16, base 16-byte aligned
//	bias      [out] F32 or null
//	residual  [n, stride] F32 or null, of which out columns; may be dst
//	rowScale  [n] F32 or null: the product of a row is multiplied by it
//	alpha     all products are multiplied by it
//
// in is a multiple of 8. Rows of dst and residual are stride elements apart.
struct GemmParams {
  void *dst;
  const __half *x;
  const __half *w;
  const float *bias;
  const float *residual;
  const float *rowScale;
  int n, in, out, stride;
  float alpha;
  int half;
};
static_assert(sizeof(GemmParams) == 72, "GemmParams differs from its Go twin");

// putGemm writes two neighbouring elements of a row; column is even.
__device__ __forceinline__ void putGemm(const GemmParams &p, int row, int column, float a,
                                        float b) {
  if (row >= p.n || column >= p.out) return;
  const bool both = column + 1 < p.out;
  const int64_t at = int64_t(row) * p.stride + column;
  const float scale = p.rowScale ? p.alpha * p.rowScale[row] : p.alpha;
  a *= scale, b *= scale;
  if (p.bias) a += p.bias[column], b += both ? p.bias[column + 1] : 0.f;
  if (both && p.stride % 2 == 0) {
    if (p.residual) {
      const float2 r = *reinterpret_cast<const float2 *>(p.residual + at);
      a += r.x, b += r.y;
    }
    if (p.half)
      *reinterpret_cast<uint32_t *>(static_cast<__half *>(p.dst) + at) = pack(__half(), a, b);
    else
      *reinterpret_cast<float2 *>(static_cast<float *>(p.dst) + at) = make_float2(a, b);
    return;
  }
  auto put = [&](int64_t at, float y) {
    if (p.residual) y += p.residual[at];
    if (p.half)
      static_cast<__half *>(p.dst)[at] = __float2half_rn(y);
    else
      static_cast<float *>(p.dst)[at] = y;
  };
  put(at, a);
  if (both) put(at + 1, b);
}

}  // namespace zen
