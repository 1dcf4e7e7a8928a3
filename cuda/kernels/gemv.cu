// SPDX-License-Identifier: Apache-2.0

// Few rows times a matrix, a kernel for each format and epilogue. See gemv.cuh for the
// algorithm.
//
// grid: one block to a multiprocessor (any number is right); block: 256
// shared: sums + rows·4·(inPad + 32) + scales + stages·16384 bytes, inPad = in rounded up to
// 256, sums = 4096·max(N, T) + 128·N with T 1, for Q8 2 and for Q4 4, scales = rows·inPad/16
// rounded up to 128; for Q8 and Q4 sums + rows·2·(inPad + 64) + scales + stages·18432, for Q4
// with inPad/8; stages is 2, 4, 6 or 8. Kernels zen_gemv_* take R = 1 row, zen_gemv4_* and
// zen_gemv8_* up to 4 and 8; N = ceil(R/4). *_search searches its result, of one row.

#include "epilogues.cuh"
#include "stream.cuh"

namespace zen {

template <class F, int R, class E>
__device__ __forceinline__ void gemv(const GemvParams &p, E &epilogue) {
  constexpr int N = groupsOf(R);
  extern __shared__ uint4 memory[];
  const int rows = R == 1 ? 1 : p.rows;
  const Staged<F, R> s(memory, rows, p.in);
  Ring<F> ring(s.end(rows), memory);
  const Tiles<F> tiles(epilogue.units(), E::perTile, p.late);
  const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const int rowBytes = F::rowBytes(p.in), steps = stepsOfWarp(rowBytes);
  const int at = warp * gemvStep + 16 * (threadIdx.x % 8);  // of a row's first piece
  constexpr int stride = gemvWarps * gemvStep, scaleStride = gemvWarps * F::stepScales;
  const int64_t wave = int64_t(tiles.wave) * rowBytes - (steps - 1) * stride;
  const int64_t scaleWave = int64_t(tiles.wave) * scaleBytes<F>(p.in) - (steps - 1) * scaleStride;
  int tile = 0, place = 0;
  Source from;
  auto enter = [&] {
    const int begin = kept(tiles.begin(tile)), last = tiles.end(tile) - 1;
    constexpr int perHalf = E::perTile == 16 ? 8 : 0;  // units
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int unit = begin + i / 2 * perHalf + i % 2 * 4 + threadIdx.x % 32 / 8;
      from.pieces[i] = epilogue.row(min(unit, last), i / 2).w + at;
    }
    const int unit = begin + g + t % 2 * perHalf;
    from.scales =
        epilogue.row(min(unit, last), t % 2).scales + warp * F::stepScales + t / 2 * F::laneScales;
  };
  auto copyNext = [&] {
    if (tile < tiles.count) {
      ring.copy(from, rowBytes % gemvStep == 0, rowBytes - at - place * stride);
      const bool next = ++place == steps;
      if (next) place = 0, tile++;
      from.move(next ? wave : stride, next ? scaleWave : scaleStride);
      if (next && !(E::even && tiles.regular(tile)) && tile < tiles.count) enter();
    }
    ring.advance();
  };
  releaseSuccessor();
  if (steps == 0) tile = tiles.count;  // nothing to copy
  if (tile < tiles.count) enter();
  do copyNext();
  while (ring.at);
  Lane<R> own;
  if (R == 1) own = laneOf(s, 1);  // the registers of more rows are all in use
  epilogue.begin();
  typename E::Operands operands[N];
#pragma unroll
  for (int n = 0; n < N; n++)
    if (warp < tiles.count && gemvGroup * n + t < rows)
      operands[n] = epilogue.early(tiles.begin(warp) + g, tiles.end(warp), gemvGroup * n + t);
  stageX<E::normed>(p, s, waitForPredecessor);
  if (R > 1) own = laneOf(s, rows);
  multiply(p, s, epilogue, tiles, operands, ring, own, copyNext);
}

// gemvSearch is gemv of one row and the search for its largest result.
template <class F>
__device__ __forceinline__ void gemvSearch(const SearchParams &p) {
  extern __shared__ uint4 memory[];
  Searched<F> e{{p.g}};
  gemv<F, 1>(p.g, e);
  __syncthreads();
  e.search(p, reinterpret_cast<uint64_t *>(memory));  // where sums were
}

}  // namespace zen

#define GEMV(name, F, R)                                            \
  extern "C" __global__ void __launch_bounds__(zen::gemvThreads, 2) \
      name(const __grid_constant__ zen::GemvParams p) {             \
    zen::Store<zen::F> e{p};                                        \
    zen::gemv<zen::F, R>(p, e);                                     \
  }                                                                 \
  extern "C" __global__ void __launch_bounds__(zen::gemvThreads, 2) \
      name##_swiglu(const __grid_constant__ zen::GemvParams p) {    \
    zen::Gated<zen::F> e{p};                                        \
    zen::gemv<zen::F, R>(p, e);                                     \
  }                                                                 \
  extern "C" __global__ void __launch_bounds__(zen::gemvThreads, 2) \
      name##_qkv(const __grid_constant__ zen::QkvParams p) {        \
    zen::Qkv<zen::F, zen::groupsOf(R)> e{p};                        \
    zen::gemv<zen::F, R>(p.g, e);                                   \
  }
GEMV(zen_gemv_f16, FormatF16, 1)
GEMV(zen_gemv_q8, FormatQ8, 1)
GEMV(zen_gemv_q4, FormatQ4, 1)
GEMV(zen_gemv4_f16, FormatF16, 4)
GEMV(zen_gemv4_q8, FormatQ8, 4)
GEMV(zen_gemv4_q4, FormatQ4, 4)
GEMV(zen_gemv8_f16, FormatF16, 8)
GEMV(zen_gemv8_q8, FormatQ8, 8)
GEMV(zen_gemv8_q4, FormatQ4, 8)

#define SEARCH(name, F)                                             \
  extern "C" __global__ void __launch_bounds__(zen::gemvThreads, 2) \
      name##_search(const __grid_constant__ zen::SearchParams p) {  \
    zen::gemvSearch<zen::F>(p);                                     \
  }
SEARCH(zen_gemv_f16, FormatF16)
SEARCH(zen_gemv_q8, FormatQ8)
SEARCH(zen_gemv_q4, FormatQ4)
