// SPDX-License-Identifier: Apache-2.0

// Zenbench measures a checkpoint end to end: the rate of reading a prompt, the
// rate of decoding after it, and what both cost.
//
//	zenbench -model DIR -pp 512 -tg 128 -depth 0 -threads 2 -n 5 -json
//
// Prefill is the rate of -pp tokens into an empty context. Decode is the rate of
// -tg tokens, one at a time, after -depth tokens. Each is run -n times after a
// warm-up of a prompt and a few tokens; the median is printed with all samples. The share of bandwidth is the
// bytes of weights a decoded token reads, over the rate at which this machine
// reads memory in the same run; on the CPU alone.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/cpu"

	_ "github.com/zenlm/zen/cuda"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "zenbench:", err)
		os.Exit(1)
	}
}

type config struct {
	model            string
	backend          string
	weights          string
	kv               string
	pp, tg, depth, n int
	batch, context   int
	deterministic    bool
	rounding         bool
	temperature      float64 // of answers at once
	threads, prefill int
	json             bool
	sample           string
	profile          string // file
}

// result is one line of output.
type result struct {
	Model   string `json:"model"`
	Backend string `json:"backend"`
	Device  string `json:"device"`
	Weights string `json:"weights"`
	KV      string `json:"kv,omitempty"`
	Sample  string `json:"sample,omitempty"`
	Threads int    `json:"threads"`
	PP      int    `json:"pp"`
	TG      int    `json:"tg"`
	Depth   int    `json:"depth"`

	LoadSeconds   float64   `json:"load_s"`
	Prefill       float64   `json:"prefill_tok_s"` // median
	PrefillRuns   []float64 `json:"prefill_runs"`
	Decode        float64   `json:"decode_tok_s"` // median
	DecodeRuns    []float64 `json:"decode_runs"`
	FirstToken    float64   `json:"first_token_s"` // after -pp tokens, median
	Answers       int       `json:"batch,omitempty"`
	Together      float64   `json:"batch_tok_s,omitempty"` // of all those answers
	BytesPerToken int64     `json:"bytes_per_token"`
	ReadGBs       float64   `json:"read_gb_s"` // measured on this machine
	Share         float64   `json:"share_of_bandwidth"`
	AllocsPerTok  float64   `json:"allocs_per_token"`
	PeakRSS       int64     `json:"peak_rss_bytes"`
}

