// SPDX-License-Identifier: Apache-2.0

// Decode attention as a kernel of its own.

#include "attention_decode.cuh"

namespace zen {

// decode runs attentionDecode with four warps that have two tiles in flight each.
//
// grid: (kvHeads · ceil(heads/kvHeads / 16), rows, splits); block: 128
// shared: decodeShared(headDim, 4, 2), 32768 and 65536 bytes for 64 and 128
template <class T, int headDim> __device__ void decode(const AttentionParams &p) {
  extern __shared__ uint4 memory[];
  attentionDecode<T, headDim, 4, 2, false>(p, blockIdx, gridDim.y, memory, [] {
    waitForPredecessor();
    releaseSuccessor();
  });
}

}  // namespace zen

#define DECODE(name, T, headDim)                                                                               \
  extern "C" __global__ void __launch_bounds__(128) zen_attention_decode_##name##_##headDim(                   \
      const __grid_constant__ zen::AttentionParams p) {                                                        \
    zen::decode<T, headDim>(p);                                                                                \
  }
DECODE(f16, __half, 64)
DECODE(f16, __half, 128)
DECODE(bf16, zen::bf16, 64)
DECODE(bf16, zen::bf16, 128)
