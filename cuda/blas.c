// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

#include "blas.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef void *handle;

// cublasLtMatmulHeuristicResult_t
typedef struct {
	uint64_t algo[8];
	size_t workspace;
	int state;
	float waves;
	int reserved[4];
} heuristic;

#define FUNCTIONS(F) \
	F(create, "cublasLtCreate", (handle *)) \
	F(destroy, "cublasLtDestroy", (handle)) \
	F(desc_create, "cublasLtMatmulDescCreate", (handle *, int, int)) \
	F(desc_set, "cublasLtMatmulDescSetAttribute", (handle, int, const void *, size_t)) \
	F(desc_destroy, "cublasLtMatmulDescDestroy", (handle)) \
	F(layout_create, "cublasLtMatrixLayoutCreate", (handle *, int, uint64_t, uint64_t, int64_t)) \
	F(layout_set, "cublasLtMatrixLayoutSetAttribute", (handle, int, const void *, size_t)) \
	F(layout_destroy, "cublasLtMatrixLayoutDestroy", (handle)) \
	F(preference_create, "cublasLtMatmulPreferenceCreate", (handle *)) \
	F(preference_set, "cublasLtMatmulPreferenceSetAttribute", (handle, int, const void *, size_t)) \
	F(preference_destroy, "cublasLtMatmulPreferenceDestroy", (handle)) \
	F(heuristics, "cublasLtMatmulAlgoGetHeuristic", (handle, handle, handle, handle, handle, handle, \
		handle, int, heuristic *, int *)) \
	F(matmul, "cublasLtMatmul", (handle, handle, const void *, zen_ptr, handle, zen_ptr, handle, \
		const void *, zen_ptr, handle, zen_ptr, handle, const void *, zen_ptr, size_t, handle))

#define FIELD(name, symbol, arguments) int (*name) arguments;
static struct {
	FUNCTIONS(FIELD)
	const char *(*status_name)(int); // or NULL
} lt;

// Numbers of the library's enumerations.
enum {
	type_f32 = 0, type_f16 = 2,                                    // cudaDataType_t
	compute_f32 = 68,                                              // cublasComputeType_t
	transposed = 1,                                                // cublasOperation_t
	desc_transa = 3, desc_epilogue = 7, desc_bias_pointer = 8,     // cublasLtMatmulDescAttributes_t
	epilogue_bias = 4,                                             // cublasLtEpilogue_t
	layout_columns = 3,                                            // cublasLtMatrixLayoutAttribute_t
	preference_workspace = 1, preference_alignment_c = 7, preference_alignment_d = 8,
	status_not_supported = 15
};

// The library counts columns first: its a [in, out] is w, its b [in, rows] is x, and
// its d [out, rows] = aT·b is dst.
typedef struct {
	handle desc, a, b, d;
	uint64_t algo[8];
	int add, bias;
} plan;

static void *bind(const char *name) {
	void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return NULL;
#define BIND(name, symbol, arguments) \
	if (!(*(void **)&lt.name = dlsym(lib, symbol))) { \
		dlclose(lib); \
		return NULL; \
	}
	FUNCTIONS(BIND)
	*(void **)&lt.status_name = dlsym(lib, "cublasLtGetStatusName");
	return lib;
}