func run(args []string) error {
	fs := flag.NewFlagSet("zenbench", flag.ContinueOnError)
	var c config
	fs.StringVar(&c.model, "model", "", "folder of the checkpoint")
	fs.StringVar(&c.backend, "backend", "cpu", "backend to run on")
	fs.StringVar(&c.weights, "weights", "", "int8 or int4 to quantise at load, empty for the checkpoint's")
	fs.StringVar(&c.kv, "kv", "", "type of the KV cache: f32, f16, bf16 or i8, empty for the default")
	fs.IntVar(&c.pp, "pp", 512, "tokens of the prompt")
	fs.IntVar(&c.tg, "tg", 128, "tokens to decode")
	fs.IntVar(&c.depth, "depth", 0, "tokens in the context before decoding")
	fs.IntVar(&c.batch, "batch", 0, "answers at once, whose rate is printed too, where there is KV memory for them")
	fs.IntVar(&c.context, "context", 0, "tokens that the KV cache is for, 0 for the model's most")
	fs.Float64Var(&c.temperature, "temperature", 0, "of answers at once; above 0 with top_k 20, top_p 0.8, repetition_penalty 1.05")
	fs.BoolVar(&c.deterministic, "deterministic", false, "results that do not depend on batch mates")
	fs.BoolVar(&c.rounding, "rounding", false, "activations may be rounded to bfloat16")
	fs.IntVar(&c.n, "n", 5, "runs of each")
	fs.IntVar(&c.threads, "threads", runtime.GOMAXPROCS(0), "threads")
	fs.IntVar(&c.prefill, "chunk", 512, "most prompt tokens of one step")
	fs.StringVar(&c.sample, "sample", "", "decode answers, greedy, sampled (temperature 0.7, top_k 20, top_p 0.8), nucleus (temperature 0.1, top_p 0.8) or temperature (0.1); empty to decode given tokens")
	fs.BoolVar(&c.json, "json", false, "print a line of JSON")
	fs.StringVar(&c.profile, "cpuprofile", "", "write a CPU profile of the decoding to a file")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if c.model == "" || c.pp < 1 || c.tg < 1 || c.depth < 0 || c.n < 1 {
		return fmt.Errorf("want -model DIR, -pp, -tg and -n of at least 1, -depth of at least 0")
	}
	r, err := measure(context.Background(), c)
	if err != nil {
		return err
	}
	if c.json {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	r.print()
	return nil
}

func measure(ctx context.Context, c config) (*result, error) {
	begin := time.Now()
	opts := []zen.Option{
		zen.WithBackend(c.backend), zen.WithWorkers(c.threads), zen.WithPrefill(c.prefill),
		zen.WithPrefixReuse(false), // prompts are read in every run
	}
	if c.batch > 0 {
		opts = append(opts, zen.WithBatch(c.batch), zen.WithKVBudget(4<<30))
	}
	if c.context > 0 {
		opts = append(opts, zen.WithContext(c.context))
	}
	if c.rounding {
		opts = append(opts, zen.WithRounding())
	}
	if c.deterministic {
		opts = append(opts, zen.WithDeterminism())
	}
	if c.weights != "" {
		format, ok := map[string]zen.DType{"int8": zen.Int8, "int4": zen.Int4}[c.weights]
		if !ok {
			return nil, fmt.Errorf("-weights %q, want int8 or int4", c.weights)
		}
		opts = append(opts, zen.WithWeights(format))
	}
	if c.kv != "" {
		kv, ok := map[string]zen.DType{"f32": zen.F32, "f16": zen.F16, "bf16": zen.BF16, "i8": zen.I8}[c.kv]
		if !ok {
			return nil, fmt.Errorf("-kv %q, want f32, f16, bf16 or i8", c.kv)
		}
		opts = append(opts, zen.WithKVType(kv))
	}
	m, err := zen.Load(ctx, c.model, opts...)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	r := &result{Model: c.model, Backend: c.backend, Device: m.Device(), Weights: c.weights, KV: c.kv, Sample: c.sample, Threads: c.threads, PP: c.pp, TG: c.tg, Depth: c.depth}
	r.LoadSeconds = time.Since(begin).Seconds()
	if err := r.prefill(ctx, m, c); err != nil {
		return nil, err
	}
	if err := r.decode(ctx, m, c); err != nil {
		return nil, err
	}
	if c.batch > 0 {
		if err := r.batch(ctx, m, c); err != nil {
			return nil, err
		}
	}
	r.Prefill, r.Decode = median(r.PrefillRuns), median(r.DecodeRuns)
	r.FirstToken = float64(c.pp) / r.Prefill
	cfg := m.Config()
	r.BytesPerToken = m.MemoryPlan().Weights
	if !cfg.TieWordEmbeddings { // a token reads one row of the embedding
		r.BytesPerToken -= int64(cfg.VocabSize) * int64(cfg.HiddenSize) * int64(cfg.DType.Size())
	}
	r.PeakRSS = peakRSS() // before the next line takes memory of its own
	if c.backend != "cpu" {
		return r, nil
	}
	read, err := cpu.ReadBandwidth(c.threads)
	if err != nil {
		return nil, err
	}
	r.ReadGBs = read / 1e9
	r.Share = r.Decode * float64(r.BytesPerToken) / 1e9 / r.ReadGBs
	return r, nil
}

// prefill times prompts into an empty session.
func (r *result) prefill(ctx context.Context, m *zen.Model, c config) error {
	for i := range c.n + 1 {
		s, err := m.NewSession()
		if err != nil {
			return err
		}
		begin := time.Now()
		_, err = s.Prefill(ctx, tokens(m, c.pp, i))
		took := time.Since(begin)
		if err := errorOf(err, s.Close()); err != nil {
			return err
		}
		if i > 0 { // the first warms up
			r.PrefillRuns = append(r.PrefillRuns, float64(c.pp)/took.Seconds())
		}
	}
	return nil
}

// decode times single tokens after a context of c.depth.
func (r *result) decode(ctx context.Context, m *zen.Model, c config) (err error) {
	decode, done, err := decoder(ctx, m, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	for i := range c.n + 1 {
		tokens := c.tg
		switch i {
		case 0:
			tokens = min(warmUp, c.tg)
		case 1:
			if err := startProfile(c.profile); err != nil {
				return err
			}
			defer pprof.StopCPUProfile()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		took, err := decode(tokens, i)
		if err != nil {
			return err
		}
		runtime.ReadMemStats(&after)
		if i > 0 {
			r.DecodeRuns = append(r.DecodeRuns, float64(c.tg)/took.Seconds())
			r.AllocsPerTok = float64(after.Mallocs-before.Mallocs) / float64(c.tg)
		}
	}
	return nil
}

// warmUp is the number of tokens decoded before those that count.
const warmUp = 8

// startProfile writes a CPU profile to path, unless it is empty, until it is stopped.
func startProfile(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return pprof.StartCPUProfile(f)
}

// tokens returns n ids that differ from run to run.
func tokens(m *zen.Model, n, run int) []int32 {
	vocab := m.Config().VocabSize
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32((i*7919 + run*104729 + 1) % vocab)
	}
	return ids
}

func median(runs []float64) float64 {
	s := slices.Sorted(slices.Values(runs))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func errorOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *result) print() {
	fmt.Printf("model        %s on %s, %d threads, loaded in %.2f s\n", r.Model, r.Backend, r.Threads, r.LoadSeconds)
	fmt.Printf("device       %s\n", r.Device)
	fmt.Printf("prefill %-5d %.1f tok/s, first token after %.2f s\n", r.PP, r.Prefill, r.FirstToken)
	fmt.Printf("decode %-6d %.2f tok/s at depth %d\n", r.TG, r.Decode, r.Depth)
	if r.Answers > 0 {
		fmt.Printf("batch %-6d  %.1f tok/s together, %.1f each, after %d tokens\n", r.Answers, r.Together, r.Together/float64(r.Answers), max(r.Depth, 1))
	}
	fmt.Printf("bandwidth    %.2f GB a token, %.1f GB/s", float64(r.BytesPerToken)/1e9, r.Decode*float64(r.BytesPerToken)/1e9)
	if r.ReadGBs > 0 {
		fmt.Printf(" of the %.1f GB/s this machine reads: %.0f %%", r.ReadGBs, 100*r.Share)
	}
	fmt.Println()
	fmt.Printf("allocations  %.1f a token, peak memory %.2f GB\n", r.AllocsPerTok, float64(r.PeakRSS)/1e9)
}
