// SPDX-License-Identifier: Apache-2.0

// Rotary position embedding, and keys and values into the cache.

#include "rotary.cuh"

namespace zen {

// rotaryAppend rotates q and k, halves as transformers does: y = x·cos - x'·sin and
// y' = x'·cos + x·sin with x' = x[i + headDim/2], and writes k and v into the cache.
//
// grid: (rows, heads + 2·kvHeads); block: any. A block owns one head of one row, a
// thread pairs of its elements.
template <class T>
__device__ void rotaryAppend(const RotaryParams &p) {
  waitForPredecessor();
  releaseSuccessor();
  const int row = blockIdx.x, half = p.headDim / 2;
  const int position = readL2(p.positions + row);
  if (position < 0) return;
  const float *angles = p.table + int64_t(position) * p.headDim;
  int head = blockIdx.y;
  if (head < p.heads) {
    float *x = p.q + (int64_t(row) * p.heads + head) * p.headDim;
    for (int i = threadIdx.x; i < half; i += blockDim.x) {
      const float a = readL2(x + i), b = readL2(x + i + half), c = angles[i], s = angles[i + half];
      x[i] = a * c - b * s;
      x[i + half] = b * c + a * s;
    }
    return;
  }
  head -= p.heads;
  const bool value = head >= p.kvHeads;
  if (value) head -= p.kvHeads;
  const float *x = (value ? p.v : p.k) + (int64_t(row) * p.kvHeads + head) * p.headDim;
  const int page =
      readL2(p.pages + int64_t(readL2(p.sequences + row)) * p.pageStride + position / p.pageSize);
  T *to = static_cast<T *>(value ? p.vcache : p.kcache) +
          cacheIndex(page, position % p.pageSize, head, p.kvHeads, p.pageSize, p.headDim);
  for (int i = threadIdx.x; i < half; i += blockDim.x) {
    const float a = readL2(x + i), b = readL2(x + i + half), c = angles[i], s = angles[i + half];
    to[i] = fromFloat<T>(value ? a : a * c - b * s);
    to[i + half] = fromFloat<T>(value ? b : b * c + a * s);
  }
}

// RotaryI8Params has a twin in package cuda: caches of I8 with their scales.
//
//	kcache, vcache    [pages, kvHeads, pageSize, headDim] I8
//	kScales, vScales  [pages, kvHeads, pageSize, ceil(headDim/32)]
struct RotaryI8Params {
  RotaryParams r;
  __half *kScales;
  __half *vScales;
};
static_assert(sizeof(RotaryI8Params) == 112, "RotaryI8Params differs from its Go twin");

// quantizeBlock stores up to 32 elements, one to a lane, and their scale: the least
// F16 not below max|x| / 127, or NaN where an element is not finite.
__device__ __forceinline__ void quantizeBlock(int8_t *to, __half *scaleTo, float x, int n) {
  const int lane = threadIdx.x % 32;
  const uint32_t largest = __reduce_max_sync(everyLane, __float_as_uint(x) & 0x7fffffffu);
  const float exact = __uint_as_float(largest) / 127.f;
  __half scale = __float2half_rn(exact);
  if (__half2float(scale) < exact) scale = __ushort_as_half(__half_as_ushort(scale) + 1);
  const bool finite = largest < 0x7f800000u;
  if (!finite) scale = __ushort_as_half(0x7e00);
  const float inverse = finite && __half2float(scale) != 0 ? 1.f / __half2float(scale) : 0.f;
  if (lane < n) to[lane] = finite ? int8_t(__float2int_rn(x * inverse)) : int8_t(0);
  if (lane == 0) *scaleTo = scale;
}

}  // namespace zen

// zen_rotary_append_i8 is rotaryAppend into a cache of I8.
//
// grid: (rows, heads + 2·kvHeads); block: a multiple of 32. A block owns one head of one
// row, a warp blocks of 32 elements of what is stored.
extern "C" __global__ void zen_rotary_append_i8(zen::RotaryI8Params p8) {
  using namespace zen;
  __shared__ float y[256];
  const RotaryParams &p = p8.r;
  waitForPredecessor();
  releaseSuccessor();
  const int row = blockIdx.x, half = p.headDim / 2, position = readL2(p.positions + row);
  if (position < 0) return;
  const float *angles = p.table + int64_t(position) * p.headDim;
  const int kind = blockIdx.y < p.heads ? 0 : blockIdx.y < p.heads + p.kvHeads ? 1 : 2;
  const int head = blockIdx.y - (kind > 0) * p.heads - (kind > 1) * p.kvHeads;
  float *x = (kind == 0 ? p.q : kind == 1 ? p.k : p.v) +
             (int64_t(row) * (kind == 0 ? p.heads : p.kvHeads) + head) * p.headDim;
  for (int i = threadIdx.x; i < half; i += blockDim.x) {
    const float a = readL2(x + i), b = readL2(x + i + half), c = angles[i], s = angles[i + half];
    const float low = kind == 2 ? a : a * c - b * s, high = kind == 2 ? b : b * c + a * s;
    if (kind == 0) {
      x[i] = low, x[i + half] = high;
    } else {
      y[i] = low, y[i + half] = high;
    }
  }
  if (kind == 0) return;
  __syncthreads();
  const int page =
      readL2(p.pages + int64_t(readL2(p.sequences + row)) * p.pageStride + position / p.pageSize);
  const int64_t at =
      (int64_t(page) * p.kvHeads + head) * p.pageSize + position % p.pageSize;
  const int blocks = (p.headDim + 31) / 32;
  int8_t *to = static_cast<int8_t *>(kind == 2 ? p.vcache : p.kcache) + at * p.headDim;
  __half *scales = (kind == 2 ? p8.vScales : p8.kScales) + at * blocks;
  for (int b = threadIdx.x / 32; b < blocks; b += blockDim.x / 32) {
    const int n = min(32, p.headDim - 32 * b), lane = threadIdx.x % 32;
    quantizeBlock(to + 32 * b, scales + b, lane < n ? y[32 * b + lane] : 0.f, n);
  }
}

extern "C" __global__ void zen_rotary_append_f32(zen::RotaryParams p) {
  zen::rotaryAppend<float>(p);
}
extern "C" __global__ void zen_rotary_append_f16(zen::RotaryParams p) {
  zen::rotaryAppend<__half>(p);
}
extern "C" __global__ void zen_rotary_append_bf16(zen::RotaryParams p) {
  zen::rotaryAppend<zen::bf16>(p);
}
