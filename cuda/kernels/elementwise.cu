// SPDX-License-Identifier: Apache-2.0

// Operations of one element, and the conversions that feed the tensor cores.

#include "common.cuh"

namespace zen {
constexpr int perThread = 4;  // elements, blockDim.x apart: a warp's accesses are whole lines

__device__ __forceinline__ float gated(float gate, float up) { return silu(gate) * up; }

// finiteMax returns the largest magnitude of the finite elements.
__device__ __forceinline__ float finiteMax(float4 v) {
  auto finite = [](float x) { return fabsf(x) <= 3.4028235e38f ? fabsf(x) : 0.f; };
  return fmaxf(fmaxf(finite(v.x), finite(v.y)), fmaxf(finite(v.z), finite(v.w)));
}

// Unit is the power of two that the elements of a block's row are divided by.
struct Unit {
  float scale, inverse;

  __device__ explicit Unit(float inverse) : scale(1 / inverse), inverse(inverse) {}

  // top is the largest magnitude of the thread's elements; scratch is [32].
  __device__ Unit(float top, float *scratch) {
    top = warpMax(top);
    if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = top;
    __syncthreads();
    for (int i = 0; i < blockDim.x / 32; i++) top = fmaxf(top, scratch[i]);
    // Both powers are normal numbers; zero rows take the low end.
    const uint32_t exponent = max(__float_as_uint(top) >> 23, 15);
    scale = __uint_as_float((exponent - 14) << 23);
    inverse = __uint_as_float((268 - exponent) << 23);
  }

  __device__ __forceinline__ uint2 halves(float4 v) const {
    return make_uint2(pack(__half(), v.x * inverse, v.y * inverse),
                      pack(__half(), v.z * inverse, v.w * inverse));
  }
};

// gatedNear is gated to 2^-18: what is rounded to F16 needs no more.
__device__ __forceinline__ float gatedNear(float gate, float up) {
  return __fdividef(gate, 1.f + __expf(-gate)) * up;
}

__device__ __forceinline__ float4 readFour(const float *p) {
  return readL2(reinterpret_cast<const float4 *>(p));
}
__device__ __forceinline__ float4 readFour(const __half *p) {
  const uint2 v = __ldcg(reinterpret_cast<const uint2 *>(p));
  const float2 a = __half22float2(*reinterpret_cast<const __half2 *>(&v.x)),
               b = __half22float2(*reinterpret_cast<const __half2 *>(&v.y));
  return make_float4(a.x, a.y, b.x, b.y);
}

// gatedRow is zen_swiglu_rows_*.
template <class T>
__device__ __forceinline__ void gatedRow(__half *dst, float *rowScale, const T *gate, const T *up,
                                         int inner, float gateScale, float upScale) {
  constexpr int kept = 10;  // fours
  __shared__ float scratch[32];
  waitForPredecessor();
  releaseSuccessor();
  const int64_t row = blockIdx.x;
  gate += row * inner, up += row * inner, dst += row * inner;
  const int first = 4 * threadIdx.x, span = 4 * blockDim.x;
  auto four = [&](int i) {
    const float4 a = readFour(gate + i), b = readFour(up + i);
    return make_float4(
        gatedNear(a.x * gateScale, b.x * upScale), gatedNear(a.y * gateScale, b.y * upScale),
        gatedNear(a.z * gateScale, b.z * upScale), gatedNear(a.w * gateScale, b.w * upScale));
  };
  float4 y[kept];
  float top = 0;
#pragma unroll
  for (int j = 0; j < kept; j++)
    if (first + j * span < inner) top = fmaxf(top, finiteMax(y[j] = four(first + j * span)));
  for (int i = first + kept * span; i < inner; i += span) top = fmaxf(top, finiteMax(four(i)));
  const Unit unit(top, scratch);
#pragma unroll
  for (int j = 0; j < kept; j++)
    if (first + j * span < inner)
      *reinterpret_cast<uint2 *>(dst + first + j * span) = unit.halves(y[j]);
  for (int i = first + kept * span; i < inner; i += span)
    *reinterpret_cast<uint2 *>(dst + i) = unit.halves(four(i));
  if (threadIdx.x == 0) rowScale[row] = unit.scale;
}

}  // namespace zen

using namespace zen;

// zen_swiglu sets dst = gate / (1 + exp(-gate)) · up.
//
//	dst, gate, up  [n] F32; dst may be gate or up
//
// grid: ceil(n / (4·blockDim.x))
extern "C" __global__ void zen_swiglu(float *dst, const float *gate, const float *up, int64_t n) {
  waitForPredecessor();
  releaseSuccessor();
  const int64_t first = int64_t(blockIdx.x) * blockDim.x * perThread + threadIdx.x;
#pragma unroll
  for (int j = 0; j < perThread; j++) {
    const int64_t i = first + j * blockDim.x;
    if (i < n) dst[i] = gated(readL2(gate + i), readL2(up + i));
  }
}

