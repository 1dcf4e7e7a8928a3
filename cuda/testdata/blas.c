// SPDX-License-Identifier: Apache-2.0

// A cuBLASLt without a device, beside driver.c: products are computed at once, in
// the host's memory, as the library's documentation says, for float16 operands and
// results in float32, or in float16 without bias and addend. Closing a handle while
// something is left of it fails loudly.
//
// ZEN_NO_ALGORITHM is the number of outputs for which there is none, ZEN_NO_PRODUCT that of
// products which fail. With ZEN_NO_HANDLE the library does not work with the driver.

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *handle;

typedef struct {
	int transa, epilogue;
	const float *bias;
} description;

typedef struct {
	int type; // 0 float32, 2 float16
	uint64_t rows, columns;
	int64_t stride; // of columns
} layout;

typedef struct {
	uint64_t algo[8];
	size_t workspace;
	int state;
	float waves;
	int reserved[4];
} heuristic;

static long alive;

static int make(handle *h, size_t bytes) {
	*h = calloc(1, bytes);
	alive++;
	return 0;
}

static int end(handle h) {
	free(h);
	alive--;
	return 0;
}

int cublasLtCreate(handle *h) { return getenv("ZEN_NO_HANDLE") ? 1 : make(h, 8); }
int cublasLtDestroy(handle h) {
	end(h);
	if (alive)
		abort();
	return 0;
}

const char *cublasLtGetStatusName(int status) {
	return status == 13 ? "CUBLAS_STATUS_EXECUTION_FAILED" : "CUBLAS_STATUS_OTHER";
}

int cublasLtMatmulDescCreate(handle *h, int compute, int scale) {
	if (compute != 68 || scale != 0)
		return 15;
	make(h, sizeof(description));
	((description *)*h)->epilogue = 1;
	return 0;
}
int cublasLtMatmulDescDestroy(handle h) { return end(h); }
int cublasLtMatmulDescSetAttribute(handle h, int attribute, const void *value, size_t bytes) {
	description *d = h;
	void *field = attribute == 3 ? (void *)&d->transa : attribute == 7 ? (void *)&d->epilogue
		: attribute == 8 ? (void *)&d->bias : NULL;
	if (!field || bytes != (attribute == 8 ? 8 : 4))
		return 7;
	memcpy(field, value, bytes);
	return 0;
}

int cublasLtMatrixLayoutCreate(handle *h, int type, uint64_t rows, uint64_t columns, int64_t stride) {
	make(h, sizeof(layout));
	*(layout *)*h = (layout){type, rows, columns, stride};
	return 0;
}
int cublasLtMatrixLayoutDestroy(handle h) { return end(h); }
int cublasLtMatrixLayoutSetAttribute(handle h, int attribute, const void *value, size_t bytes) {
	if (attribute != 3 || bytes != 8)
		return 7;
	memcpy(&((layout *)h)->columns, value, bytes);
	return 0;
}

int cublasLtMatmulPreferenceCreate(handle *h) { return make(h, 8); }
int cublasLtMatmulPreferenceDestroy(handle h) { return end(h); }
int cublasLtMatmulPreferenceSetAttribute(handle h, int attribute, const void *value, size_t bytes) {
	(void)h, (void)value;
	return attribute == 1 ? bytes != 8 : bytes != 4;
}

static int refused(const char *variable, uint64_t outputs) {
	const char *value = getenv(variable);
	return value && strtoull(value, NULL, 10) == outputs;
}

int cublasLtMatmulAlgoGetHeuristic(handle lt, handle desc, const layout *a, const layout *b, const layout *c,
	const layout *d, handle preference, int wanted, heuristic *found, int *n) {
	(void)lt, (void)desc, (void)a, (void)b, (void)c, (void)preference, (void)wanted;
	*n = 0;
	if (refused("ZEN_NO_ALGORITHM", d->rows))
		return 15;
	memset(found, 0, sizeof *found);
	found->algo[0] = d->columns;
	*n = 1;
	return 0;
}

static float widened(uint16_t half) {
	const int exponent = half >> 10 & 31, fraction = half & 1023;
	const float f = exponent ? ldexpf(1024 + fraction, exponent - 25) : ldexpf(fraction, -24);
	return half >> 15 ? -f : f;
}

static uint16_t narrowed(float f) {
	const uint16_t sign = f < 0 ? 0x8000 : 0;
	int exponent;
	const float fraction = frexpf(fabsf(f), &exponent);
	if (exponent < -13)
		return sign | (uint16_t)rintf(ldexpf(fabsf(f), 24));
	return sign + (uint16_t)((exponent + 14) * 1024 + rintf(ldexpf(fraction, 11)) - 1024);
}

int cublasLtMatmul(handle lt, const description *desc, const float *alpha, const uint16_t *a, const layout *la,
	const uint16_t *b, const layout *lb, const float *beta, const float *c, const layout *lc, void *d,
	const layout *ld, const uint64_t *algo, void *workspace, size_t bytes, handle stream) {
	(void)lt, (void)lc, (void)stream;
	if (desc->transa != 1 || la->type != 2 || lb->type != 2
		|| (ld->type != 0 && (ld->type != 2 || *beta || desc->epilogue == 4)) || la->rows != lb->rows
		|| la->columns != ld->rows || lb->columns != ld->columns || ld->columns > algo[0] || !workspace || !bytes
		|| refused("ZEN_NO_PRODUCT", ld->rows))
		return 13;
	for (uint64_t j = 0; j < ld->columns; j++)
		for (uint64_t i = 0; i < ld->rows; i++) {
			double sum = 0;
			for (uint64_t k = 0; k < la->rows; k++)
				sum += (double)widened(a[k + i * la->stride]) * widened(b[k + j * lb->stride]);
			const int64_t at = i + j * ld->stride;
			if (ld->type == 2)
				((uint16_t *)d)[at] = narrowed(*alpha * sum);
			else
				((float *)d)[at] = *alpha * sum + (*beta ? *beta * c[at] : 0) + (desc->epilogue == 4 ? desc->bias[i] : 0);
		}
	return 0;
}
