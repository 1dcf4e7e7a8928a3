// SPDX-License-Identifier: Apache-2.0

// What every kernel shares: conversions, sums over a warp and a block, loads and
// asynchronous copies, the tensor cores' instruction, and the two instructions of
// programmatic dependent launch.
//
// Rows of activations are float32 [rows, columns], row-major. A pointer to what an
// earlier kernel of the stream wrote is read through the L2 cache (readL2): with
// dependent launch this kernel may share a multiprocessor's L1 cache with that one.

#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <math_constants.h>
#include <stdint.h>

namespace zen {

constexpr int warpSize_ = 32;
constexpr unsigned everyLane = 0xffffffffu;

using bf16 = __nv_bfloat16;

// waitForPredecessor returns once all kernels before this one have finished and
// their writes can be read. What precedes it may only read weights.
__device__ __forceinline__ void waitForPredecessor() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// releaseSuccessor lets the next kernel start as soon as there is room for it.
__device__ __forceinline__ void releaseSuccessor() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

__device__ __forceinline__ float toFloat(float x) { return x; }
__device__ __forceinline__ float toFloat(__half x) { return __half2float(x); }
__device__ __forceinline__ float toFloat(bf16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float toFloat(int8_t x) { return float(x); }

template <class T>
__device__ __forceinline__ T fromFloat(float x);
template <>
__device__ __forceinline__ float fromFloat<float>(float x) {
  return x;
}
template <>
__device__ __forceinline__ __half fromFloat<__half>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ __forceinline__ bf16 fromFloat<bf16>(float x) {
  return __float2bfloat16_rn(x);
}

__device__ __forceinline__ float readL2(const float *p) { return __ldcg(p); }
__device__ __forceinline__ float4 readL2(const float4 *p) { return __ldcg(p); }
__device__ __forceinline__ int readL2(const int *p) { return __ldcg(p); }

__device__ __forceinline__ float warpSum(float x) {
#pragma unroll
  for (int d = 16; d > 0; d >>= 1) x += __shfl_xor_sync(everyLane, x, d);
  return x;
}

__device__ __forceinline__ float warpMax(float x) {
#pragma unroll
  for (int d = 16; d > 0; d >>= 1) x = fmaxf(x, __shfl_xor_sync(everyLane, x, d));
  return x;
}

// blockSum returns the sum over the block's threads, to all of them, in an order
// that depends on the block's size alone. scratch is [33] and free again at the
// block's next barrier.
__device__ __forceinline__ float blockSum(float x, float *scratch) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = blockDim.x / 32;
  x = warpSum(x);
  if (lane == 0) scratch[warp] = x;
  __syncthreads();
  if (warp == 0) {
    x = warpSum(lane < warps ? scratch[lane] : 0.f);
    if (lane == 0) scratch[32] = x;
  }
  __syncthreads();
  return scratch[32];
}

// silu is x / (1 + exp(-x)).
__device__ __forceinline__ float silu(float x) { return x / (1.f + expf(-x)); }

// pack puts two values, rounded, into one register; the first in the low half.
__device__ __forceinline__ uint32_t pack(bf16, float low, float high) {
  __nv_bfloat162 p = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<uint32_t *>(&p);
}
__device__ __forceinline__ uint32_t pack(__half, float low, float high) {
  __half2 p = __floats2half2_rn(low, high);
  return *reinterpret_cast<uint32_t *>(&p);
}

__device__ __forceinline__ uint32_t sharedAddress(const void *p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

// kept returns v, computed here and nowhere else: the compiler does not know how to do that
// sooner or later or again.
__device__ __forceinline__ int kept(int v) {
  asm volatile("" : "+r"(v));
  return v;
}

// copyAsync16 copies 16 bytes from device to shared memory, past the L1 cache;
// where valid is false it writes zeros and reads nothing.
__device__ __forceinline__ void copyAsync16(void *dst, const void *src, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(dst)), "l"(src),
               "r"(valid ? 16 : 0));
}

// readOncePolicy is the cache policy of data that will not be read again soon: the L2
// lets go of it first and keeps activations and the KV cache.
__device__ __forceinline__ uint64_t readOncePolicy() {
  uint64_t policy;
  asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
  return policy;
}

