// SPDX-License-Identifier: Apache-2.0

// Parameters and epilogue of the matrix products of many rows.

#pragma once

#include "common.cuh"

namespace zen {

// GemmParams has a twin in package cuda.
//
//	dst       [n, stride] F32 or null, of which out columns
//	dst16     [n, stride] BF16 or null, the same
//	x         [n, in]   BF16 or F16, base 16-byte aligned
//	w         [out, in] of x's type, base 16-byte aligned
//	bias      [out] F32 or null
//	residual  [n, stride] F32 or null, the same; may be dst
//	rowScale  [n] F32 or null: the product of a row is multiplied by it
//
// in is a multiple of 8. Rows of dst, dst16 and residual are stride elements apart.
struct GemmParams {
  float *dst;
  bf16 *dst16;
  const void *x;
  const void *w;
  const float *bias;
  const float *residual;
  const float *rowScale;
  int n, in, out, stride;
};
static_assert(sizeof(GemmParams) == 72, "GemmParams differs from its Go twin");

// putGemm writes two neighbouring elements of a row; column is even.
__device__ __forceinline__ void putGemm(const GemmParams &p, int row, int column, float a,
                                        float b) {
  if (row >= p.n || column >= p.out) return;
  const bool both = column + 1 < p.out;
  const int64_t at = int64_t(row) * p.stride + column;
  if (p.rowScale) a *= p.rowScale[row], b *= p.rowScale[row];
  if (p.bias) a += p.bias[column], b += both ? p.bias[column + 1] : 0.f;
  if (both && p.stride % 2 == 0) {
    if (p.residual) {
      const float2 r = *reinterpret_cast<const float2 *>(p.residual + at);
      a += r.x, b += r.y;
    }
    if (p.dst) *reinterpret_cast<float2 *>(p.dst + at) = make_float2(a, b);
    if (p.dst16) *reinterpret_cast<uint32_t *>(p.dst16 + at) = pack(bf16(), a, b);
    return;
  }
  if (p.residual) a += p.residual[at], b += both ? p.residual[at + 1] : 0.f;
  if (p.dst) p.dst[at] = a;
  if (p.dst16) p.dst16[at] = fromFloat<bf16>(a);
  if (!both) return;
  if (p.dst) p.dst[at + 1] = b;
  if (p.dst16) p.dst16[at + 1] = fromFloat<bf16>(b);
}

}  // namespace zen