// open_first makes a handle of the newest library that works with the driver, which
// stays for the life of the process.
static const char *open_first(zen_device *d) {
	static int bound;
	if (bound)
		return lt.create(&d->blas) ? "cuBLASLt refuses the device" : NULL;
	static const char *const names[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11"};
	for (int i = 0; i < 3; i++) {
		void *lib = bind(names[i]);
		if (!lib)
			continue;
		if (lt.create(&d->blas) == 0) {
			bound = 1;
			return NULL;
		}
		dlclose(lib);
	}
	return "there is no libcublasLt.so.13, .12 or .11 that works with the driver";
}

const char *zen_blas_open(zen_device *d) {
	zen_signals s;
	zen_signals_keep(&s);
	const char *missing = zen_enter(d) ? "the context is lost" : open_first(d);
	if (missing)
		d->blas = NULL;
	zen_signals_restore(&s);
	return missing;
}

void zen_blas_close(zen_device *d) {
	if (d->blas && zen_enter(d) == 0)
		lt.destroy(d->blas);
	d->blas = NULL;
}

const char *zen_blas_error_name(int code) {
	return lt.status_name ? lt.status_name(code - ZEN_BLAS_CODE) : "cuBLASLt error";
}

static int failed(int status) { return status ? ZEN_BLAS_CODE + status : 0; }

// describe fills in what p needs besides the algorithm.
static int describe(plan *p, const zen_shape *s) {
	const int type = type_f16, epilogue = epilogue_bias, op = transposed;
	int status = lt.desc_create(&p->desc, compute_f32, type_f32);
	if (!status)
		status = lt.desc_set(p->desc, desc_transa, &op, sizeof op);
	if (!status && s->bias)
		status = lt.desc_set(p->desc, desc_epilogue, &epilogue, sizeof epilogue);
	if (!status)
		status = lt.layout_create(&p->a, type, s->in, s->out, s->in);
	if (!status)
		status = lt.layout_create(&p->b, type, s->in, s->rows, s->in);
	if (!status)
		status = lt.layout_create(&p->d, s->half ? type_f16 : type_f32, s->out, s->rows, s->stride);
	return status;
}

// choose asks for algorithms and takes the s->choice'th.
static int choose(zen_device *d, plan *p, const zen_shape *s, uint64_t workspace) {
	enum { most = 16 };
	heuristic found[most];
	handle preference = NULL;
	const uint32_t alignment = 16;
	int n = 0, status = lt.preference_create(&preference);
	if (!status)
		status = lt.preference_set(preference, preference_workspace, &workspace, sizeof workspace);
	for (int i = preference_alignment_c; !status && i <= preference_alignment_d; i++)
		status = lt.preference_set(preference, i, &alignment, sizeof alignment);
	if (!status)
		status = lt.heuristics(d->blas, p->desc, p->a, p->b, p->d, p->d, preference,
			s->choice < most ? s->choice + 1 : most, found, &n);
	if (preference)
		lt.preference_destroy(preference);
	if (!status && (n <= s->choice || found[s->choice].state))
		status = status_not_supported;
	if (!status)
		memcpy(p->algo, found[s->choice].algo, sizeof p->algo);
	return status;
}

int zen_blas_plan(zen_device *d, const zen_shape *s, size_t workspace, uint64_t *out) {
	int code = zen_enter(d);
	if (code)
		return code;
	plan *p = calloc(1, sizeof *p);
	p->add = s->add, p->bias = s->bias;
	int status = describe(p, s);
	if (!status)
		status = choose(d, p, s, workspace);
	if (status)
		zen_blas_free_plan((uint64_t)p);
	else
		*out = (uint64_t)p;
	return failed(status);
}

void zen_blas_free_plan(uint64_t address) {
	plan *p = (plan *)address;
	if (p->desc)
		lt.desc_destroy(p->desc);
	for (handle *l = &p->a; l <= &p->d; l++)
		if (*l)
			lt.layout_destroy(*l);
	free(p);
}

int zen_blas_run(zen_device *d, uint64_t address, const zen_operands *o) {
	plan *p = (plan *)address;
	const float beta = p->add ? 1 : 0;
	const uint64_t rows = o->rows;
	int status = lt.layout_set(p->b, layout_columns, &rows, sizeof rows);
	if (!status)
		status = lt.layout_set(p->d, layout_columns, &rows, sizeof rows);
	if (!status && p->bias)
		status = lt.desc_set(p->desc, desc_bias_pointer, &o->bias, sizeof o->bias);
	if (!status)
		status = lt.matmul(d->blas, p->desc, &o->alpha, o->w, p->a, o->x, p->b, &beta,
			p->add ? o->residual : o->dst, p->d, o->dst, p->d, p->algo, o->workspace, o->workspace_bytes,
			d->stream);
	return failed(status);
}
