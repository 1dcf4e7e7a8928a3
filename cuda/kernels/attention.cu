// SPDX-License-Identifier: Apache-2.0

// Attention over pages for every shape: any head dimension up to 256, any page
// size, any window. The reference of the fast kernels and their fallback.

#include "attention.cuh"

namespace zen {

constexpr int rowWarps = 4;
constexpr int maxHeadDim = 256;
constexpr int rowPerLane = maxHeadDim / 32;

// attentionRow computes softmax(q·kᵀ·scale)·v of one head of one row.
//
// grid: (heads, rows); block: 128. Warp w takes the positions p with p % 4 = w in
// order, by the online softmax (Milakov and Gimelshein, 2018); a lane owns the
// elements lane + 32·i. The four parts are merged in order. Sums in float32.
template <class T>
__device__ void attentionRow(const AttentionParams &p) {
  __shared__ float part[rowWarps][maxHeadDim + 2];
  waitForPredecessor();
  releaseSuccessor();
  const int head = blockIdx.x, row = blockIdx.y, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int position = readL2(p.positions + row), kvHead = head / (p.heads / p.kvHeads);
  const int64_t at = (int64_t(row) * p.heads + head) * p.headDim;
  const int *pages = p.pages + int64_t(readL2(p.sequences + row)) * p.pageStride;
  const int first = p.window > 0 ? max(0, position - p.window + 1) : 0;

  float q[rowPerLane], sum[rowPerLane] = {}, largest = -CUDART_INF_F, total = 0;
#pragma unroll
  for (int i = 0; i < rowPerLane; i++)
    q[i] = lane + 32 * i < p.headDim ? readL2(p.q + at + lane + 32 * i) : 0.f;
  for (int pos = first / rowWarps * rowWarps + warp; pos <= position; pos += rowWarps) {
    if (pos < first) continue;
    const int64_t from = cacheIndex(readL2(pages + pos / p.pageSize), pos % p.pageSize, kvHead,
                                    p.kvHeads, p.pageSize, p.headDim);
    const T *k = static_cast<const T *>(p.k) + from, *v = static_cast<const T *>(p.v) + from;
    const __half *ks = scaleAt(p.kScales, from, p.headDim), *vs = scaleAt(p.vScales, from, p.headDim);
    float score = 0;
#pragma unroll
    for (int i = 0; i < rowPerLane; i++)
      if (lane + 32 * i < p.headDim) score += q[i] * cacheValue(k, ks, lane + 32 * i);
    score = warpSum(score) * p.scale;
    const float top = fmaxf(largest, score), keep = expf(largest - top), weight = expf(score - top);
    largest = top;
    total = total * keep + weight;
#pragma unroll
    for (int i = 0; i < rowPerLane; i++)
      if (lane + 32 * i < p.headDim)
        sum[i] = sum[i] * keep + weight * cacheValue(v, vs, lane + 32 * i);
  }

  for (int i = 0; i < rowPerLane; i++) part[warp][lane + 32 * i] = sum[i];
  if (lane == 0) part[warp][maxHeadDim] = largest, part[warp][maxHeadDim + 1] = total;
  __syncthreads();
  // A warp that saw no position has a total of zero and weighs nothing.
  float top = -CUDART_INF_F, all = 0;
  for (int w = 0; w < rowWarps; w++) top = fmaxf(top, part[w][maxHeadDim]);
  for (int w = 0; w < rowWarps; w++)
    if (part[w][maxHeadDim + 1] != 0)
      all += part[w][maxHeadDim + 1] * expf(part[w][maxHeadDim] - top);
  for (int i = threadIdx.x; i < p.headDim; i += blockDim.x) {
    float y = 0;
    for (int w = 0; w < rowWarps; w++)
      if (part[w][maxHeadDim + 1] != 0) y += part[w][i] * expf(part[w][maxHeadDim] - top);
    y = position < 0 ? 0.f : y / all;
    p.dst[at + i] = y;
    if (p.dst16) p.dst16[at + i] = fromFloat<bf16>(y);
  }
}

}  // namespace zen

extern "C" __global__ void __launch_bounds__(128) zen_attention_f32(zen::AttentionParams p) {
  zen::attentionRow<float>(p);
}
extern "C" __global__ void __launch_bounds__(128) zen_attention_f16(zen::AttentionParams p) {
  zen::attentionRow<__half>(p);
}
extern "C" __global__ void __launch_bounds__(128) zen_attention_bf16(zen::AttentionParams p) {
  zen::attentionRow<zen::bf16>(p);
}
extern "C" __global__ void __launch_bounds__(128) zen_attention_i8(zen::AttentionParams p) {
  zen::attentionRow<int8_t>(p);
}