// copyAsyncOnce16 is copyAsync16 under a cache policy. It always copies: together with
// a size the instruction is refused by compute capability 9.0 as illegal. So is what
// ptxas 13.0 makes of it where the address in shared memory has a part that is the same
// for all of a warp: that part and the policy are put into one uniform register.
__device__ __forceinline__ void copyAsyncOnce16(void *dst, const void *src, uint64_t policy) {
  asm volatile(
      "cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2;" ::"r"(sharedAddress(dst)),
      "l"(src), "l"(policy));
}

// copyAsync4 and copyAsync8 are copyAsync16 of so many bytes.
__device__ __forceinline__ void copyAsync4(void *dst, const void *src, bool valid) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(sharedAddress(dst)), "l"(src),
               "r"(valid ? 4 : 0));
}

__device__ __forceinline__ void copyAsync8(void *dst, const void *src) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(sharedAddress(dst)), "l"(src));
}

__device__ __forceinline__ void copyAsyncCommit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

// copyAsyncWait returns once at most pending of this thread's newest groups of
// copies are under way.
template <int pending>
__device__ __forceinline__ void copyAsyncWait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

// mma adds a·b to c, a tile [16, 16], b [16, 8], c [16, 8] in float32, spread over
// a warp as PTX's mma.m16n8k16 says: with g = lane / 4, t = lane % 4
//
//	a[0] rows g, columns 2t 2t+1   a[1] rows g+8   a[2] columns +8   a[3] both
//	b[0] rows 2t 2t+1, column g    b[1] rows +8
//	c[0] c[1] row g, columns 2t 2t+1               c[2] c[3] row g+8
__device__ __forceinline__ void mma(bf16, float c[4], const uint32_t a[4], uint32_t b0,
                                    uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ void mma(__half, float c[4], const uint32_t a[4], uint32_t b0,
                                    uint32_t b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// mmaBytes is a·b in int32 for signed bytes, a [16, 32], b [32, 8], as PTX's
// mma.m16n8k32 spreads them: where mma has columns or rows 2t 2t+1 and 8 more, these are
// 4t to 4t+3 and 16 more.
__device__ __forceinline__ void mmaBytes(int c[4], const uint32_t a[4], uint32_t b0, uint32_t b1) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// loadMatrix4 loads four 8x8 tiles of 16-bit elements; lane i gives the address of
// row i % 8 of tile i / 8.
__device__ __forceinline__ void loadMatrix4(uint32_t r[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address));
}

// loadMatrix4Transposed is loadMatrix4 with each tile transposed.
__device__ __forceinline__ void loadMatrix4Transposed(uint32_t r[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address));
}

// Quantised matrices lie in rows, as package cuda's repacking leaves them.
//
//	q8  [out, inPad]    bytes, inPad a multiple of 128; scales [out, inPad/64] F16
//	q4  [out, inPad/2]  bytes, inPad a multiple of 256; scales [out, inPad/32] F16
//
// 64 bytes of a row are a chunk: four pieces of 16 bytes, one for each t = lane % 4
// of a warp, four words each. Of k = 8t + e, e < 8, within 32 inputs
//
//	q8  chunk of 64 inputs: input 32h + k lies in word 2h + e/4, byte order 0 2 1 3, plus 128
//	q4  chunk of 128 inputs: input 32s + k lies in word s, bits 4(e/2) + 16(e%2), plus 8
constexpr int q8Pad = 128, q4Pad = 256;

__host__ __device__ __forceinline__ int padded(int n, int to) { return (n + to - 1) / to * to; }

// q8Value returns element k of a row, scaled.
__device__ __forceinline__ float q8Value(const uint8_t *row, const __half *scales, int k) {
  const int e = k & 7, t = k >> 3 & 3, h = k >> 5 & 1;
  const int byte = (k >> 6) * 64 + t * 16 + h * 8 + (e & 4) + ((e & 1) << 1 | (e >> 1 & 1));
  return float(int(row[byte]) - 128) * __half2float(scales[k >> 6]);
}

// q4Value returns element k of a row, scaled.
__device__ __forceinline__ float q4Value(const uint8_t *row, const __half *scales, int k) {
  const int e = k & 7, t = k >> 3 & 3, s = k >> 5 & 3;
  const uint32_t word = *reinterpret_cast<const uint32_t *>(row + (k >> 7) * 64 + t * 16 + s * 4);
  return float(int(word >> (4 * (e >> 1) + 16 * (e & 1)) & 15) - 8) * __half2float(scales[k >> 5]);
}

}  // namespace zen
