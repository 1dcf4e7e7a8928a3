// SPDX-License-Identifier: Apache-2.0

// Decode attention's kernels: four warps to a block, two tiles in flight for each.
//
// shared: decodeShared(headDim, 4, 2), 32768 and 65536 bytes for 64 and 128
//
// zen_attention_decode_*_cluster, from compute capability 9.0 on, has 8 splits; it is
// the faster one up to some two thousand positions. *_wide has eight warps and needs
// twice the shared memory, for when blocks are few: beyond 512 positions a warp of four
// has two tiles one after the other.

#include "attention_decode.cuh"

#define DECODE(name, T, headDim)                                                                \
  extern "C" __global__ void __launch_bounds__(128)                                             \
      zen_attention_decode_##name##_##headDim(const __grid_constant__ zen::AttentionParams p) { \
    zen::attentionDecode<T, headDim, 4, 2, false>(p);                                           \
  }
DECODE(f16, __half, 64)
DECODE(f16, __half, 128)
DECODE(bf16, zen::bf16, 64)
DECODE(bf16, zen::bf16, 128)
DECODE(i8, int8_t, 64)
DECODE(i8, int8_t, 128)

#if __CUDA_ARCH__ >= 900
#define DECODE_CLUSTER(name, T, headDim, end, warps)                                \
  extern "C" __global__ void __cluster_dims__(1, 1, zen::decodeCluster)             \
      __launch_bounds__(32 * warps) zen_attention_decode_##name##_##headDim##_##end( \
          const __grid_constant__ zen::AttentionParams p) {                         \
    zen::attentionDecode<T, headDim, warps, 2, true>(p);                            \
  }
#define DECODE_CLUSTERS(name, T, headDim)      \
  DECODE_CLUSTER(name, T, headDim, cluster, 4) \
  DECODE_CLUSTER(name, T, headDim, wide, 8)
DECODE_CLUSTERS(f16, __half, 64)
DECODE_CLUSTERS(f16, __half, 128)
DECODE_CLUSTERS(bf16, zen::bf16, 64)
DECODE_CLUSTERS(bf16, zen::bf16, 128)
DECODE_CLUSTERS(i8, int8_t, 64)
DECODE_CLUSTERS(i8, int8_t, 128)
#endif
