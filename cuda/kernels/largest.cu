// SPDX-License-Identifier: Apache-2.0

// The largest elements of each row, for sampling: all that are at least as large as
// the k-th largest of the maxima of groups of 128, or somewhat less. Those maxima are elements,
// so there are at least k; and as large elements lie anywhere, not many more.

#include "order.cuh"

namespace zen {

constexpr int groupElements = 128;
constexpr int largestCapacity = 512;  // elements that a row's result has room for
constexpr int largestThreads = 1024;
constexpr int totalParts = 32;  // of a row's total
constexpr int largestWords = 2 + 2 * largestCapacity + totalParts;

// blockScan returns the sum of n over the threads before this one, and of all in
// total. scratch is [33]; whole blocks of 1024 call it.
__device__ __forceinline__ int blockScan(int n, int *scratch, int &total) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  int sum = n;
#pragma unroll
  for (int d = 1; d < 32; d *= 2) {
    const int below = __shfl_up_sync(everyLane, sum, d);
    if (lane >= d) sum += below;
  }
  if (lane == 31) scratch[warp] = sum;
  __syncthreads();
  if (warp == 0) {
    int s = scratch[lane];
#pragma unroll
    for (int d = 1; d < 32; d *= 2) {
      const int below = __shfl_up_sync(everyLane, s, d);
      if (lane >= d) s += below;
    }
    if (lane == 31) scratch[32] = s;
    scratch[lane] = s - scratch[lane];
  }
  __syncthreads();
  const int before = scratch[warp] + sum - n;
  total = scratch[32];
  __syncthreads();
  return before;
}

// leastOfLargest returns a key that at least k of n keys in shared memory reach, k <= n, and
// no more than a sixteenth more, but for equal ones. It narrows the range in which the k-th
// largest lies to one of 256 parts at a time. bins is [259], scratch [8]; whole blocks of 1024
// call it.
__device__ __forceinline__ uint32_t leastOfLargest(const uint32_t *keys, int n, int k, int *bins,
                                                   int *scratch) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  uint32_t low = notFinite, high = 0;
  for (int i = threadIdx.x; i < n; i += largestThreads)
    low = min(low, keys[i]), high = max(high, keys[i]);
  low = __reduce_min_sync(everyLane, low), high = __reduce_max_sync(everyLane, high);
  if (lane == 0) bins[warp] = int(low), bins[32 + warp] = int(high);
  __syncthreads();
  low = __reduce_min_sync(everyLane, uint32_t(bins[lane]));
  high = __reduce_max_sync(everyLane, uint32_t(bins[32 + lane]));
  if (k == 1) return high;
  uint32_t span = high - low;  // the k-th largest is one of low to low + span
  for (int shift = max(24 - __clz(span), 0), above = 0;; shift = max(shift - 8, 0)) {
    __syncthreads();
    if (threadIdx.x < 256) bins[threadIdx.x] = 0;
    __syncthreads();
    for (int i = threadIdx.x; i < n; i += largestThreads)
      if (keys[i] >= low && keys[i] - low <= span) atomicAdd(bins + (keys[i] - low >> shift), 1);
    __syncthreads();
    if (warp < 8) {  // a thread owns a part, thread 0 the uppermost
      const int own = bins[255 - threadIdx.x];
      int reached = own;
#pragma unroll
      for (int d = 1; d < 32; d *= 2) {
        const int before = __shfl_up_sync(everyLane, reached, d);
        if (lane >= d) reached += before;
      }
      if (lane == 31) scratch[warp] = reached;
      asm volatile("bar.sync 1, 256;" ::: "memory");
      for (int w = 0; w < warp; w++) reached += scratch[w];
      reached += above;
      if (reached >= k && reached - own < k)
        bins[256] = 255 - threadIdx.x, bins[257] = reached, bins[258] = reached - own;
    }
    __syncthreads();
    low += uint32_t(bins[256]) << shift, span = (1u << shift) - 1;
    if (shift == 0 || bins[257] <= k + k / 16) return low;
    above = bins[258];
  }
}

// publish sets the count of a row once all else that the calling thread has seen
// written can be read, from the host too.
__device__ __forceinline__ void publish(int *out, int count) {
  __threadfence_system();
  *static_cast<volatile int *>(out) = count;
}

}  // namespace zen

using namespace zen;

