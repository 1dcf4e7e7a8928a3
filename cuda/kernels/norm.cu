// SPDX-License-Identifier: Apache-2.0

// RMSNorm, with what an earlier product left to be added first.

#include "common.cuh"

namespace zen {

// Some is width neighbours of a row, which one access brings.
template <int width>
struct Some {
  float v[width];
};
__device__ __forceinline__ Some<1> readSome(const float *p, Some<1>) { return {{readL2(p)}}; }
__device__ __forceinline__ Some<4> readSome(const float *p, Some<4>) {
  const float4 f = readL2(reinterpret_cast<const float4 *>(p));
  return {{f.x, f.y, f.z, f.w}};
}
__device__ __forceinline__ void write(float *p, Some<1> x) { *p = x.v[0]; }
__device__ __forceinline__ void write(float *p, Some<4> x) {
  *reinterpret_cast<float4 *>(p) = make_float4(x.v[0], x.v[1], x.v[2], x.v[3]);
}
__device__ __forceinline__ void write(__half *p, Some<1> x) { *p = __float2half_rn(x.v[0]); }
__device__ __forceinline__ void write(__half *p, Some<4> x) {
  *reinterpret_cast<uint2 *>(p) =
      make_uint2(pack(__half(), x.v[0], x.v[1]), pack(__half(), x.v[2], x.v[3]));
}

struct NormParams {
  float *dst;
  __half *dst16;
  float *x;
  const float *product, *rowScale, *bias, *weight;
  int hidden;
  float eps, unit;
};

// normRow is zen_rmsnorm for rows of a multiple of width elements. What a thread cannot keep
// in registers it reads again.
template <int width>
__device__ __forceinline__ void normRow(const NormParams &p, float *scratch) {
  constexpr int kept = 16 / width;
  const int64_t row = int64_t(blockIdx.x) * p.hidden;
  const int first = threadIdx.x * width, span = blockDim.x * width;
  const float scale = p.product ? readL2(p.rowScale + blockIdx.x) : 0;
  float sum = 0;
  Some<width> x[kept];
  for (int base = first; base < p.hidden; base += kept * span) {
    Some<width> y[kept], product[kept];
#pragma unroll
    for (int j = 0; j < kept; j++)
      if (base + j * span < p.hidden) {
        y[j] = readSome(p.x + row + base + j * span, y[j]);
        if (p.product) product[j] = readSome(p.product + row + base + j * span, y[j]);
      }
#pragma unroll
    for (int j = 0; j < kept; j++) {
      const int i = base + j * span;
      if (i >= p.hidden) break;
      if (p.product) {
#pragma unroll
        for (int k = 0; k < width; k++)
          y[j].v[k] += fmaf(scale, product[j].v[k], p.bias ? p.bias[i + k] : 0.f);
        write(p.x + row + i, y[j]);
      }
#pragma unroll
      for (int k = 0; k < width; k++) sum = fmaf(y[j].v[k], y[j].v[k], sum);
      if (base == first) x[j] = y[j];
    }
  }
  const float inverse = 1.f / sqrtf(blockSum(sum, scratch) / p.hidden + p.eps);
  for (int base = first; base < p.hidden; base += kept * span) {
#pragma unroll
    for (int j = 0; j < kept; j++) {
      const int i = base + j * span;
      if (i >= p.hidden) break;
      if (base != first) x[j] = readSome(p.x + row + i, x[j]);
#pragma unroll
      for (int k = 0; k < width; k++) x[j].v[k] = x[j].v[k] * inverse * p.weight[i + k];
      if (p.dst) write(p.dst + row + i, x[j]);
#pragma unroll
      for (int k = 0; k < width; k++) x[j].v[k] *= p.unit;
      if (p.dst16) write(p.dst16 + row + i, x[j]);
    }
  }
}

}  // namespace zen

using namespace zen;

// zen_rmsnorm sets x += rowScale · product + bias, where product is not null, then dst, where
// not null, to y = x / sqrt(mean(x²) + eps) · weight, and dst16, where not null, to unit · y.
//
//	dst         [rows, hidden] F32; may be x where product is null
//	dst16       [rows, hidden] F16
//	x, product  [rows, hidden] F32
//	rowScale    [rows]         F32
//	bias        [hidden]       F32 or null
//	weight      [hidden]       F32
//
// Bases are aligned to 16 bytes. grid: rows; block: a multiple of 32, at most 1024. A block
// owns a row. Sums in float32.
extern "C" __global__ void zen_rmsnorm(float *dst, __half *dst16, float *x, const float *product,
                                       const float *rowScale, const float *bias,
                                       const float *weight, int hidden, float eps, float unit) {
  __shared__ float scratch[33];
  waitForPredecessor();
  releaseSuccessor();
  const NormParams p = {dst, dst16, x, product, rowScale, bias, weight, hidden, eps, unit};
  if (hidden % 4 == 0)
    normRow<4>(p, scratch);
  else
    normRow<1>(p, scratch);
}
