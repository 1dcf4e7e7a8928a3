// SPDX-License-Identifier: Apache-2.0

// Parameters of the attention kernels.

#pragma once

#include "rotary.cuh"

namespace zen {

// AttentionParams has a twin in package cuda.
//
//	dst, q     [rows, heads, headDim]              F32
//	dst16      [rows, heads, headDim]              BF16, or null
//	k, v       [pages, kvHeads, pageSize, headDim] F32, F16 or BF16
//	positions, sequences  [rows]; a position below 0 marks a padding row
//	pages      [sequences, pageStride]
//	workspace  [rows, heads, splits, headDim] F32, then the same of pairs; decode only
//	counters   [rows, kvHeads, headChunks]         zero before and after, decode only
//	tiles      [tiles, 4]                          prefill only
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
  int pageStride, heads, kvHeads, headDim, pageSize, window, splits;
  float scale;
};
static_assert(sizeof(AttentionParams) == 120, "AttentionParams differs from its Go twin");

}  // namespace zen
