// SPDX-License-Identifier: Apache-2.0

// The products of a warpgroup, four warps of a Hopper card (wgmma; PTX ISA, "Asynchronous
// warpgroup level matrix instructions"): one operand in registers, the other in shared
// memory, read from there by the tensor cores themselves.
//
// A panel in shared memory is rows of 64 elements of 16 bits, 128 bytes, at a multiple of
// 1024 bytes; the eight pieces of a row are permuted by the row's number (the 128-byte
// swizzle).

#pragma once

#include "common.cuh"

namespace zen {

constexpr int panelColumns = 64;

// panelPiece returns the index of a 16-byte piece within a panel.
__device__ __forceinline__ int panelPiece(int row, int column) {
  return row * 8 + (column ^ (row & 7));
}

// panelAt describes a panel, from a row that is a multiple of 8 or a column that is a
// multiple of 16 on: eight rows after eight are 1024 bytes apart.
__device__ __forceinline__ uint64_t panelAt(const void *p) {
  constexpr uint64_t stride = 1024 >> 4, swizzle128 = 1;
  return uint64_t((sharedAddress(p) & 0x3ffff) >> 4) | stride << 16 | stride << 32 |
         swizzle128 << 62;
}

#if __CUDA_ARCH_FEAT_SM90_ALL

// WARPGROUP is c [64, 64] = (sum ? c : 0) + a·b: of a [64, 16] and c each warp has 16 rows, as
// mma spreads them. With transposed "1" b is 16 rows of a panel, else 16 columns of 64 rows,
// transposed.
#define WARPGROUP(type, transposed)                                                               \
  asm volatile(                                                                                   \
      "{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\n"                                                \
      "wgmma.mma_async.sync.aligned.m64n64k16.f32." type "." type                                 \
      " {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,"  \
      "%24,%25,%26,%27,%28,%29,%30,%31}, {%32,%33,%34,%35}, %36, p, 1, 1, " transposed ";\n}"     \
      : "+f"(c[0][0]), "+f"(c[0][1]), "+f"(c[0][2]), "+f"(c[0][3]), "+f"(c[1][0]), "+f"(c[1][1]), \
        "+f"(c[1][2]), "+f"(c[1][3]), "+f"(c[2][0]), "+f"(c[2][1]), "+f"(c[2][2]), "+f"(c[2][3]), \
        "+f"(c[3][0]), "+f"(c[3][1]), "+f"(c[3][2]), "+f"(c[3][3]), "+f"(c[4][0]), "+f"(c[4][1]), \
        "+f"(c[4][2]), "+f"(c[4][3]), "+f"(c[5][0]), "+f"(c[5][1]), "+f"(c[5][2]), "+f"(c[5][3]), \
        "+f"(c[6][0]), "+f"(c[6][1]), "+f"(c[6][2]), "+f"(c[6][3]), "+f"(c[7][0]), "+f"(c[7][1]), \
        "+f"(c[7][2]), "+f"(c[7][3])                                                              \
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(panel), "r"(int(sum)))

// addRows is c += a·b for 16 rows of a panel, addColumns c = (sum ? c : 0) + a·bT for 16 of
// its columns. They are on their way until awaitProducts.
__device__ __forceinline__ void addRows(__half, float c[8][4], const uint32_t a[4],
                                        uint64_t panel) {
  constexpr bool sum = true;
  WARPGROUP("f16", "1");
}
__device__ __forceinline__ void addRows(bf16, float c[8][4], const uint32_t a[4], uint64_t panel) {
  constexpr bool sum = true;
  WARPGROUP("bf16", "1");
}
__device__ __forceinline__ void addColumns(__half, float c[8][4], const uint32_t a[4],
                                           uint64_t panel, bool sum) {
  WARPGROUP("f16", "0");
}
__device__ __forceinline__ void addColumns(bf16, float c[8][4], const uint32_t a[4], uint64_t panel,
                                           bool sum) {
  WARPGROUP("bf16", "0");
}

// beginProducts orders what registers had before with the products that follow.
__device__ __forceinline__ void beginProducts() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

// awaitProducts returns once all products are done. What they wrote is used after keep.
__device__ __forceinline__ void awaitProducts() {
  asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");
}

// keep tells the compiler that c was written until here.
template <int n>
__device__ __forceinline__ void keep(float c[n][4]) {
#pragma unroll
  for (int j = 0; j < n; j++)
    asm volatile("" : "+f"(c[j][0]), "+f"(c[j][1]), "+f"(c[j][2]), "+f"(c[j][3])::"memory");
}

// showProducts lets products see what the thread has written to shared memory.
__device__ __forceinline__ void showProducts() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

#endif

}  // namespace zen