// zen_group_max sets keys to the largest key of each group of a row.
//
//	keys  [rows, groups]   groups = ceil(columns/128)
//	x     [rows, columns]  F32
//
// grid: (ceil(groups/8), rows); block: 256. A warp owns a group.
extern "C" __global__ void __launch_bounds__(256)
    zen_group_max(uint32_t *keys, const float *x, int columns) {
  waitForPredecessor();
  releaseSuccessor();
  const int groups = (columns + groupElements - 1) / groupElements;
  const int group = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (group >= groups) return;
  const float *row = x + int64_t(blockIdx.y) * columns;
  uint32_t key = 0;
#pragma unroll
  for (int j = 0; j < groupElements / 32; j++) {
    const int i = group * groupElements + 32 * j + lane;
    if (i < columns) key = max(key, orderKey(readL2(row + i)));
  }
  key = __reduce_max_sync(everyLane, key);
  if (lane == 0) keys[int64_t(blockIdx.y) * groups + group] = key;
}

// zen_totals sums exp((x - largest)/temperature) over parts of rows.
//
//	totals        [rows, 32]; nothing for rows with a temperature of 0
//	x             [rows, columns]  F32
//	keys          [rows, groups]   of zen_group_max
//	temperatures  [rows]
//
// grid: (32, rows); block: 256
extern "C" __global__ void __launch_bounds__(256)
    zen_totals(float *totals, const float *x, const uint32_t *keys, const float *temperatures,
               int columns) {
  __shared__ float scratch[33];
  __shared__ uint32_t tops[8];
  waitForPredecessor();
  releaseSuccessor();
  const float temperature = readL2(temperatures + blockIdx.y);
  if (!(temperature > 0)) return;
  const int groups = (columns + groupElements - 1) / groupElements;
  keys += int64_t(blockIdx.y) * groups;
  uint32_t top = 0;
  for (int g = threadIdx.x; g < groups; g += 256) top = max(top, __ldcg(keys + g));
  top = __reduce_max_sync(everyLane, top);
  if (threadIdx.x % 32 == 0) tops[threadIdx.x / 32] = top;
  __syncthreads();
#pragma unroll
  for (int w = 0; w < 8; w++) top = max(top, tops[w]);
  const float largest = keyOrder(top), perUnit = 1.44269504f / temperature;
  const float *row = x + int64_t(blockIdx.y) * columns;
  const int part = (columns + totalParts - 1) / totalParts, begin = blockIdx.x * part;
  float sum = 0;
#pragma unroll 4
  for (int i = begin + threadIdx.x; i < min(begin + part, columns); i += 256)
    sum += exp2f((readL2(row + i) - largest) * perUnit);
  sum = blockSum(sum, scratch);
  if (threadIdx.x == 0) totals[blockIdx.y * totalParts + blockIdx.x] = sum;
}

