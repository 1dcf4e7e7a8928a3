// SPDX-License-Identifier: Apache-2.0

// The largest logit of each row: greedy decoding.

#include "common.cuh"

namespace zen {

// logitKey orders logits, equal ones by falling id, and puts what no sampler may
// see, NaN and +Inf, above all.
__device__ __forceinline__ unsigned long long logitKey(float x, int id) {
  uint32_t b = __float_as_uint(x);
  if (b == 0x80000000u) b = 0;
  b = b >> 31 ? ~b : b | 0x80000000u;
  if (!(x <= 3.4028235e38f)) b = 0xffffffffu;
  return (unsigned long long)b << 32 | uint32_t(~id);
}

}  // namespace zen

using namespace zen;

// zen_argmax sets dst to the lowest id of each row's largest logit, and status to
// 0; or dst to -1 and status to 1 where a logit is NaN or +Inf or none is finite.
//
//	dst, status  [rows]
//	logits       [rows, vocab] F32
//	workspace    [rows, blocks]
//	counters     [rows]         zero before and after
//
// grid: (blocks, rows); block: a multiple of 32, at most 1024. A block takes every
// blocks-th piece of the row; the row's last block to finish merges.
extern "C" __global__ void __launch_bounds__(1024)
    zen_argmax(int *dst, int *status, const float *logits, unsigned long long *workspace,
               unsigned *counters, int vocab) {
  __shared__ unsigned long long best[32];
  __shared__ bool last;
  waitForPredecessor();
  releaseSuccessor();
  const int row = blockIdx.y, lane = threadIdx.x % 32, warp = threadIdx.x / 32,
            warps = blockDim.x / 32;
  const float *x = logits + int64_t(row) * vocab;
  unsigned long long key = 0;
#pragma unroll 4
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < vocab; i += gridDim.x * blockDim.x)
    key = max(key, logitKey(readL2(x + i), i));
  auto reduce = [&](unsigned long long k) {
#pragma unroll
    for (int d = 16; d > 0; d >>= 1) k = max(k, __shfl_xor_sync(everyLane, k, d));
    if (lane == 0) best[warp] = k;
    __syncthreads();
    k = 0;
    for (int w = 0; w < warps; w++) k = max(k, best[w]);
    __syncthreads();
    return k;
  };
  key = reduce(key);
  if (threadIdx.x == 0) {
    workspace[int64_t(row) * gridDim.x + blockIdx.x] = key;
    __threadfence();
    last = atomicAdd(counters + row, 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (!last) return;
  __threadfence();
  key = 0;
  for (int i = threadIdx.x; i < gridDim.x; i += blockDim.x)
    key = max(key, __ldcg(workspace + int64_t(row) * gridDim.x + i));
  key = reduce(key);
  if (threadIdx.x != 0) return;
  const uint32_t top = uint32_t(key >> 32);
  const bool finite = top != 0xffffffffu && top > 0x007fffffu;  // above -Inf's
  dst[row] = finite ? int(~uint32_t(key)) : -1;
  status[row] = finite ? 0 : 1;
  counters[row] = 0;
}
