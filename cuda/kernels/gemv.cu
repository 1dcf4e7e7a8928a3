// SPDX-License-Identifier: Apache-2.0

// Few rows times a matrix, a kernel for each format and epilogue. See gemv.cuh for the
// algorithm.
//
// grid: one block to a multiprocessor (any number is right); block: 256
// shared: 4224 + 4·rows·(inPad + 32) + stages·16384 bytes, inPad = in rounded up to 256;
// for Q8 4224 + rows·(2·(inPad + 64) + inPad/16) + stages·18432, for Q4 inPad/8 in place of
// inPad/16; stages is 2, 4, 6 or 8.

#include "epilogues.cuh"
#include "stream.cuh"

namespace zen {

template <class F, class E>
__device__ __forceinline__ void gemv(const GemvParams &p, E &epilogue) {
  extern __shared__ uint4 memory[];
  const Staged<F> s(memory, p.rows, p.in);
  Ring<F> ring(s.end(p.rows), memory);
  const Tiles tiles(epilogue.units(), E::perTile);
  const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  const int rowBytes = F::rowBytes(p.in), steps = stepsOf(rowBytes);
  const int at = warp * gemvStep + 16 * t;  // of a row's first piece
  constexpr int stride = gemvWarps * gemvStep, scaleStride = gemvWarps * F::stepScales;
  const int64_t wave = int64_t(tiles.wave) * rowBytes - (steps - 1) * stride;
  const int64_t scaleWave = int64_t(tiles.wave) * scaleBytes<F>(p.in) - (steps - 1) * scaleStride;
  int tile = 0, place = 0;
  Source from;
  auto enter = [&] {
    const int unit = tiles.begin(tile) + g, last = tiles.end(tile) - 1;
    const Row a = epilogue.row(min(unit, last), 0);
    const Row b = epilogue.row(min(E::perTile == 16 ? unit + 8 : unit, last), 1);
    from = {a.w + at, b.w + at, (t ? b : a).scales + warp * F::stepScales};
  };
  auto copyNext = [&] {
    if (tile < tiles.count) {
      ring.copy(from, rowBytes % gemvStep == 0, rowBytes - at - place * stride);
      if (++place < steps) {
        from.move(stride, scaleStride);
      } else {
        place = 0, tile++;
        if (E::even && tile < tiles.waves)
          from.move(wave, scaleWave);
        else if (tile < tiles.count)
          enter();
      }
    }
    ring.advance();
  };
  releaseSuccessor();
  if (steps == 0) tile = tiles.count;  // nothing to copy
  if (tile < tiles.count) enter();
  for (int i = 0; i < ring.stages; i++) copyNext();
  epilogue.begin();
  typename E::Operands operands;
  if (E::given && warp < tiles.count && t < p.rows)
    operands = epilogue.early(tiles.begin(warp) + g, tiles.end(warp), t);
  if (p.in % 8 == 0)
    stageX<F, true>(p, s, waitForPredecessor);
  else
    stageX<F, false>(p, s, waitForPredecessor);
  multiply<F>(p, s, epilogue, tiles, operands, ring, copyNext);
}

}  // namespace zen

#define GEMV(name, F)                                                       \
  extern "C" __global__ void __launch_bounds__(zen::gemvThreads, 2)         \
      zen_gemv_##name(const __grid_constant__ zen::GemvParams p) {          \
    zen::Store<zen::F> e{p};                                                \
    zen::gemv<zen::F>(p, e);                                                \
  }                                                                         \
  extern "C" __global__ void __launch_bounds__(zen::gemvThreads, 2)         \
      zen_gemv_##name##_swiglu(const __grid_constant__ zen::GemvParams p) { \
    zen::Gated<zen::F> e{p};                                                \
    zen::gemv<zen::F>(p, e);                                                \
  }                                                                         \
  extern "C" __global__ void __launch_bounds__(zen::gemvThreads, 2)         \
      zen_gemv_##name##_qkv(const __grid_constant__ zen::QkvParams p) {     \
    zen::Qkv<zen::F> e{p};                                                  \
    zen::gemv<zen::F>(p.g, e);                                              \
  }
GEMV(bf16, FormatBF16)
GEMV(f16, FormatF16)
GEMV(q8, FormatQ8)
GEMV(q4, FormatQ4)