// zen_swiglu_rows_* is zen_swiglu by rows, which it writes as zen_convert_f16 does.
//
//	dst       [n, inner] F16, base 8-byte aligned
//	rowScale  [n]        F32
//	gate, up  [n, inner] F32 or F16, bases 16-byte aligned, inner a multiple of 4; to be
//	          multiplied by gateScale and upScale
//
// grid: n; block: 512. Rows of up to 20,480 elements stay in registers; what is more is
// computed twice.
#define SWIGLU_ROWS(name, T)                                                                      \
  extern "C" __global__ void __launch_bounds__(512, 2)                                            \
      zen_swiglu_rows_##name(__half *dst, float *rowScale, const T *gate, const T *up, int inner, \
                             float gateScale, float upScale) {                                    \
    gatedRow(dst, rowScale, gate, up, inner, gateScale, upScale);                                 \
  }
SWIGLU_ROWS(f32, float)
SWIGLU_ROWS(f16, __half)

// zen_add sets dst = a + b.
//
//	dst, a, b  [n] F32; dst may be a or b
//
// grid: ceil(n / (4·blockDim.x))
extern "C" __global__ void zen_add(float *dst, const float *a, const float *b, int64_t n) {
  waitForPredecessor();
  releaseSuccessor();
  const int64_t first = int64_t(blockIdx.x) * blockDim.x * perThread + threadIdx.x;
#pragma unroll
  for (int j = 0; j < perThread; j++) {
    const int64_t i = first + j * blockDim.x;
    if (i < n) dst[i] = readL2(a + i) + readL2(b + i);
  }
}

// zen_scale_rows sets dst = rowScale · x + bias + residual.
//
//	dst, x, residual  [n, stride] F32, of which out columns; x and residual may be dst
//	rowScale          [n]         F32
//	bias              [out]       F32; bias and residual may be null
//
// grid: (n, ceil(out / (4·blockDim.x)))
extern "C" __global__ void zen_scale_rows(float *dst, const float *x, const float *rowScale,
                                          const float *bias, const float *residual, int out,
                                          int stride) {
  waitForPredecessor();
  releaseSuccessor();
  const int64_t row = blockIdx.x;
  const float scale = readL2(rowScale + row);
  dst += row * stride, x += row * stride;
  if (residual) residual += row * stride;
  const int first = blockIdx.y * blockDim.x * perThread + threadIdx.x;
#pragma unroll
  for (int j = 0; j < perThread; j++) {
    const int i = first + j * blockDim.x;
    if (i >= out) return;
    float y = scale * readL2(x + i);
    if (bias) y += bias[i];
    if (residual) y += readL2(residual + i);
    dst[i] = y;
  }
}

// zen_convert_f16 sets dst = x / rowScale, where rowScale is the power of two that
// brings the row's largest element to [2^14, 2^15): no finite element overflows. Where
// rowScale is null it sets dst = unit · x.
//
//	dst       [n, in] F16, base 8-byte aligned
//	rowScale  [n]     F32
//	x         [n, in] F32, base 16-byte aligned, in a multiple of 4
//
// grid: n; block: a multiple of 32, at most 1024
extern "C" __global__ void zen_convert_f16(__half *dst, float *rowScale, const float *x, int in,
                                           float unit) {
  __shared__ float scratch[32];
  waitForPredecessor();
  releaseSuccessor();
  const int64_t row = blockIdx.x;
  const float4 *from = reinterpret_cast<const float4 *>(x + row * in);
  uint2 *to = reinterpret_cast<uint2 *>(dst + row * in);
  const int fours = in / 4, first = threadIdx.x, span = blockDim.x;
  constexpr int kept = 4;  // fours; what is more is read twice
  float4 y[kept];
#pragma unroll
  for (int j = 0; j < kept; j++)
    if (first + j * span < fours) y[j] = readL2(from + first + j * span);
  Unit of(unit);
  if (rowScale) {
    float top = 0;
#pragma unroll
    for (int j = 0; j < kept; j++)
      if (first + j * span < fours) top = fmaxf(top, finiteMax(y[j]));
    for (int i = first + kept * span; i < fours; i += span)
      top = fmaxf(top, finiteMax(readL2(from + i)));
    of = Unit(top, scratch);
    if (threadIdx.x == 0) rowScale[row] = of.scale;
  }
#pragma unroll
  for (int j = 0; j < kept; j++)
    if (first + j * span < fours) to[first + j * span] = of.halves(y[j]);
  for (int i = first + kept * span; i < fours; i += span) to[i] = of.halves(readL2(from + i));
}

// zen_read_host copies what the host has written in its own memory. A kernel that reads
// it before it waits must not be the next one, or be launched after this one has ended.
//
//	dst, src  [n] of 16 bytes; src in the host's memory
//	found     null, or what the first words of src stand for where they are negative: -1-i
//	          for found[i]
//
// grid: ceil(n / blockDim.x)
extern "C" __global__ void zen_read_host(int4 *dst, const int4 *src, const int *found, int n,
                                         int words) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  int4 v;
  if (i < n) v = __ldcv(src + i);
  waitForPredecessor();
  releaseSuccessor();
  if (i >= n) return;
  if (found) {
    auto resolve = [&](int &w, int at) {
      if (at < words && w < 0) w = readL2(found - 1 - w);
    };
    resolve(v.x, 4 * i), resolve(v.y, 4 * i + 1), resolve(v.z, 4 * i + 2), resolve(v.w, 4 * i + 3);
  }
  dst[i] = v;
}
