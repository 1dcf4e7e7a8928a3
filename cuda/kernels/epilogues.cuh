// SPDX-License-Identifier: Apache-2.0

// What becomes of the sums of gemv.cuh: see multiply in stream.cuh for the parts of an
// epilogue.

#pragma once

#include "formats.cuh"
#include "order.cuh"

namespace zen {

// QkvParams has a twin in package cuda. g's w, scales and bias are those of q_proj;
// its dst is not used. See RotaryParams for r, whose k and v are for kvType 3 alone.
//
//	wk, wv  [kvHeads·headDim, in]; bk, bv  [kvHeads·headDim] F32 or null
//	wkScale, wvScale  as g's wScale
//	kvType  0 F32, 1 F16, 2 BF16; 3 sets r.q, r.k and r.v, unrotated, for a kernel that
//	        rotates, quantises and appends
struct QkvParams {
  GemvParams g;
  const void *wk, *sk, *wv, *sv;
  const float *bk, *bv;
  RotaryParams r;
  int kvType;
  float wkScale, wvScale;
  int pad;
};
static_assert(sizeof(QkvParams) == 264, "QkvParams differs from its Go twin");

// scaleBytes returns the bytes of a row's scales.
template <class F>
__device__ __forceinline__ int scaleBytes(int in) {
  return F::rowBytes(in) / gemvStep * F::stepScales;
}

template <class F>
__device__ __forceinline__ Row rowOf(const void *w, const void *scales, int64_t row, int in) {
  return {static_cast<const uint8_t *>(w) + row * F::rowBytes(in),
          static_cast<const uint8_t *>(scales) + row * scaleBytes<F>(in)};
}

// Store is dst = x·wT + bias + residual.
template <class F>
struct Store {
  static constexpr int perTile = 16;
  static constexpr bool even = true, normed = false;
  const GemvParams &p;

  __device__ int units() const { return p.out; }
  __device__ Row row(int unit, int) const { return rowOf<F>(p.w, p.scales, unit, p.in); }
  __device__ void begin() {}

  // Nothing is computed from them here: that would wait for the loads.
  struct Operands {
    float biasA = 0, biasB = 0, residualA = 0, residualB = 0;
  };
  __device__ Operands early(int unit, int end, int) const {
    Operands o;
    if (p.bias && unit < end) o.biasA = p.bias[unit];
    if (p.bias && unit + 8 < end) o.biasB = p.bias[unit + 8];
    return o;
  }
  __device__ void late(Operands &o, int unit, int end, int r) const {
    if (!p.residual) return;
    const float *residual = p.residual + int64_t(r) * p.out + unit;
    if (unit < end) o.residualA = readL2(residual);
    if (unit + 8 < end) o.residualB = readL2(residual + 8);
  }

  __device__ void finish(int unit, int end, int r, const Operands &o, float a, float b) const {
    float *to = p.dst + int64_t(r) * p.out + unit;
    if (unit < end) to[0] = fmaf(a, p.wScale, o.biasA) + o.residualA;
    if (unit + 8 < end) to[8] = fmaf(b, p.wScale, o.biasB) + o.residualB;
  }
};

// SearchParams has a twin in package cuda.
//
//	out, token  see report
//	top         [2]: the largest of all blocks' and how many have added theirs; 0, and left so
struct SearchParams {
  GemvParams g;
  uint64_t *out, *top;
  int *token;
};
static_assert(sizeof(SearchParams) == 128, "SearchParams differs from its Go twin");

// Searched is Store of one row, whose first largest element is reported.
template <class F>
struct Searched : Store<F> {
  uint64_t top = 0;  // of those that the thread has stored

  __device__ void finish(int unit, int end, int r, const typename Store<F>::Operands &o, float a,
                         float b) {
    const GemvParams &p = this->p;
    const float low = fmaf(a, p.wScale, o.biasA) + o.residualA;
    const float high = fmaf(b, p.wScale, o.biasB) + o.residualB;
    if (unit < end) p.dst[unit] = low, top = max(top, ranked(orderKey(low), unit));
    if (unit + 8 < end) p.dst[unit + 8] = high, top = max(top, ranked(orderKey(high), unit + 8));
  }

  // search reports the largest of all blocks. scratch is [8].
  __device__ void search(const SearchParams &p, uint64_t *scratch) {
    const uint64_t mine = blockTop(top, scratch);
    if (threadIdx.x > 0) return;
    auto *all = reinterpret_cast<unsigned long long *>(p.top);
    atomicMax(all, mine);
    __threadfence();
    if (atomicAdd(all + 1, 1ull) + 1 < gridDim.x) return;
    __threadfence();
    all[1] = 0;
    report(p.out, p.token, atomicExch(all, 0ull));
  }
};

// Gated is dst = silu(x·wT) · (x·w2T); a pair is a row of w and the same of w2.
template <class F>
struct Gated {
  static constexpr int perTile = 8;
  static constexpr bool even = true, normed = true;
  const GemvParams &p;

