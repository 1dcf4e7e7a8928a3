// SPDX-License-Identifier: Apache-2.0

// Greedy decoding as a kernel of its own.

#include "argmax.cuh"

// zen_argmax is argmaxShare for every row.
//
// grid: (shares, rows); block: a multiple of 32, at most 1024
extern "C" __global__ void __launch_bounds__(1024)
    zen_argmax(int *dst, int *status, const float *logits, unsigned long long *workspace, unsigned *counters, int vocab) {
  zen::waitForPredecessor();
  zen::releaseSuccessor();
  zen::argmaxShare(dst, status, logits, workspace, counters, vocab, blockIdx.y, blockIdx.x, gridDim.x);
}
