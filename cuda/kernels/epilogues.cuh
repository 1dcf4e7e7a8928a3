// SPDX-License-Identifier: Apache-2.0

// What becomes of the sums of gemv.cuh: see multiply in stream.cuh for the parts of an
// epilogue.

#pragma once

#include "formats.cuh"

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
static_assert(sizeof(QkvParams) == 256, "QkvParams differs from its Go twin");

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
  static constexpr bool given = false, even = true;
  const GemvParams &p;

  __device__ int units() const { return p.out; }
  __device__ Row row(int unit, int) const { return rowOf<F>(p.w, p.scales, unit, p.in); }
  __device__ void begin() {}

  // Nothing is computed from them here: that would wait for the loads.
  struct Operands {
    float biasA = 0, biasB = 0, residualA = 0, residualB = 0;
  };
  __device__ Operands early(int unit, int end, int r) const {
    Operands o;
    const float *residual = p.residual + int64_t(r) * p.out + unit;
    if (p.bias && unit < end) o.biasA = p.bias[unit];
    if (p.bias && unit + 8 < end) o.biasB = p.bias[unit + 8];
    if (p.residual && unit < end) o.residualA = readL2(residual);
    if (p.residual && unit + 8 < end) o.residualB = readL2(residual + 8);
    return o;
  }

  __device__ void finish(int unit, int end, int r, const Operands &o, float a, float b) const {
    float *to = p.dst + int64_t(r) * p.out + unit;
    if (unit < end) to[0] = fmaf(a, p.wScale, o.biasA) + o.residualA;
    if (unit + 8 < end) to[8] = fmaf(b, p.wScale, o.biasB) + o.residualB;
  }
};

// Gated is dst = silu(x·wT) · (x·w2T); a pair is a row of w and the same of w2.
template <class F>
struct Gated {
  static constexpr int perTile = 8;
  static constexpr bool given = true, even = true;
  const GemvParams &p;

  __device__ int units() const { return p.out; }
  __device__ Row row(int unit, int half) const {
    return rowOf<F>(half ? p.w2 : p.w, half ? p.scales2 : p.scales, unit, p.in);
  }
  __device__ void begin() {}

  struct Operands {};
  __device__ Operands early(int, int, int) const { return {}; }
  __device__ void finish(int unit, int end, int r, const Operands &, float gate, float up) const {
    if (unit < end) p.dst[int64_t(r) * p.out + unit] = silu(gate * p.wScale) * (up * p.w2Scale);
  }
};

// Qkv projects, rotates q and k, and writes k and v into the cache; a pair is
// elements i and i + headDim/2 of a head of q, k or v.
template <class F, int N>
struct Qkv {
  static constexpr int perTile = 8;
  static constexpr bool given = true, even = false;
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

  __device__ void append(void *cache, int64_t at, float a, float b) const {
    const int half = p.r.headDim / 2;
    switch (p.kvType) {
      case 0:
        static_cast<float *>(cache)[at] = a, static_cast<float *>(cache)[at + half] = b;
        return;
      case 1:
        static_cast<__half *>(cache)[at] = fromFloat<__half>(a),
                           static_cast<__half *>(cache)[at + half] = fromFloat<__half>(b);
        return;
      default:
        static_cast<bf16 *>(cache)[at] = fromFloat<bf16>(a),
                         static_cast<bf16 *>(cache)[at + half] = fromFloat<bf16>(b);
    }
  }

  struct Operands {
    int position, page, kind, head, pair;  // kind 0 query, 1 key, 2 value; head within it
    float biasA, biasB, cosine, sine;
  };

  __device__ Operands early(int unit, int end, int r) const {
    Operands o = {-1};
    if (unit >= end) return o;
#pragma unroll
    for (int n = 0; n < N; n++)
      if (r >= gemvGroup * n) o.position = position[n], o.page = page[n];
    if (o.position < 0) return o;
    const int pairs = p.r.headDim / 2, head = unit / pairs, kv = head - p.r.heads;
    o.kind = kv < 0 ? 0 : kv < p.r.kvHeads ? 1 : 2;
    o.head = o.kind == 0 ? head : o.kind == 1 ? kv : kv - p.r.kvHeads;
    o.pair = unit % pairs;
    const float *bias = o.kind == 0 ? p.g.bias : o.kind == 1 ? p.bk : p.bv;
    const int at = o.head * p.r.headDim + o.pair;
    o.biasA = bias ? bias[at] : 0.f, o.biasB = bias ? bias[at + pairs] : 0.f;
    const float *angles = p.r.table + int64_t(o.position) * p.r.headDim + o.pair;
    o.cosine = o.kind == 2 ? 1.f : angles[0], o.sine = o.kind == 2 ? 0.f : angles[pairs];
    return o;
  }

  __device__ void finish(int, int, int r, const Operands &o, float a, float b) const {
    if (o.position < 0) return;
    const float scale = o.kind == 0 ? p.g.wScale : o.kind == 1 ? p.wkScale : p.wvScale;
    a = fmaf(a, scale, o.biasA), b = fmaf(b, scale, o.biasB);
    if (p.kvType == 3) {
      float *rows = o.kind == 0 ? p.r.q : o.kind == 1 ? p.r.k : p.r.v;
      const int heads = o.kind == 0 ? p.r.heads : p.r.kvHeads;
      float *to = rows + (int64_t(r) * heads + o.head) * p.r.headDim + o.pair;
      to[0] = a, to[p.r.headDim / 2] = b;
      return;
    }
    const float x = o.kind == 2 ? a : fmaf(a, o.cosine, -__fmul_rn(b, o.sine)),
                y = o.kind == 2 ? b : fmaf(a, o.sine, __fmul_rn(b, o.cosine));
    if (o.kind == 0) {
      float *q = p.r.q + (int64_t(r) * p.r.heads + o.head) * p.r.headDim + o.pair;
      q[0] = x, q[p.r.headDim / 2] = y;
      return;
    }
    const int64_t at = cacheIndex(o.page, o.position % p.r.pageSize, o.head, p.r.kvHeads,
                                  p.r.pageSize, p.r.headDim);
    append(o.kind == 1 ? p.r.kcache : p.r.vcache, at + o.pair, x, y);
  }
};

}  // namespace zen
