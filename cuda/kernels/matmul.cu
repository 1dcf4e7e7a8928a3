// SPDX-License-Identifier: Apache-2.0

// Matrix product in float32 for every shape: the reference on the device, and the
// path for F32 weights and for rows that are no multiple of 16 bytes.

#include "common.cuh"

namespace zen {

constexpr int productTile = 64;   // rows and outputs of a block
constexpr int productDepth = 16;  // inputs of a pass

// matmulTile computes one tile of dst = x·wT + bias + residual.
//
//	dst, residual  [n, out]   F32; bias and residual may be null; residual may be dst
//	x              [n, in]    F32
//	w              [out, in]  F32, F16, BF16
//	bias           [out]      F32
//
// grid: (ceil(out/64), ceil(n/64)); block: 256. A thread owns 4 x 4 elements of the
// tile, 16 apart; each is summed over the inputs in order, so that it does not
// depend on the other rows.
template <class T>
__device__ void matmulTile(float *dst, const float *x, const T *w, const float *bias,
                           const float *residual, int n, int in, int out) {
  __shared__ float xs[productDepth][productTile + 1], ws[productDepth][productTile + 1];
  const int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
  const int64_t row0 = int64_t(blockIdx.y) * productTile, out0 = int64_t(blockIdx.x) * productTile;
  float sum[4][4] = {};
  for (int k0 = 0; k0 < in; k0 += productDepth) {
    for (int i = threadIdx.x; i < productTile * productDepth; i += 256) {
      const int k = i % productDepth, r = i / productDepth;
      const bool inside = k0 + k < in;
      xs[k][r] = inside && row0 + r < n ? readL2(x + (row0 + r) * in + k0 + k) : 0.f;
      ws[k][r] = inside && out0 + r < out ? toFloat(w[(out0 + r) * in + k0 + k]) : 0.f;
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < productDepth; k++) {
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
          sum[i][j] = fmaf(xs[k][ty + 16 * i], ws[k][tx + 16 * j], sum[i][j]);
    }
    __syncthreads();
  }
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) {
      const int64_t r = row0 + ty + 16 * i, o = out0 + tx + 16 * j;
      if (r >= n || o >= out) continue;
      float y = sum[i][j];
      if (bias) y += bias[o];
      if (residual) y += readL2(residual + r * out + o);
      dst[r * out + o] = y;
    }
  }
}

}  // namespace zen

using namespace zen;

#define MATMUL(name, T)                                                            \
  extern "C" __global__ void __launch_bounds__(256)                                \
      zen_matmul_##name(float *dst, const float *x, const T *w, const float *bias, \
                        const float *residual, int n, int in, int out) {           \
    matmulTile(dst, x, w, bias, residual, n, in, out);                             \
  }
MATMUL(f32, float)
MATMUL(f16, __half)
MATMUL(bf16, bf16)
