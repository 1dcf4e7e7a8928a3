// SPDX-License-Identifier: Apache-2.0

// Embedding and row selection: copies of rows.

#include "common.cuh"

namespace zen {

// embedRow copies one row of a table of floats, times scale.
//
//	block: one row of dst; thread: columns threadIdx.x + i·blockDim.x
template <class T>
__device__ void embedRow(float *dst, const T *table, const int *tokens, int hidden, float scale) {
  waitForPredecessor();
  releaseSuccessor();
  const int64_t row = blockIdx.x;
  const int64_t token = max(0, readL2(tokens + row));
  for (int i = threadIdx.x; i < hidden; i += blockDim.x)
    dst[row * hidden + i] = toFloat(table[token * hidden + i]) * scale;
}

}  // namespace zen

using namespace zen;

// zen_embed_* sets dst to the table's rows of the tokens; token < 0, of a padding
// row, reads row 0.
//
//	dst     [rows, hidden]   F32
//	table   [vocab, hidden]  F32, F16, BF16, or Q8, Q4 with scales
//	tokens  [rows]
//	scale   of the elements, but for Q8 and Q4
//
// grid: rows; block: any
#define EMBED(name, T)                                                                          \
  extern "C" __global__ void zen_embed_##name(float *dst, const T *table, const __half *scales, \
                                              const int *tokens, int hidden, float scale) {     \
    embedRow(dst, table, tokens, hidden, scale);                                                \
  }
EMBED(f32, float)
EMBED(f16, __half)
EMBED(bf16, bf16)

extern "C" __global__ void zen_embed_q8(float *dst, const uint8_t *table, const __half *scales,
                                        const int *tokens, int hidden, float) {
  waitForPredecessor();
  releaseSuccessor();
  const int64_t row = blockIdx.x, token = max(0, readL2(tokens + row)), pad = padded(hidden, q8Pad);
  for (int i = threadIdx.x; i < hidden; i += blockDim.x)
    dst[row * hidden + i] = q8Value(table + token * pad, scales + token * (pad / 64), i);
}

extern "C" __global__ void zen_embed_q4(float *dst, const uint8_t *table, const __half *scales,
                                        const int *tokens, int hidden, float) {
  waitForPredecessor();
  releaseSuccessor();
  const int64_t row = blockIdx.x, token = max(0, readL2(tokens + row)), pad = padded(hidden, q4Pad);
  for (int i = threadIdx.x; i < hidden; i += blockDim.x)
    dst[row * hidden + i] = q4Value(table + token * (pad / 2), scales + token * (pad / 32), i);
}

// zen_select_rows sets dst to the rows of x that outputRows names.
//
//	dst         [m, hidden]
//	x           [rows, hidden]
//	outputRows  [m]
//
// grid: m; block: any
extern "C" __global__ void zen_select_rows(float *dst, const float *x, const int *outputRows,
                                           int hidden) {
  waitForPredecessor();
  releaseSuccessor();
  const int64_t to = blockIdx.x, from = readL2(outputRows + to);
  for (int i = threadIdx.x; i < hidden; i += blockDim.x)
    dst[to * hidden + i] = readL2(x + from * hidden + i);
}
