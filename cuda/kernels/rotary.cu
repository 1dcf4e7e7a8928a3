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

}  // namespace zen

extern "C" __global__ void zen_rotary_append_f32(zen::RotaryParams p) {
  zen::rotaryAppend<float>(p);
}
extern "C" __global__ void zen_rotary_append_f16(zen::RotaryParams p) {
  zen::rotaryAppend<__half>(p);
}
extern "C" __global__ void zen_rotary_append_bf16(zen::RotaryParams p) {
  zen::rotaryAppend<zen::bf16>(p);
}
