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

// zen_swiglu_f16 is zen_swiglu by rows, as zen_convert_f16 writes them.
//
//	dst       [n, inner] F16, base 8-byte aligned
//	rowScale  [n]        F32
//	gate, up  [n, inner] F32, bases 16-byte aligned, inner a multiple of 4
//
// grid: n; block: a multiple of 32, at most 1024; shared: up to 4·inner bytes, a multiple of
// 16: elements for which there is no room are computed twice.
extern "C" __global__ void zen_swiglu_f16(__half *dst, float *rowScale, const float *gate,
                                          const float *up, int inner) {
  extern __shared__ float4 kept[];
  __shared__ float scratch[32];
  waitForPredecessor();
  releaseSuccessor();
  unsigned bytes;
  asm("mov.u32 %0, %%dynamic_smem_size;" : "=r"(bytes));
  const int fours = inner / 4, room = min(fours, int(bytes / 16));
  const int64_t row = blockIdx.x;
  const float4 *g = reinterpret_cast<const float4 *>(gate + row * inner),
               *u = reinterpret_cast<const float4 *>(up + row * inner);
  auto four = [&](int i) {
    const float4 a = readL2(g + i), b = readL2(u + i);
    return make_float4(gated(a.x, b.x), gated(a.y, b.y), gated(a.z, b.z), gated(a.w, b.w));
  };
  float top = 0;
#pragma unroll 4
  for (int i = threadIdx.x; i < fours; i += blockDim.x) {
    const float4 y = four(i);
    if (i < room) kept[i] = y;
    top = fmaxf(top, finiteMax(y));
  }
  const Unit unit(top, scratch);
  uint2 *to = reinterpret_cast<uint2 *>(dst + row * inner);
#pragma unroll 4
  for (int i = threadIdx.x; i < room; i += blockDim.x) to[i] = unit.halves(kept[i]);
  for (int i = room + threadIdx.x; i < fours; i += blockDim.x) to[i] = unit.halves(four(i));
  if (threadIdx.x == 0) rowScale[row] = unit.scale;
}

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
//
// grid: ceil(n / blockDim.x)
extern "C" __global__ void zen_read_host(int4 *dst, const int4 *src, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  int4 v;
  if (i < n) v = __ldcv(src + i);
  waitForPredecessor();
  releaseSuccessor();
  if (i < n) dst[i] = v;
}
