// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

#define _GNU_SOURCE
#include "blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef void *handle;

// cuLaunchKernelEx's arguments, as the driver reads them.
typedef struct {
	int id;
	char pad[4];
	union {
		char size[64];
		int programmaticStreamSerialization;
	} value;
} launch_attribute;

typedef struct {
	unsigned grid[3], block[3], shared;
	handle stream;
	launch_attribute *attributes;
	unsigned count;
} launch_config;

// FUNCTIONS lists what is resolved: the field's name, the symbol, its arguments.
#define FUNCTIONS(F) \
	F(init, "cuInit", (unsigned)) \
	F(error_name, "cuGetErrorName", (int, const char **)) \
	F(device_count, "cuDeviceGetCount", (int *)) \
	F(device_get, "cuDeviceGet", (int *, int)) \
	F(device_name, "cuDeviceGetName", (char *, int, int)) \
	F(device_attribute, "cuDeviceGetAttribute", (int *, int, int)) \
	F(context_create, "cuCtxCreate_v2", (handle *, unsigned, int)) \
	F(context_destroy, "cuCtxDestroy_v2", (handle)) \
	F(context_set, "cuCtxSetCurrent", (handle)) \
	F(stream_create, "cuStreamCreate", (handle *, unsigned)) \
	F(stream_query, "cuStreamQuery", (handle)) \
	F(stream_sync, "cuStreamSynchronize", (handle)) \
	F(stream_capture, "cuStreamBeginCapture_v2", (handle, int)) \
	F(stream_captured, "cuStreamEndCapture", (handle, handle *)) \
	F(event_create, "cuEventCreate", (handle *, unsigned)) \
	F(event_destroy, "cuEventDestroy_v2", (handle)) \
	F(event_record, "cuEventRecord", (handle, handle)) \
	F(event_sync, "cuEventSynchronize", (handle)) \
	F(module_load, "cuModuleLoadData", (handle *, const void *)) \
	F(module_function, "cuModuleGetFunction", (handle *, handle, const char *)) \
	F(function_set, "cuFuncSetAttribute", (handle, int, int)) \
	F(memory_info, "cuMemGetInfo_v2", (size_t *, size_t *)) \
	F(memory_alloc, "cuMemAlloc_v2", (zen_ptr *, size_t)) \
	F(memory_free, "cuMemFree_v2", (zen_ptr)) \
	F(host_alloc, "cuMemHostAlloc", (void **, size_t, unsigned)) \
	F(host_free, "cuMemFreeHost", (void *)) \
	F(memory_set, "cuMemsetD8Async", (zen_ptr, unsigned char, size_t, handle)) \
	F(to_device, "cuMemcpyHtoDAsync_v2", (zen_ptr, const void *, size_t, handle)) \
	F(to_host, "cuMemcpyDtoHAsync_v2", (void *, zen_ptr, size_t, handle)) \
	F(copy, "cuMemcpyDtoDAsync_v2", (zen_ptr, zen_ptr, size_t, handle)) \
	F(launch, "cuLaunchKernel", (handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, \
		unsigned, handle, void **, void **)) \
	F(graph_instantiate, "cuGraphInstantiateWithFlags", (handle *, handle, unsigned long long)) \
	F(graph_destroy, "cuGraphDestroy", (handle)) \
	F(graph_launch, "cuGraphLaunch", (handle, handle)) \
	F(graph_free, "cuGraphExecDestroy", (handle))

#define FIELD(name, symbol, arguments) int (*name) arguments;
static struct {
	FUNCTIONS(FIELD)
	int (*launch_ex)(const launch_config *, handle, void **, void **); // since 11.8, or NULL
} cu;

// BIND returns the name of the symbol when the library lacks it.
#define BIND(name, symbol, arguments) \
	if (!(*(void **)&cu.name = dlsym(lib, symbol))) \
		return "libcuda.so.1 has no " symbol;

const char *zen_load(void) {
	void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return "there is no NVIDIA driver (libcuda.so.1)";
	FUNCTIONS(BIND)
	*(void **)&cu.launch_ex = dlsym(lib, "cuLaunchKernelEx");
	return NULL;
}