  __device__ int units() const { return p.out; }
  __device__ Row row(int unit, int half) const {
    return rowOf<F>(half ? p.w2 : p.w, half ? p.scales2 : p.scales, unit, p.in);
  }
  __device__ void begin() {}

  struct Operands {};
  __device__ Operands early(int, int, int) const { return {}; }
  __device__ void late(Operands &, int, int, int) const {}
  __device__ void finish(int unit, int end, int r, const Operands &, float gate, float up) const {
    if (unit < end) p.dst[int64_t(r) * p.out + unit] = silu(gate * p.wScale) * (up * p.w2Scale);
  }
};

// Qkv projects, rotates q and k, and writes k and v into the cache; a pair is
// elements i and i + headDim/2 of a head of q, k or v.
template <class F, int N>
struct Qkv {
  static constexpr int perTile = 8;
  static constexpr bool even = false, normed = true;
  const QkvParams &p;
  int position[N], page[N];  // of the lane's rows; what the step was given

  __device__ int units() const { return (p.r.heads + 2 * p.r.kvHeads) * (p.r.headDim / 2); }

  __device__ Row row(int unit, int half) const {
    const int pairs = p.r.headDim / 2, head = unit / pairs;
    const int in = p.g.in, at = unit % pairs + half * pairs, kv = head - p.r.heads;
    if (kv < 0) return rowOf<F>(p.g.w, p.g.scales, int64_t(head) * p.r.headDim + at, in);
    if (kv < p.r.kvHeads) return rowOf<F>(p.wk, p.sk, int64_t(kv) * p.r.headDim + at, in);
    return rowOf<F>(p.wv, p.sv, int64_t(kv - p.r.kvHeads) * p.r.headDim + at, in);
  }

  __device__ void begin() {
#pragma unroll
    for (int n = 0; n < N; n++) {
      const int r = gemvGroup * n + threadIdx.x % 4;
      position[n] = r < p.g.rows ? readL2(p.r.positions + r) : -1;
      if (position[n] >= 0)
        page[n] = readL2(p.r.pages + int64_t(readL2(p.r.sequences + r)) * p.r.pageStride +
                         position[n] / p.r.pageSize);
    }
  }

  // to is where the pair's first element goes, null where none does; kind is its type, as kvType.
  struct Operands {
    void *to;
    int kind;
    bool rotated;
    float scale, biasA, biasB, cosine, sine;
  };

  __device__ Operands early(int unit, int end, int r) const {
    Operands o = {};
    int position = -1, page = 0;
#pragma unroll
    for (int n = 0; n < N; n++)
      if (r >= gemvGroup * n) position = this->position[n], page = this->page[n];
    if (unit >= end || position < 0) return o;
    const int pairs = p.r.headDim / 2, kv = unit / pairs - p.r.heads, pair = unit % pairs;
    const bool query = kv < 0, value = kv >= p.r.kvHeads;
    const int head = query ? kv + p.r.heads : value ? kv - p.r.kvHeads : kv;
    const float *bias = query ? p.g.bias : value ? p.bv : p.bk;
    const int at = head * p.r.headDim + pair;
    o.biasA = bias ? bias[at] : 0.f, o.biasB = bias ? bias[at + pairs] : 0.f;
    o.scale = query ? p.g.wScale : value ? p.wvScale : p.wkScale;
    if (query || p.kvType == 3) {
      float *rows = query ? p.r.q : value ? p.r.v : p.r.k;
      o.to = rows + (int64_t(r) * (query ? p.r.heads : p.r.kvHeads) + head) * p.r.headDim + pair;
    } else {
      const int64_t first =
          cacheIndex(page, position % p.r.pageSize, head, p.r.kvHeads, p.r.pageSize, p.r.headDim);
      o.kind = p.kvType;
      o.to = static_cast<uint8_t *>(value ? p.r.vcache : p.r.kcache) +
             (first + pair) * (o.kind == 0 ? 4 : 2);
    }
    o.rotated = !value && p.kvType != 3;
    const float *angles = p.r.table + int64_t(position) * p.r.headDim + pair;
    if (o.rotated) o.cosine = angles[0], o.sine = angles[pairs];
    return o;
  }
  __device__ void late(Operands &, int, int, int) const {}

  template <class T>
  __device__ void store(void *to, float x, float y) const {
    static_cast<T *>(to)[0] = fromFloat<T>(x);
    static_cast<T *>(to)[p.r.headDim / 2] = fromFloat<T>(y);
  }

  __device__ void finish(int, int, int, const Operands &o, float a, float b) const {
    if (!o.to) return;
    float x = fmaf(a, o.scale, o.biasA), y = fmaf(b, o.scale, o.biasB);
    if (o.rotated) {
      const float first = x;
      x = fmaf(first, o.cosine, -__fmul_rn(y, o.sine));
      y = fmaf(first, o.sine, __fmul_rn(y, o.cosine));
    }
    if (o.kind == 0)
      store<float>(o.to, x, y);
    else if (o.kind == 1)
      store<__half>(o.to, x, y);
    else
      store<bf16>(o.to, x, y);
  }
};

}  // namespace zen
