// SPDX-License-Identifier: Apache-2.0

// Operations of one element, and the conversions that feed the tensor cores. Each
// thread takes four elements: neighbours where all operands are aligned to 16 bytes,
// else blockDim.x apart, so that a warp's accesses are whole lines either way.

#include "common.cuh"

namespace zen {
constexpr int perThread = 4;

__device__ __forceinline__ bool aligned16(const void *p) {
  return reinterpret_cast<uintptr_t>(p) % 16 == 0;
}

__device__ __forceinline__ float gated(float gate, float up) { return silu(gate) * up; }

}  // namespace zen

using namespace zen;

// zen_swiglu sets dst and dst16, where not null, to gate / (1 + exp(-gate)) · up.
//
//	dst, gate, up  [n] F32; dst may be gate or up
//	dst16          [n] BF16, base 8-byte aligned
//
// grid: ceil(n / (4·blockDim.x))
extern "C" __global__ void zen_swiglu(float *dst, bf16 *dst16, const float *gate, const float *up,
                                      int64_t n) {
  waitForPredecessor();
  releaseSuccessor();
  if (n % 4 == 0 && aligned16(dst) && aligned16(gate) && aligned16(up)) {
    const int64_t i = (int64_t(blockIdx.x) * blockDim.x + threadIdx.x) * 4;
    if (i >= n) return;
    const float4 g = readL2(reinterpret_cast<const float4 *>(gate + i)),
                 u = readL2(reinterpret_cast<const float4 *>(up + i));
    const float4 y =
        make_float4(gated(g.x, u.x), gated(g.y, u.y), gated(g.z, u.z), gated(g.w, u.w));
    if (dst) *reinterpret_cast<float4 *>(dst + i) = y;
    if (dst16)
      *reinterpret_cast<uint2 *>(dst16 + i) =
          make_uint2(pack(bf16(), y.x, y.y), pack(bf16(), y.z, y.w));
    return;
  }
  const int64_t first = int64_t(blockIdx.x) * blockDim.x * perThread + threadIdx.x;
#pragma unroll
  for (int j = 0; j < perThread; j++) {
    const int64_t i = first + j * blockDim.x;
    if (i >= n) return;
    const float y = gated(readL2(gate + i), readL2(up + i));
    if (dst) dst[i] = y;
    if (dst16) dst16[i] = fromFloat<bf16>(y);
  }
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

// zen_convert_bf16 sets dst to x, rounded to nearest.
//
//	dst  [n] BF16, base 8-byte aligned
//	x    [n] F32
//
// grid: ceil(n / (4·blockDim.x))
extern "C" __global__ void zen_convert_bf16(bf16 *dst, const float *x, int64_t n) {
  waitForPredecessor();
  releaseSuccessor();
  if (n % 4 == 0 && aligned16(x)) {
    const int64_t i = (int64_t(blockIdx.x) * blockDim.x + threadIdx.x) * 4;
    if (i >= n) return;
    const float4 y = readL2(reinterpret_cast<const float4 *>(x + i));
    *reinterpret_cast<uint2 *>(dst + i) =
        make_uint2(pack(bf16(), y.x, y.y), pack(bf16(), y.z, y.w));
    return;
  }
  const int64_t first = int64_t(blockIdx.x) * blockDim.x * perThread + threadIdx.x;
#pragma unroll
  for (int j = 0; j < perThread; j++) {
    const int64_t i = first + j * blockDim.x;
    if (i < n) dst[i] = fromFloat<bf16>(readL2(x + i));
  }
}

// zen_convert_f16 sets dst = x / rowScale, where rowScale is the power of two that
// brings the row's largest element to [2^14, 2^15): no finite element overflows.
//
//	dst       [n, in] F16
//	rowScale  [n]     F32
//	x         [n, in] F32
//
// grid: n; block: a multiple of 32, at most 1024
extern "C" __global__ void zen_convert_f16(__half *dst, float *rowScale, const float *x, int in) {
  __shared__ float largest[32];
  waitForPredecessor();
  releaseSuccessor();
  const int64_t row = blockIdx.x;
  dst += row * in, x += row * in;
  float top = 0;
  for (int i = threadIdx.x; i < in; i += blockDim.x) {
    const float a = fabsf(readL2(x + i));
    if (a <= 3.4028235e38f) top = fmaxf(top, a);
  }
  top = warpMax(top);
  if (threadIdx.x % 32 == 0) largest[threadIdx.x / 32] = top;
  __syncthreads();
  for (int i = 0; i < blockDim.x / 32; i++) top = fmaxf(top, largest[i]);
  // The exponent stays where 1/scale is a normal number; zero rows take its low end.
  const int exponent = max(int(__float_as_uint(top) >> 23) - 127 - 14, -100);
  const float scale = __uint_as_float(uint32_t(exponent + 127) << 23);
  const float inverse = __uint_as_float(uint32_t(127 - exponent) << 23);
  for (int i = threadIdx.x; i < in; i += blockDim.x)
    dst[i] = fromFloat<__half>(readL2(x + i) * inverse);
  if (threadIdx.x == 0) rowScale[row] = scale;
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