const char *zen_error_name(int code) {
	if (code >= ZEN_BLAS_CODE)
		return zen_blas_error_name(code);
	const char *name = NULL;
	return cu.error_name && cu.error_name(code, &name) == 0 && name ? name : "unknown error";
}

void zen_signals_keep(zen_signals *s) {
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &s->mask);
	for (int i = 1; i < NSIG; i++)
		sigaction(i, NULL, &s->actions[i]);
}

void zen_signals_restore(const zen_signals *s) {
	for (int i = 1; i < NSIG; i++) {
		struct sigaction now;
		if (sigaction(i, NULL, &now) == 0 && now.sa_sigaction != s->actions[i].sa_sigaction)
			sigaction(i, &s->actions[i], NULL);
	}
	pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
}

int zen_init(void) {
	zen_signals s;
	zen_signals_keep(&s);
	int code = cu.init(0);
	zen_signals_restore(&s);
	return code;
}

int zen_count(int *count) { return cu.device_count(count); }

int zen_name(int ordinal, char *name, int bytes) {
	int device, code = cu.device_get(&device, ordinal);
	return code ? code : cu.device_name(name, bytes, device);
}

int zen_attribute(int ordinal, int attribute, int *value) {
	int device, code = cu.device_get(&device, ordinal);
	return code ? code : cu.device_attribute(value, attribute, device);
}

static int open_context(zen_device *d, int ordinal) {
	int device, code;
	if ((code = cu.device_get(&device, ordinal)))
		return code;
	if ((code = cu.context_create(&d->context, 0, device)))
		return code;
	const unsigned non_blocking = 1;
	return cu.stream_create(&d->stream, non_blocking);
}

int zen_open(zen_device *d, int ordinal) {
	zen_signals s;
	zen_signals_keep(&s);
	int code = open_context(d, ordinal);
	zen_signals_restore(&s);
	return code;
}

int zen_enter(zen_device *d) { return cu.context_set(d->context); }

int zen_close(zen_device *d) {
	return d->context ? cu.context_destroy(d->context) : 0;
}

// ENTER makes d's context the thread's. Go moves goroutines from thread to thread.
#define ENTER(d) \
	int code = cu.context_set((d)->context); \
	if (code) \
		return code

int zen_load_module(zen_device *d, const void *image) {
	zen_signals s;
	zen_signals_keep(&s);
	int code = cu.context_set(d->context);
	if (!code)
		code = cu.module_load(&d->module, image);
	zen_signals_restore(&s);
	return code;
}

int zen_function(zen_device *d, const char *name, uint64_t *function) {
	ENTER(d);
	const int shared_carveout = 9, percent = 100;
	code = cu.module_function((handle *)function, d->module, name);
	return code ? code : cu.function_set((handle)*function, shared_carveout, percent);
}

int zen_allow_shared(zen_device *d, uint64_t function, int bytes) {
	ENTER(d);
	const int max_dynamic_shared = 8;
	return cu.function_set((handle)function, max_dynamic_shared, bytes);
}

int zen_memory(zen_device *d, size_t *free, size_t *total) {
	ENTER(d);
	return cu.memory_info(free, total);
}

int zen_alloc(zen_device *d, size_t bytes, zen_ptr *p) {
	ENTER(d);
	return cu.memory_alloc(p, bytes);
}

int zen_free(zen_device *d, zen_ptr p) {
	ENTER(d);
	return cu.memory_free(p);
}

int zen_alloc_host(zen_device *d, size_t bytes, void **p) {
	ENTER(d);
	return cu.host_alloc(p, bytes, 0);
}

int zen_free_host(zen_device *d, void *p) {
	ENTER(d);
	return cu.host_free(p);
}

int zen_clear(zen_device *d, zen_ptr dst, size_t bytes) {
	ENTER(d);
	return cu.memory_set(dst, 0, bytes, d->stream);
}

int zen_to_device(zen_device *d, zen_ptr dst, const void *src, size_t bytes) {
	ENTER(d);
	return cu.to_device(dst, src, bytes, d->stream);
}

int zen_to_host(zen_device *d, void *dst, zen_ptr src, size_t bytes) {
	ENTER(d);
	return cu.to_host(dst, src, bytes, d->stream);
}

