// SPDX-License-Identifier: Apache-2.0

// The parts of a program: what zen_program_* reads from device memory.

#pragma once

#include "attention_decode.cuh"
#include "epilogues.cuh"

namespace zen {

// EmbedParams has a twin in package cuda; see zen_embed_*.
struct EmbedParams {
  float *dst;
  const void *table;
  const void *scales;
  const int *tokens;
  int rows, hidden;
};
static_assert(sizeof(EmbedParams) == 40, "EmbedParams differs from its Go twin");

// ArgmaxParams has a twin in package cuda; see argmaxShare. workspace is
// [rows, blocks of the program].
struct ArgmaxParams {
  int *dst;
  int *status;
  const float *logits;
  unsigned long long *workspace;
  unsigned *counters;
  int rows, vocab;
};
static_assert(sizeof(ArgmaxParams) == 48, "ArgmaxParams differs from its Go twin");

// Kind says what a phase does. The numbers are package cuda's too.
enum Kind : int {
  kindEmbed = 0,
  kindGemv = 1,
  kindGated = 2,
  kindQkv = 3,
  kindArgmax = 4,
  kindAttentionF16x64 = 5,
  kindAttentionF16x128 = 6,
  kindAttentionBF16x64 = 7,
  kindAttentionBF16x128 = 8,
};

// Phase is one operation of a program. rows is that of an attention phase.
struct Phase {
  int kind, rows;
  union {
    EmbedParams embed;
    GemvParams gemv;
    QkvParams qkv;
    ArgmaxParams argmax;
    AttentionParams attention;
    char bytes[248];
  };
};
static_assert(sizeof(Phase) == 256, "Phase differs from its Go twin");

}  // namespace zen
