// SPDX-License-Identifier: Apache-2.0

// The part of NVIDIA's driver API that package cuda uses, behind functions that
// make the device's context current first, so that any thread may call them.
// Types are declared here: nothing of CUDA is needed to build. Every zen_
// function returns the driver's result, 0 for success, unless said otherwise.

#ifndef ZEN_CUDA_DRIVER_H
#define ZEN_CUDA_DRIVER_H

#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t zen_ptr; // CUdeviceptr

// zen_device is one context with one stream, in which everything happens in
// order.
typedef struct {
	void *context, *stream, *module;
	void *blas; // cuBLASLt's handle, or NULL
} zen_device;

enum { ZEN_PARAM_BYTES = 264 };

// zen_launch is one kernel launch. Its parameters are laid out as a C struct of
// them would be. The Go twin is launch.
typedef struct {
	uint64_t function;
	uint32_t grid[3], block[3];
	uint32_t shared; // bytes of dynamic shared memory
	uint32_t early;  // 1: may start while the launch before it ends
	uint32_t bytes;  // of params
	uint32_t blas;   // 1: function is a plan of zen_blas_plan, params are zen_operands
	uint8_t params[ZEN_PARAM_BYTES];
} zen_launch;

// zen_signals is what a call into a library of NVIDIA's must leave alone.
typedef struct {
	sigset_t mask;
	struct sigaction actions[NSIG];
} zen_signals;

void zen_signals_keep(zen_signals *s);
void zen_signals_restore(const zen_signals *s);

// zen_enter makes d's context the thread's.
int zen_enter(zen_device *d);

// zen_load opens the driver library and resolves what is used of it. It returns
// NULL, or what is missing.
const char *zen_load(void);
const char *zen_error_name(int code);

// zen_init keeps the process's signals as they are: the driver's threads block
// them, and handlers that it may have set are put back.
int zen_init(void);
int zen_count(int *count);
int zen_name(int ordinal, char *name, int bytes);
int zen_attribute(int ordinal, int attribute, int *value);

int zen_open(zen_device *d, int ordinal);
int zen_close(zen_device *d);
int zen_load_module(zen_device *d, const void *image);

// zen_function finds a kernel. All divide the memory that L1 and shared memory have in
// common alike, for a multiprocessor must be empty to change that: a kernel would wait for
// the last block of the one before it.
int zen_function(zen_device *d, const char *name, uint64_t *function);
int zen_allow_shared(zen_device *d, uint64_t function, int bytes);

int zen_memory(zen_device *d, size_t *free, size_t *total);
int zen_alloc(zen_device *d, size_t bytes, zen_ptr *p);
int zen_free(zen_device *d, zen_ptr p);
int zen_alloc_host(zen_device *d, size_t bytes, void **p);
int zen_free_host(zen_device *d, void *p);

// Asynchronous, in the stream's order. Host memory must be zen_alloc_host's or
// stay as it is until the stream is done.
int zen_clear(zen_device *d, zen_ptr dst, size_t bytes);
int zen_to_device(zen_device *d, zen_ptr dst, const void *src, size_t bytes);
int zen_to_host(zen_device *d, void *dst, zen_ptr src, size_t bytes);
int zen_copy(zen_device *d, zen_ptr dst, zen_ptr src, size_t bytes);
int zen_run(zen_device *d, const zen_launch *launches, int n);

// zen_capture makes a graph of the launches; zen_replay runs it.
int zen_capture(zen_device *d, const zen_launch *launches, int n, uint64_t *graph);
int zen_replay(zen_device *d, uint64_t graph);
int zen_free_graph(zen_device *d, uint64_t graph);

// An event marks a point of the stream; zen_wait waits for it on the host.
int zen_new_event(zen_device *d, uint64_t *event);
int zen_free_event(zen_device *d, uint64_t event);
int zen_record(zen_device *d, uint64_t event);
int zen_wait(zen_device *d, uint64_t event);
int zen_sync(zen_device *d);

// zen_await returns once every stride-th of n words in host memory, all -1 at first, has
// been written by what was given to the stream, or the stream is done. It learns of
// that sooner than zen_sync.
int zen_await(zen_device *d, const int32_t *words, int n, int stride);

#endif
