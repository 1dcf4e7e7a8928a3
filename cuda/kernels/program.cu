// SPDX-License-Identifier: Apache-2.0

// A whole decode step in one kernel. The host lists the operations it would launch;
// one block to a multiprocessor runs the list, all blocks meeting between operations.
//
// What a chain of kernels loses is the time between one's last byte and the next one's
// first. Here the ring of gemv.cuh runs through the list: while blocks meet, stage x or
// attend, the copies of the coming matrices are under way, as far ahead as the ring is
// large, and the memory never rests.
//
// A block meets the others by adding to a counter and waiting until all have.

#include "argmax.cuh"
#include "program.cuh"
#include "stream.cuh"

namespace zen {

// Meeting is the counter of a program: arrivals of all its blocks at the ends of its
// phases. The last arrival of a step makes it zero again.
struct Meeting {
  unsigned *counter;
  unsigned all;  // arrivals of a step

  __device__ void arrive() const {
    __syncthreads();
    if (threadIdx.x != 0) return;
    __threadfence();
    if (atomicAdd(counter, 1) == all - 1) *counter = 0;
  }

  // wait returns once every block has ended the phases before.
  __device__ void wait(int phase) const {
    if (threadIdx.x == 0) {
      const unsigned want = phase * gridDim.x;
      unsigned seen;
      do {
        asm volatile("ld.acquire.gpu.u32 %0, [%1];" : "=r"(seen) : "l"(counter) : "memory");
      } while (seen < want);
    }
    __syncthreads();
  }
};

// Cursor is the next step of weights to copy, anywhere in the list.
template <class F> struct Cursor {
  const Phase *phases;
  int count, phase = -1, tile = 0, place = 0, steps = 0, rowBytes = 0;
  Tiles tiles{0, 16};
  Row a, b;

  __device__ Cursor(const Phase *phases, int count) : phases(phases), count(count) { nextPhase(); }

  template <class E> __device__ void enter(const E &epilogue) {
    const int unit = tiles.begin(tile) + threadIdx.x % 32 / 4, last = tiles.end(tile) - 1;
    a = epilogue.row(min(unit, last), 0);
    b = epilogue.row(min(E::perTile == 16 ? unit + 8 : unit, last), 1);
  }

  __device__ void enterTile() {
    const Phase &p = phases[phase];
    if (p.kind == kindGemv) enter(Store<F>{p.gemv});
    else if (p.kind == kindGated) enter(Gated<F>{p.gemv});
    else enter(Qkv<F>{p.qkv});
  }

  __device__ void nextPhase() {
    for (phase++; phase < count; phase++) {
      const Phase &p = phases[phase];
      if (p.kind != kindGemv && p.kind != kindGated && p.kind != kindQkv) continue;
      const GemvParams &g = p.kind == kindQkv ? p.qkv.g : p.gemv;
      tiles = p.kind == kindQkv ? Tiles(Qkv<F>{p.qkv}.units(), 8) : Tiles(g.out, p.kind == kindGated ? 8 : 16);
      rowBytes = F::rowBytes(g.in), steps = stepsOf(rowBytes);
      tile = place = 0;
      if (tiles.count == 0 || steps == 0) continue;
      enterTile();
      return;
    }
  }

  __device__ void copy(Ring<F> &ring) {
    if (phase < count) {
      ring.copy(a, b, place, rowBytes);
      if (++place == steps) {
        place = 0;
        if (++tile < tiles.count) enterTile();
        else nextPhase();
      }
    }
    ring.advance();
  }
};

template <class F> __device__ void embedPhase(const EmbedParams &p) {
  for (int64_t row = blockIdx.x; row < p.rows; row += gridDim.x) {
    const int64_t token = max(0, readL2(p.tokens + row));
    for (int i = threadIdx.x; i < p.hidden; i += blockDim.x)
      p.dst[row * p.hidden + i] = F::value(p.table, p.scales, token, i, p.hidden);
  }
}

template <class T, int headDim, class Wait>
__device__ __forceinline__ void attentionPhase(const AttentionParams &p, int rows, uint4 *memory, Wait wait) {
  const int group = p.heads / p.kvHeads, groups = p.kvHeads * ((group + decodeHeads - 1) / decodeHeads);
  const int items = groups * rows * p.splits;
  bool waited = false;
  for (int item = blockIdx.x; item < items; item += gridDim.x) {
    const uint3 at = make_uint3(item % groups, item / groups % rows, item / groups / rows);
    attentionDecode<T, headDim, gemvWarps, 1, true>(p, at, rows, memory, [&] {
      if (!waited) wait();
      waited = true;
    });
    __syncthreads();
  }
  if (!waited) wait();
}

// runProgram runs a list of phases.
//
//	phases   [count]
//	counter  zero before and after
//
// grid: at most one block to a multiprocessor, all resident; block: 256
// shared: 512 + auxiliary + stages·Ring<F>::stageBytes; auxiliary, a multiple of 16, is
// the largest of what the phases need: 4096 + 4·rows·(inPad + 32) (Q8 and inPad/2, Q4
// and inPad), or decodeShared(headDim, 8, 1).
template <class F> __device__ void runProgram(const Phase *phases, int count, unsigned *counter, int auxiliary) {
  extern __shared__ uint4 memory[];
  Phase *current = reinterpret_cast<Phase *>(memory);  // [2]
  uint4 *aux = memory + 2 * sizeof(Phase) / 16;
  Ring<F> ring(aux + auxiliary / 16, memory);
  Cursor<F> cursor(phases, count);
  auto copyNext = [&] { cursor.copy(ring); };
  for (int i = 0; i < ring.stages; i++) copyNext();
  const Meeting meeting{counter, count * gridDim.x};
  auto load = [&](int i) {
    constexpr int pieces = sizeof(Phase) / 16;
    if (threadIdx.x < pieces && i < count)
      memory[(i & 1) * pieces + threadIdx.x] = reinterpret_cast<const uint4 *>(phases + i)[threadIdx.x];
  };
  load(0);
  waitForPredecessor();
  __syncthreads();
  for (int i = 0; i < count; i++) {
    const Phase &phase = current[i & 1];
    load(i + 1);
    auto wait = [&] { meeting.wait(i); };
    auto product = [&](const GemvParams &p, auto &epilogue) {
      const Staged<F> s(aux, p.in);
      epilogue.begin();
      if (p.in % 8 == 0) stageX<F, true>(p, s, wait);
      else stageX<F, false>(p, s, wait);
      multiply<F>(p, s, epilogue, ring, copyNext);
    };
    switch (phase.kind) {
    case kindEmbed:
      wait();
      embedPhase<F>(phase.embed);
      break;
    case kindGemv: {
      Store<F> e{phase.gemv};
      product(phase.gemv, e);
      break;
    }
    case kindGated: {
      Gated<F> e{phase.gemv};
      product(phase.gemv, e);
      break;
    }
    case kindQkv: {
      Qkv<F> e{phase.qkv};
      product(phase.qkv.g, e);
      break;
    }
    case kindArgmax:
      wait();
      for (int row = 0; row < phase.argmax.rows; row++)
        argmaxShare(phase.argmax.dst, phase.argmax.status, phase.argmax.logits, phase.argmax.workspace,
                    phase.argmax.counters, phase.argmax.vocab, row, blockIdx.x, gridDim.x);
      break;
    case kindAttentionF16x64: attentionPhase<__half, 64>(phase.attention, phase.rows, aux, wait); break;
    case kindAttentionF16x128: attentionPhase<__half, 128>(phase.attention, phase.rows, aux, wait); break;
    case kindAttentionBF16x64: attentionPhase<bf16, 64>(phase.attention, phase.rows, aux, wait); break;
    case kindAttentionBF16x128: attentionPhase<bf16, 128>(phase.attention, phase.rows, aux, wait); break;
    }
    meeting.arrive();
  }
  copyAsyncWait<0>();
}

}  // namespace zen

#define PROGRAM(name, F)                                                                                      \
  extern "C" __global__ void __launch_bounds__(zen::gemvThreads, 1)                                           \
      zen_program_##name(const zen::Phase *phases, int count, unsigned *counter, int auxiliary) {             \
    zen::runProgram<zen::F>(phases, count, counter, auxiliary);                                               \
  }
PROGRAM(bf16, FormatBF16)
PROGRAM(f16, FormatF16)
PROGRAM(q8, FormatQ8)
PROGRAM(q4, FormatQ4)