// zen_largest lists the elements of each row from the k-th largest maximum of its groups up,
// or some more, in order of their columns.
//
//	out     [rows, 2 + 2·512 + 32]  count; the least of them, F32; columns [512]; elements
//	                                [512] F32; totals [32] F32
//	x       [rows, columns]         F32
//	keys    [rows, groups]          of zen_group_max; k <= groups
//	totals  [rows, 32]              of zen_totals, or null
//
// The count is 0 where a row has NaN or +Inf, nothing finite, or more than fit. It is
// written last: out may lie in the host's memory, and the host wait for it.
//
// grid: rows; block: 1024; shared: 4·groups bytes.
extern "C" __global__ void __launch_bounds__(largestThreads)
    zen_largest(int *out, const float *x, const uint32_t *keys, const float *totals, int columns,
                int k) {
  extern __shared__ uint32_t groupKeys[];
  __shared__ int scratch[33];
  __shared__ int selected[largestThreads];  // groups that have elements to list
  __shared__ int first[largestThreads];     // their counts, then where their elements go
  __shared__ int found[2 * largestCapacity];  // columns, elements
  waitForPredecessor();
  releaseSuccessor();
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int groups = (columns + groupElements - 1) / groupElements;
  const float *row = x + int64_t(blockIdx.x) * columns;
  out += int64_t(blockIdx.x) * largestWords;
  bool bad = false;
  for (int g = threadIdx.x; g < groups; g += largestThreads) {
    groupKeys[g] = __ldcg(keys + int64_t(blockIdx.x) * groups + g);
    bad |= groupKeys[g] == notFinite;
  }
  if (__syncthreads_or(bad)) {
    if (threadIdx.x == 0) publish(out, 0);
    return;
  }
  const uint32_t least = max(leastOfLargest(groupKeys, groups, k, first, scratch), lowestKey);
  int count = 0, total;
  for (int from = 0; from < groups; from += largestThreads) {
    const int g = from + threadIdx.x;
    const bool has = g < groups && groupKeys[g] >= least;
    const int at = count + blockScan(has, scratch, total);
    if (has && at < largestThreads) selected[at] = g;
    count += total;
  }
  if (count > largestThreads) {
    if (threadIdx.x == 0) publish(out, 0);
    return;
  }
  __syncthreads();
  // A group is read once: its elements stay in registers, as far as there are.
  constexpr int kept = 8, perLane = groupElements / 32, warps = largestThreads / 32;
  float v[kept][perLane];
  auto read = [&](float to[perLane], int i) {
#pragma unroll
    for (int j = 0; j < perLane; j++) {
      const int at = selected[i] * groupElements + 32 * j + lane;
      to[j] = at < columns ? readL2(row + at) : -CUDART_INF_F;
    }
  };
  auto tally = [&](const float of[perLane], int i) {
    int n = 0;
#pragma unroll
    for (int j = 0; j < perLane; j++) n += __popc(__ballot_sync(everyLane, orderKey(of[j]) >= least));
    if (lane == 0) first[i] = n;
  };
#pragma unroll
  for (int r = 0; r < kept; r++)
    if (warp + r * warps < count) read(v[r], warp + r * warps);
#pragma unroll
  for (int r = 0; r < kept; r++)
    if (warp + r * warps < count) tally(v[r], warp + r * warps);
  for (int i = warp + kept * warps; i < count; i += warps) {
    float more[perLane];
    read(more, i);
    tally(more, i);
  }
  __syncthreads();
  const int mine = threadIdx.x < count ? first[threadIdx.x] : 0;
  const int before = blockScan(mine, scratch, total);
  if (threadIdx.x < count) first[threadIdx.x] = before;
  if (total > largestCapacity) {
    if (threadIdx.x == 0) publish(out, 0);
    return;
  }
  auto list = [&](const float of[perLane], int i) {
    int to = first[i];
#pragma unroll
    for (int j = 0; j < perLane; j++) {
      const bool large = orderKey(of[j]) >= least;
      const unsigned all = __ballot_sync(everyLane, large);
      if (large) {
        const int place = to + __popc(all & ((1u << lane) - 1));
        found[place] = selected[i] * groupElements + 32 * j + lane;
        found[largestCapacity + place] = __float_as_int(of[j]);
      }
      to += __popc(all);
    }
  };
#pragma unroll
  for (int r = 0; r < kept; r++)
    if (warp + r * warps < count) list(v[r], warp + r * warps);
  for (int i = warp + kept * warps; i < count; i += warps) {
    float more[perLane];
    read(more, i);
    list(more, i);
  }
  __syncthreads();
  // Whole lines, for each write on its own is one of the bus's.
  static_assert(largestThreads == 2 * largestCapacity);
  if (threadIdx.x == 0) out[1] = __float_as_int(keyOrder(least));
  if (threadIdx.x % largestCapacity < total) out[2 + threadIdx.x] = found[threadIdx.x];
  if (totals && threadIdx.x < totalParts)
    out[2 + 2 * largestCapacity + threadIdx.x] =
        __float_as_int(readL2(totals + blockIdx.x * totalParts + threadIdx.x));
  __syncthreads();
  if (threadIdx.x == 0) publish(out, total);
}

// zen_search reports the first largest element of each row.
//
//	out     [rows]           in the host's memory, see report
//	tokens  [rows]           their columns
//	x       [rows, columns]  F32
//	keys    [rows, groups]   of zen_group_max
//
// grid: rows; block: 256
extern "C" __global__ void __launch_bounds__(256)
    zen_search(uint64_t *out, int *tokens, const float *x, const uint32_t *keys, int columns) {
  __shared__ uint64_t scratch[8];
  waitForPredecessor();
  releaseSuccessor();
  const int groups = (columns + groupElements - 1) / groupElements;
  keys += int64_t(blockIdx.x) * groups;
  uint64_t top = 0;
  for (int g = threadIdx.x; g < groups; g += 256) top = max(top, ranked(__ldcg(keys + g), g));
  top = blockTop(top, scratch);
  const uint32_t key = top >> 32;
  const float *row = x + int64_t(blockIdx.x) * columns;
  const int i = columnOf(top) * groupElements + threadIdx.x;
  const bool has = threadIdx.x < groupElements && i < columns && orderKey(readL2(row + i)) == key;
  top = blockTop(has ? ranked(key, i) : 0, scratch);
  if (threadIdx.x == 0) report(out + blockIdx.x, tokens + blockIdx.x, top);
}
