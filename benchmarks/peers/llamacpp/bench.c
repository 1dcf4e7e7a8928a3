// SPDX-License-Identifier: Apache-2.0
//
// Times and quantises with the llama.cpp that npm ships prebuilt in
// @node-llama-cpp/linux-x64, printing what llama-bench would:
//
//	npm pack @node-llama-cpp/linux-x64 && tar xzf node-llama-cpp-linux-x64-*.tgz
//	cd package/bins/linux-x64
//	gcc -O2 -o bench bench.c -L. -l:libllama.v0.5.0.so -l:libggml.v0.5.0.so -l:libggml-base.so
//	LD_LIBRARY_PATH=. ./bench quantize model.gguf q4_0.gguf 2 libggml-cpu-sapphirerapids.so
//	LD_LIBRARY_PATH=. ./bench run q4_0.gguf 2 512 64 0 1 libggml-cpu-sapphirerapids.so
//
// The types of quantize are llama.h's: 2 is Q4_0, 7 is Q8_0, 15 is Q4_K_M.
//
// The package has no headers. Its parameter structs are filled by the library; this
// program changes a few words of them, at places it checks first.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { uint32_t word[128]; } params; // larger than any of the library's

typedef struct {
	int32_t n_tokens;
	int32_t *token;
	float *embd;
	int32_t *pos, *n_seq_id, **seq_id;
	int8_t *logits;
} batch;

extern params llama_model_default_params(void), llama_context_default_params(void);
extern params llama_model_quantize_default_params(void);
extern uint32_t llama_model_quantize(const char *, const char *, const params *);
extern void llama_backend_init(void), llama_synchronize(void *), llama_memory_clear(void *, _Bool);
extern void *llama_model_load_from_file(const char *, params), *llama_init_from_model(void *, params);
extern void *llama_get_memory(void *), *ggml_backend_load(const char *);
extern int llama_decode(void *, batch);
extern batch llama_batch_get_one(int32_t *, int32_t);
extern uint32_t llama_n_ctx(void *);
extern int32_t llama_n_threads(void *), llama_n_threads_batch(void *);
extern void llama_log_set(void (*)(int, const char *, void *), void *);

enum { N_CTX = 0, N_BATCH = 1, N_UBATCH = 2, N_THREADS = 7, N_THREADS_BATCH = 8 }; // of the context's

static void quiet(int level, const char *text, void *data) { (void)level, (void)text, (void)data; }

static void fail(const char *text) {
	fprintf(stderr, "bench: %s\n", text);
	exit(1);
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

// feed decodes n random tokens, step at a time.
static void feed(void *context, int n, int step) {
	static int32_t tokens[2048];
	for (int done = 0; done < n; done += step) {
		int count = n - done < step ? n - done : step;
		for (int i = 0; i < count; i++) tokens[i] = rand() % 151000;
		if (llama_decode(context, llama_batch_get_one(tokens, count))) fail("llama_decode");
		if (step == 1) llama_synchronize(context);
	}
	llama_synchronize(context);
}

// measure prints the rate of n tokens after depth others, repetitions times after a
// warm-up.
static void measure(void *context, int n, int step, int depth, int repetitions) {
	printf("{\"n_prompt\":%d,\"n_gen\":%d,\"n_depth\":%d,\"samples_ts\":[", step > 1 ? n : 0, step > 1 ? 0 : n, depth);
	for (int r = -1; r < repetitions; r++) {
		llama_memory_clear(llama_get_memory(context), 1);
		if (r >= 0 && depth) feed(context, depth, 2048);
		double begin = now();
		feed(context, r < 0 && step == 1 ? 8 : n, step);
		if (r >= 0) printf("%s%.4f", r ? "," : "", n / (now() - begin));
	}
	printf("]}\n");
	fflush(stdout);
}

static int run(char **v) {
	int threads = atoi(v[3]), prefill = atoi(v[4]), decode = atoi(v[5]), depth = atoi(v[6]), n = atoi(v[7]);
	void *model = llama_model_load_from_file(v[2], llama_model_default_params());
	if (!model) fail("no model");
	params p = llama_context_default_params();
	if (p.word[N_CTX] != 512 || p.word[N_BATCH] != 2048 || p.word[N_UBATCH] != 512 ||
	    p.word[N_THREADS] != p.word[N_THREADS_BATCH])
		fail("the context's parameters are not where they were");
	p.word[N_CTX] = (depth + prefill + decode + 255) / 256 * 256;
	p.word[N_THREADS] = p.word[N_THREADS_BATCH] = threads;
	void *context = llama_init_from_model(model, p);
	if (!context) fail("no context");
	if (llama_n_threads(context) != threads || llama_n_threads_batch(context) != threads ||
	    llama_n_ctx(context) < (uint32_t)(depth + prefill))
		fail("the context's parameters were not taken");
	if (prefill) measure(context, prefill, 2048, depth, n);
	if (decode) measure(context, decode, 1, depth, n);
	return 0;
}

int main(int n, char **v) {
	int quantize = n == 6 && !strcmp(v[1], "quantize");
	if (!quantize && !(n == 9 && !strcmp(v[1], "run")))
		fail("usage: bench run MODEL THREADS PREFILL DECODE DEPTH REPETITIONS BACKEND | bench quantize FROM TO TYPE BACKEND");
	llama_log_set(quiet, 0);
	if (!ggml_backend_load(v[n - 1])) fail("no such backend");
	llama_backend_init();
	if (!quantize) return run(v);
	params p = llama_model_quantize_default_params();
	p.word[0] = 0; // threads: all
	p.word[1] = atoi(v[4]);
	return llama_model_quantize(v[2], v[3], &p);
}