int zen_copy(zen_device *d, zen_ptr dst, zen_ptr src, size_t bytes) {
	ENTER(d);
	return cu.copy(dst, src, bytes, d->stream);
}

static int run_one(zen_device *d, const zen_launch *l) {
	if (l->blas)
		return zen_blas_run(d, l->function, (const zen_operands *)l->params);
	size_t bytes = l->bytes;
	// CU_LAUNCH_PARAM_BUFFER_POINTER, _SIZE, _END
	void *extra[] = {(void *)1, (void *)l->params, (void *)2, &bytes, NULL};
	handle function = (handle)l->function;
	if (!l->early || !cu.launch_ex)
		return cu.launch(function, l->grid[0], l->grid[1], l->grid[2], l->block[0], l->block[1],
			l->block[2], l->shared, d->stream, NULL, extra);
	launch_attribute a;
	memset(&a, 0, sizeof a);
	a.id = 6; // CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
	a.value.programmaticStreamSerialization = 1;
	launch_config c = {{l->grid[0], l->grid[1], l->grid[2]}, {l->block[0], l->block[1], l->block[2]},
		l->shared, d->stream, &a, 1};
	return cu.launch_ex(&c, function, NULL, extra);
}

static int run_all(zen_device *d, const zen_launch *launches, int n) {
	int code = 0;
	for (int i = 0; i < n && !code; i++)
		code = run_one(d, &launches[i]);
	return code;
}

int zen_run(zen_device *d, const zen_launch *launches, int n) {
	ENTER(d);
	return run_all(d, launches, n);
}

int zen_capture(zen_device *d, const zen_launch *launches, int n, uint64_t *graph) {
	ENTER(d);
	const int thread_local_mode = 1;
	if ((code = cu.stream_capture(d->stream, thread_local_mode)))
		return code;
	handle captured = NULL;
	code = run_all(d, launches, n);
	int ended = cu.stream_captured(d->stream, &captured);
	if (!code)
		code = ended;
	if (!code)
		code = cu.graph_instantiate((handle *)graph, captured, 0);
	if (captured)
		cu.graph_destroy(captured);
	return code;
}

int zen_replay(zen_device *d, uint64_t graph) {
	ENTER(d);
	return cu.graph_launch((handle)graph, d->stream);
}

int zen_free_graph(zen_device *d, uint64_t graph) {
	ENTER(d);
	return cu.graph_free((handle)graph);
}

int zen_new_event(zen_device *d, uint64_t *event) {
	ENTER(d);
	const unsigned disable_timing = 2;
	return cu.event_create((handle *)event, disable_timing);
}

int zen_free_event(zen_device *d, uint64_t event) {
	ENTER(d);
	return cu.event_destroy((handle)event);
}

int zen_record(zen_device *d, uint64_t event) {
	ENTER(d);
	return cu.event_record((handle)event, d->stream);
}

int zen_wait(zen_device *d, uint64_t event) {
	ENTER(d);
	return cu.event_sync((handle)event);
}

int zen_sync(zen_device *d) {
	ENTER(d);
	return cu.stream_sync(d->stream);
}

// rest is a moment's pause of a thread that waits.
static inline void rest(void) {
#if defined(__x86_64__)
	__asm__ volatile("pause");
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

int zen_await(zen_device *d, const int32_t *words, int n, int stride) {
	ENTER(d);
	// The driver, which alone knows of failures, is asked now and then. A step that takes
	// long is looked at less often: the driver would wait for the next one too, if there is.
	enum { not_ready = 600, looks = 256, questions = 1024, nap = 20000 };
	int at = 0;
	for (int q = 0;; q += q < questions) {
		for (int i = 0; i < looks; i++) {
			while (at < n && __atomic_load_n(&words[at], __ATOMIC_ACQUIRE) != -1)
				at += stride;
			if (at >= n)
				return 0;
			rest();
		}
		if ((code = cu.stream_query(d->stream)) != not_ready)
			return code;
		if (q == questions)
			nanosleep(&(struct timespec){.tv_nsec = nap}, NULL);
	}
}
