// SPDX-License-Identifier: Apache-2.0

// Parameters of the attention kernels.

#pragma once

#include "rotary.cuh"

namespace zen {

// AttentionParams has a twin in package cuda.
//
//	dst, q     [rows, heads, headDim]              F32
//	dst16      [rows, heads, headDim]              BF16, or null
//	k, v       [pages, kvHeads, pageSize, headDim] F32, F16, BF16 or I8
//	kScales, vScales  [pages, kvHeads, pageSize, ceil(headDim/32)] of I8
//	positions, sequences  [rows]; a position below 0 marks a padding row
//	pages      [sequences, pageStride]
//	workspace  [rows, heads, splits, headDim] F32, then the same of pairs; decode only
//	counters   [rows, kvHeads, headChunks]         zero before and after, decode only
//	tiles      [tiles, 4]                          prefill only
//
// With settled, this step writes keys and values at the rows' own positions alone, and
// what earlier steps wrote has come: decode attention may read the other positions before
// it waits.
//
// With alone, how decode attention splits a row depends on the row's length, not on
// splits, which is at least what the longest row asks for.
//
// Query head h reads key/value head h / (heads / kvHeads). A row at position p sees
// positions max(0, p - window + 1) .. p, from 0 with window = 0.
struct AttentionParams {
  float *dst;
  bf16 *dst16;
  const float *q;
  const void *k;
  const void *v;
  const int *positions;
  const int *sequences;
  const int *pages;
  float *workspace;
  unsigned *counters;
  const int *tiles;
  const __half *kScales;
  const __half *vScales;
  int pageStride, heads, kvHeads, headDim, pageSize, window, splits;
  float scale;
  int alone, settled;
};
static_assert(sizeof(AttentionParams) == 144, "AttentionParams differs from its Go twin");

constexpr int kvBlock = 32;  // elements of a position that share a scale of an I8 cache

// scaleAt returns where the scales of the position are whose elements begin at from.
__device__ __forceinline__ const __half *scaleAt(const __half *scales, int64_t from, int headDim) {
  return scales ? scales + from / headDim * ((headDim + kvBlock - 1) / kvBlock) : nullptr;
}

// cacheValue returns element i of a position.
template <class T>
__device__ __forceinline__ float cacheValue(const T *row, const __half *, int i) {
  return toFloat(row[i]);
}
template <>
__device__ __forceinline__ float cacheValue<int8_t>(const int8_t *row, const __half *scales,
                                                    int i) {
  return float(row[i]) * toFloat(scales[i / kvBlock]);
}

// Multiplied is the type in which tiles of a cache are multiplied.
template <class T>
struct Multiplied {
  using type = T;
};
template <>
struct Multiplied<int8_t> {
  using type = __half;
};

}  // namespace zen
