// SPDX-License-Identifier: Apache-2.0

// Zenload measures many callers at once: the same requests one after another and
// together, and questions after one long beginning with and without reuse.
//
//	zenload -model DIR -int4 -n 16 -pp 64 -tg 32 -prefix 2000
//
// It prints tokens/s of the answers, and the median and 99th percentile of the
// time to the first token and between tokens.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/zenlm/zen"
)

func main() {
	var c config
	flag.StringVar(&c.model, "model", "", "folder of the checkpoint")
	flag.BoolVar(&c.int4, "int4", false, "quantise to INT4 at load")
	flag.IntVar(&c.n, "n", 32, "requests")
	flag.IntVar(&c.pp, "pp", 64, "tokens of a prompt")
	flag.IntVar(&c.tg, "tg", 32, "tokens of an answer")
	flag.IntVar(&c.prefix, "prefix", 2000, "tokens of the shared beginning")
	flag.Parse()
	if err := c.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "zenload:", err)
		os.Exit(1)
	}
}

type config struct {
	model             string
	int4              bool
	n, pp, tg, prefix int
}

func (c config) run(ctx context.Context) error {
	opts := []zen.Option{zen.WithContext(4096), zen.WithBatch(c.n)}
	if c.int4 {
		opts = append(opts, zen.WithWeights(zen.Int4))
	}
	m, err := zen.Load(ctx, c.model, opts...)
	if err != nil {
		return err
	}
	defer m.Close()
	for run, callers := range []int{1, c.n} {
		// Other tokens in each run, so that none is cached.
		if err := c.measure(ctx, m, fmt.Sprintf("%d callers", callers), callers, func(i int) []int32 {
			return tokens(m, 1000*run+i+1, c.pp)
		}, c.n, c.tg); err != nil {
			return err
		}
	}
	shared := tokens(m, 7, c.prefix)
	question := func(i int) []int32 { return append(slices.Clone(shared), tokens(m, 9000+i, 16)...) }
	if err := c.measure(ctx, m, "first question", 1, question, 1, 1); err != nil {
		return err
	}
	return c.measure(ctx, m, "later questions", 1, func(i int) []int32 { return question(i + 1) }, 50, 1)
}

// measure answers n requests with some callers at a time.
func (c config) measure(ctx context.Context, m *zen.Model, name string, callers int, prompt func(int) []int32, n, tg int) error {
	var mu sync.Mutex
	var first, between []time.Duration
	var failed error
	next := 0
	var wg sync.WaitGroup
	begin := time.Now()
	for range callers {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= n {
					return
				}
				latest, count := time.Now(), 0
				for chunk, err := range m.Stream(ctx, zen.Request{Tokens: prompt(i), MaxTokens: tg, Temperature: zen.Greedy(), IgnoreEOS: true, Logprobs: true}) {
					now := time.Now()
					mu.Lock()
					if err != nil {
						failed = err
					} else if count == 0 {
						first = append(first, now.Sub(latest))
					} else {
						between = append(between, now.Sub(latest))
					}
					mu.Unlock()
					count += len(chunk.Tokens)
					latest = now
				}
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	fmt.Printf("%-16s %4d requests %8.1f tokens/s  first %v / %v  between %v / %v\n", name, n,
		float64(n*tg)/time.Since(begin).Seconds(), at(first, 50), at(first, 99), at(between, 50), at(between, 99))
	return nil
}

// at returns a percentile.
func at(d []time.Duration, percent int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[(len(d)-1)*percent/100].Round(100 * time.Microsecond)
}

// tokens returns n ids that depend on seed.
func tokens(m *zen.Model, seed, n int) (ids []int32) {
	vocab := m.Config().VocabSize
	for i := range n {
		ids = append(ids, int32((seed*7919+i*104729+i*i%97)%vocab))
	}
	return ids
}
