// SPDX-License-Identifier: Apache-2.0

// All kernels in one translation unit, so that one fatbin holds them.

#include "argmax.cu"
#include "attention.cu"
#include "elementwise.cu"
#include "embed.cu"
#include "matmul.cu"
#include "norm.cu"
#include "repack.cu"
#include "rotary.cu"
