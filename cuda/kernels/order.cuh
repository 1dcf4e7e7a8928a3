// SPDX-License-Identifier: Apache-2.0

// The order in which the largest elements of a row are looked for.

#pragma once

#include "common.cuh"

namespace zen {

constexpr uint32_t notFinite = 0xffffffffu;  // the key of NaN and +Inf
constexpr uint32_t lowestKey = 0x00800000u;  // of the least finite float; -Inf's is below

// orderKey orders floats, and puts what no sampler may see, NaN and +Inf, above all.
__device__ __forceinline__ uint32_t orderKey(float x) {
  uint32_t b = __float_as_uint(x);
  if (b == 0x80000000u) b = 0;
  return !(x <= 3.4028235e38f) ? notFinite : b >> 31 ? ~b : b | 0x80000000u;
}

// keyOrder is the inverse of orderKey for finite elements.
__device__ __forceinline__ float keyOrder(uint32_t key) {
  return __uint_as_float(key >> 31 ? key & 0x7fffffffu : ~key);
}

// ranked is larger for larger keys and, of equal ones, for lower columns.
__device__ __forceinline__ uint64_t ranked(uint32_t key, int column) {
  return uint64_t(key) << 32 | uint32_t(~column);
}

// columnOf returns the column of ranked.
__device__ __forceinline__ int columnOf(uint64_t top) { return int(~uint32_t(top)); }

// blockTop returns the largest of a block's 256 threads, to all of them. scratch is [8].
__device__ __forceinline__ uint64_t blockTop(uint64_t top, uint64_t *scratch) {
#pragma unroll
  for (int d = 16; d > 0; d >>= 1) top = max(top, __shfl_xor_sync(everyLane, top, d));
  __syncthreads();
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = top;
  __syncthreads();
#pragma unroll
  for (int w = 0; w < 8; w++) top = max(top, scratch[w]);
  return top;
}

// report writes a row's first largest element to out, in the host's memory, and its column
// to token. The low word of out is the column, the high one the element. They are none and 0
// where the row has NaN or +Inf or nothing finite, and the token is 0.
__device__ __forceinline__ void report(uint64_t *out, int *token, uint64_t top) {
  constexpr uint64_t none = uint32_t(-2);
  const uint32_t key = top >> 32;
  const bool some = key != notFinite && key >= lowestKey;
  const int column = columnOf(top);
  *token = some ? column : 0;
  const uint64_t v = uint64_t(__float_as_uint(keyOrder(key))) << 32 | uint32_t(column);
  // All at once: the host may wait for it.
  asm volatile("st.relaxed.sys.global.u64 [%0], %1;" ::"l"(out), "l"(some ? v : none) : "memory");
}

}  // namespace zen
