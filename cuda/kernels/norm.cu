// SPDX-License-Identifier: Apache-2.0

// RMSNorm, with what an earlier product left to be added first.

#include "common.cuh"

namespace zen {

// Some is width neighbours of a row, which one access brings: readSome of what an earlier
// kernel wrote, weights of what none does.
template <int width>
struct Some {
  float v[width];
};
__device__ __forceinline__ Some<1> readSome(const float *p, Some<1>) { return {{readL2(p)}}; }
__device__ __forceinline__ Some<4> readSome(const float *p, Some<4>) {
  const float4 f = readL2(reinterpret_cast<const float4 *>(p));
  return {{f.x, f.y, f.z, f.w}};
}
__device__ __forceinline__ Some<1> weights(const float *p, Some<1>) { return {{*p}}; }
__device__ __forceinline__ Some<4> weights(const float *p, Some<4>) {
  const float4 f = *reinterpret_cast<const float4 *>(p);
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

// addDue adds to y, elements i and following of the row, what is to be added, and writes them.
template <int width>
__device__ __forceinline__ void addDue(const NormParams &p, Some<width> &y,
                                       const Some<width> &product, float scale, int64_t row,
                                       int i) {
  Some<width> bias = {};
  if (p.bias) bias = weights(p.bias + i, bias);
#pragma unroll
  for (int k = 0; k < width; k++) y.v[k] += fmaf(scale, product.v[k], bias.v[k]);
  write(p.x + row + i, y);
}

// normalize writes elements i and following of a row.
template <int width>
__device__ __forceinline__ void normalize(const NormParams &p, Some<width> x,
                                          const Some<width> &weight, float inverse, int64_t row,
                                          int i) {
#pragma unroll
  for (int k = 0; k < width; k++) x.v[k] = x.v[k] * inverse * weight.v[k];
  if (p.dst) write(p.dst + row + i, x);
#pragma unroll
  for (int k = 0; k < width; k++) x.v[k] *= p.unit;
  if (p.dst16) write(p.dst16 + row + i, x);
}

// normRow is zen_rmsnorm for rows of a multiple of width elements, weights read before what
// it waits for. What a thread cannot keep in registers it reads again.
template <int width>
__device__ __forceinline__ void normRow(const NormParams &p, float *scratch) {
  constexpr int kept = 8 / width;
  const int64_t row = int64_t(blockIdx.x) * p.hidden;
  const int first = threadIdx.x * width, span = blockDim.x * width;
  Some<width> x[kept], product[kept], weight[kept];
#pragma unroll
  for (int j = 0; j < kept; j++)
    if (first + j * span < p.hidden) weight[j] = weights(p.weight + first + j * span, weight[j]);
  waitForPredecessor();
  releaseSuccessor();
  const float scale = p.product ? readL2(p.rowScale + blockIdx.x) : 0;
  float sum = 0;
  auto square = [&sum](const Some<width> &y) {
#pragma unroll
    for (int k = 0; k < width; k++) sum = fmaf(y.v[k], y.v[k], sum);
  };
#pragma unroll
  for (int j = 0; j < kept; j++) {
    const int64_t at = row + first + j * span;
    if (first + j * span >= p.hidden) break;
    x[j] = readSome(p.x + at, x[j]);
    if (p.product) product[j] = readSome(p.product + at, x[j]);
  }
#pragma unroll
  for (int j = 0; j < kept; j++) {
    if (first + j * span >= p.hidden) break;
    if (p.product) addDue(p, x[j], product[j], scale, row, first + j * span);
    square(x[j]);
  }
  for (int i = first + kept * span; i < p.hidden; i += span) {
    Some<width> y = readSome(p.x + row + i, x[0]);
    if (p.product) addDue(p, y, readSome(p.product + row + i, y), scale, row, i);
    square(y);
  }
  const float inverse = 1.f / sqrtf(blockSum(sum, scratch) / p.hidden + p.eps);
#pragma unroll
  for (int j = 0; j < kept; j++) {
    if (first + j * span >= p.hidden) break;
    normalize(p, x[j], weight[j], inverse, row, first + j * span);
  }
  for (int i = first + kept * span; i < p.hidden; i += span) {
    const Some<width> y = readSome(p.x + row + i, x[0]);
    normalize(p, y, weights(p.weight + i, y), inverse, row, i);
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
// Bases are aligned to 16 bytes. grid: rows; block: a multiple of 32, at most 512. A block
// owns a row. Sums in float32.
extern "C" __global__ void __launch_bounds__(512, 3)
    zen_rmsnorm(float *dst, __half *dst16, float *x, const float *product, const float *rowScale,
                const float *bias, const float *weight, int hidden, float eps, float unit) {
  __shared__ float scratch[33];
  const NormParams p = {dst, dst16, x, product, rowScale, bias, weight, hidden, eps, unit};
  if (hidden % 4 == 0)
    normRow<4>(p, scratch);
  else
    normRow<1>(p, scratch);
}
