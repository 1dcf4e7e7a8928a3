// SPDX-License-Identifier: Apache-2.0

// A driver without a device, for tests of what runs on the host: memory is the
// host's, copies are done at once, kernels do nothing. Closing a context in which
// something is left fails with code 999.
//
// ZEN_FAIL names a symbol whose calls fail with code 700 (illegal address),
// ZEN_MEMORY limits the device's bytes, ZEN_MAJOR is the compute capability, and
// ZEN_NO_DEVICE leaves no device.

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void *handle;

static struct {
	long memory, host, events, graphs, contexts, streams; // alive
	size_t used;
} n;

static size_t limit(void) {
	const char *s = getenv("ZEN_MEMORY");
	return s ? strtoull(s, NULL, 10) : (size_t)1 << 30;
}

static int failing(const char *symbol) {
	const char *s = getenv("ZEN_FAIL");
	return s && strcmp(s, symbol) == 0 ? 700 : 0;
}

#define FAILS if (failing(__func__)) return 700

static void on_interrupt(int s) { _exit(90 + s); }

static void *idle(void *arg) {
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

// A driver may take signals, and starts threads.
int cuInit(unsigned flags) {
	(void)flags;
	if (getenv("ZEN_NO_DEVICE"))
		return 100;
	struct sigaction a;
	memset(&a, 0, sizeof a);
	a.sa_handler = on_interrupt;
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGSEGV, &a, NULL);
	pthread_t t;
	return pthread_create(&t, NULL, idle, NULL);
}

int cuGetErrorName(int code, const char **name) {
	*name = code == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : code == 100 ? "CUDA_ERROR_NO_DEVICE"
		: code == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : NULL;
	return *name ? 0 : 1;
}

int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }

int cuDeviceGetName(char *name, int bytes, int device) {
	(void)device;
	snprintf(name, bytes, "no device");
	return 0;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
	(void)device;
	const char *major = getenv("ZEN_MAJOR");
	*value = attribute == 75 ? (major ? atoi(major) : 9) : attribute == 16 ? 132 : attribute == 97 ? 232448 : 0;
	return 0;
}

static int make(handle *h, long *count) {
	*h = malloc(8);
	++*count;
	return 0;
}

static int end(handle h, long *count) {
	free(h);
	--*count;
	return 0;
}

int cuCtxCreate_v2(handle *c, unsigned flags, int device) { (void)flags, (void)device; return make(c, &n.contexts); }
int cuCtxDestroy_v2(handle c) {
	end(c, &n.contexts);
	return n.contexts == 0 && !getenv("ZEN_FAIL") && (n.memory || n.host || n.events || n.graphs) ? 999 : 0;
}
int cuCtxSetCurrent(handle c) { (void)c; return 0; }
int cuStreamCreate(handle *s, unsigned flags) { (void)flags; return make(s, &n.streams); }
int cuStreamQuery(handle s) { (void)s; FAILS; return 0; }
int cuStreamSynchronize(handle s) { (void)s; FAILS; return 0; }
int cuEventCreate(handle *e, unsigned flags) { (void)flags; return make(e, &n.events); }
int cuEventDestroy_v2(handle e) { return end(e, &n.events); }
int cuEventRecord(handle e, handle s) { (void)e, (void)s; return 0; }
int cuEventSynchronize(handle e) { (void)e; return 0; }
int cuModuleLoadData(handle *m, const void *image) { (void)image; *m = &n; FAILS; return 0; }
int cuModuleGetFunction(handle *f, handle m, const char *name) { (void)m; *f = strdup(name); return 0; }
int cuFuncSetAttribute(handle f, int attribute, int value) { (void)f, (void)attribute, (void)value; return 0; }

int cuMemGetInfo_v2(size_t *available, size_t *total) {
	*total = limit();
	*available = *total - n.used;
	return 0;
}

int cuMemAlloc_v2(uint64_t *p, size_t bytes) {
	if (n.used + bytes > limit())
		return 2;
	size_t *block = aligned_alloc(512, 512 + ((bytes + 511) & ~(size_t)511));
	block[0] = bytes;
	memset((char *)block + 512, 0xa5, bytes);
	n.used += bytes, n.memory++;
	*p = (uint64_t)block + 512;
	return 0;
}

int cuMemFree_v2(uint64_t p) {
	size_t *block = (size_t *)(p - 512);
	n.used -= block[0], n.memory--;
	free(block);
	return 0;
}

int cuMemHostAlloc(void **p, size_t bytes, unsigned flags) {
	(void)flags;
	*p = malloc(bytes);
	n.host++;
	return 0;
}

int cuMemFreeHost(void *p) { free(p); n.host--; return 0; }

int cuMemsetD8Async(uint64_t dst, unsigned char v, size_t bytes, handle s) {
	(void)s;
	memset((void *)dst, v, bytes);
	return 0;
}

int cuMemcpyHtoDAsync_v2(uint64_t dst, const void *src, size_t bytes, handle s) {
	(void)s;
	memcpy((void *)dst, src, bytes);
	return 0;
}

int cuMemcpyDtoHAsync_v2(void *dst, uint64_t src, size_t bytes, handle s) {
	(void)s;
	memcpy(dst, (void *)src, bytes);
	return 0;
}

int cuMemcpyDtoDAsync_v2(uint64_t dst, uint64_t src, size_t bytes, handle s) {
	(void)s;
	memcpy((void *)dst, (void *)src, bytes);
	return 0;
}

int cuLaunchKernel(handle f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
	unsigned shared, handle s, void **params, void **extra) {
	(void)f, (void)shared, (void)s, (void)params, (void)extra;
	if (!gx || !gy || !gz || !bx || !by || !bz || bx * by * bz > 1024)
		return 1;
	return 0;
}

int cuLaunchKernelEx(const unsigned *c, handle f, void **params, void **extra) {
	return cuLaunchKernel(f, c[0], c[1], c[2], c[3], c[4], c[5], c[6], NULL, params, extra);
}

int cuStreamBeginCapture_v2(handle s, int mode) { (void)s, (void)mode; return 0; }

int cuStreamEndCapture(handle s, handle *graph) {
	(void)s;
	*graph = malloc(8);
	return 0;
}

int cuGraphInstantiateWithFlags(handle *exec, handle graph, unsigned long long flags) {
	(void)graph, (void)flags;
	return make(exec, &n.graphs);
}

int cuGraphDestroy(handle g) { free(g); return 0; }
int cuGraphLaunch(handle g, handle s) { (void)g, (void)s; return 0; }
int cuGraphExecDestroy(handle g) { return end(g, &n.graphs); }
