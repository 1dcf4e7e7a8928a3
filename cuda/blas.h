// SPDX-License-Identifier: Apache-2.0

// The part of NVIDIA's cuBLASLt that package cuda uses, where the loader finds it:
// products of many rows on the tensor cores. Types and numbers are declared here,
// as its documentation has them; nothing of CUDA is needed to build.

#ifndef ZEN_CUDA_BLAS_H
#define ZEN_CUDA_BLAS_H

#include "driver.h"

// ZEN_BLAS_CODE is added to a cublasStatus_t to tell it from the driver's results.
enum { ZEN_BLAS_CODE = 1 << 20 };

// zen_shape is what a product is planned by.
//
//	dst [rows, out] = alpha·(x [rows, in] · w [out, in]T) + bias [out] F32 + residual
//
// x and w are F16, dst and residual F32, or dst F16 without a bias or a residual.
// Rows of dst and of residual are stride elements apart; pointers are aligned to 16
// bytes. The Go twin is productShape.
typedef struct {
	int32_t rows, in, out, stride;
	int32_t bias, add;    // 1: there is a bias, a residual
	int32_t half;         // 1: dst is F16
	int32_t choice;       // 0: the algorithm that the library holds for the fastest
} zen_shape;

// zen_operands are the parameters of a launch of a product. The Go side appends them
// to a launch as those of a kernel.
typedef struct {
	zen_ptr dst, x, w, bias, residual, workspace;
	uint64_t workspace_bytes;
	int32_t rows; // at most the plan's rows
	float alpha;
} zen_operands;

// zen_blas_open makes d's handle of the library, and returns NULL, or why there is
// none.
const char *zen_blas_open(zen_device *d);
void zen_blas_close(zen_device *d);
const char *zen_blas_error_name(int code);

// zen_blas_plan asks for an algorithm that needs no more workspace than given.
int zen_blas_plan(zen_device *d, const zen_shape *s, size_t workspace, uint64_t *plan);
void zen_blas_free_plan(uint64_t plan);

// zen_blas_run gives a product to the stream.
int zen_blas_run(zen_device *d, uint64_t plan, const zen_operands *o);

#endif
