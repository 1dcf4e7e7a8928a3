// SPDX-License-Identifier: Apache-2.0

// RMSNorm with an optional residual added first.

#include "common.cuh"

using namespace zen;

// zen_rmsnorm sets x += residual, where not null, then dst and dst16, where not
// null, to x / sqrt(mean(x²) + eps) · weight.
//
//	dst          [rows, hidden] F32; may be x where residual is null
//	dst16        [rows, hidden] BF16
//	x, residual  [rows, hidden] F32
//	weight       [hidden]       F32
//
// grid: rows; block: a multiple of 32, at most 1024. A block owns a row, a thread
// its columns threadIdx.x + i·blockDim.x in both passes. Sums in float32.
extern "C" __global__ void zen_rmsnorm(float *dst, bf16 *dst16, float *x, const float *residual,
                                       const float *weight, int hidden, float eps) {
  __shared__ float scratch[33];
  waitForPredecessor();
  releaseSuccessor();
  const int64_t row = int64_t(blockIdx.x) * hidden;
  float sum = 0;
  for (int i = threadIdx.x; i < hidden; i += blockDim.x) {
    float v = readL2(x + row + i);
    if (residual) {
      v += readL2(residual + row + i);
      x[row + i] = v;
    }
    sum += v * v;
  }
  const float scale = 1.f / sqrtf(blockSum(sum, scratch) / hidden + eps);
  for (int i = threadIdx.x; i < hidden; i += blockDim.x) {
    const float y = readL2(x + row + i) * scale * weight[i];
    if (dst) dst[row + i] = y;
    if (dst16) dst16[row + i] = fromFloat<bf16>(y);
  }
}
