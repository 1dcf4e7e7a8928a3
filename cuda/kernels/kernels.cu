// SPDX-License-Identifier: Apache-2.0

// All kernels in one translation unit, so that one fatbin holds them.

#include "attention.cu"
#include "attention_decode.cu"
#include "attention_prefill.cu"
#include "elementwise.cu"
#include "embed.cu"
#include "gemm.cu"
#include "gemv.cu"
#include "largest.cu"
#include "matmul.cu"
#include "norm.cu"
#include "qgemm.cu"
#include "repack.cu"
#include "rotary.cu"
