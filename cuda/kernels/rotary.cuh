// SPDX-License-Identifier: Apache-2.0

// Rotary position embedding and the place of a position in the paged cache.

#pragma once

#include "common.cuh"

namespace zen {

// RotaryParams has a twin in package cuda.
//
//	q       [rows, heads, headDim]    F32, rotated in place
//	k, v    [rows, kvHeads, headDim]  F32
//	table   [positions, headDim]      F32: cos of p·θᵢ, then sin, i < headDim/2
//	kcache, vcache  [pages, kvHeads, pageSize, headDim]  F32, F16 or BF16
//	positions, sequences  [rows]; a position below 0 marks a padding row
//	pages   [sequences, pageStride]
struct RotaryParams {
  float *q;
  float *k;
  float *v;
  const float *table;
  void *kcache;
  void *vcache;
  const int *positions;
  const int *sequences;
  const int *pages;
  int pageStride, heads, kvHeads, headDim, pageSize, pad;
};
static_assert(sizeof(RotaryParams) == 96, "RotaryParams differs from its Go twin");

// cacheIndex returns the index of a position's first element of one head.
__device__ __forceinline__ int64_t cacheIndex(int page, int slot, int head, int kvHeads,
                                              int pageSize, int headDim) {
  return ((int64_t(page) * kvHeads + head) * pageSize + slot) * headDim;
}

}  // namespace zen
