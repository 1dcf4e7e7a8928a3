// SPDX-License-Identifier: Apache-2.0

// Zenload measures many callers at once. Each flag in brackets leaves a part out
// when it is 0:
//
//	[-n]       requests of -pp tokens and -tg of answer, one after another and together
//	[-prefix]  -questions after one beginning of that many tokens
//	[-long]    -streams answers while a prompt of that many tokens is read
//
//	zenload -model DIR -weights int4 -n 16 -pp 64 -tg 32 -prefix 2000 -long 32000
//
// It prints tokens/s of the answers, and the median and 99th percentile of the
// time to the first token and between tokens. Without a model it runs zen-nano,
// whose context is 512 tokens.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"

	_ "github.com/zenlm/zen/cuda"
)

func main() {
	if err := run(context.Background(), os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "zenload:", err)
		os.Exit(1)
	}
}

// config is the flags.
type config struct {
	model, backend, weights string
	chunk, kv               int

	n, pp, tg         int
	prefix, questions int
	long, streams     int
}

// question is the number of tokens after a shared beginning.
const question = 16

func run(ctx context.Context, out io.Writer, args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	m, err := c.load(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	l := &load{model: m, out: out}
	for _, part := range []struct {
		size int
		run  func(context.Context, config) error
	}{{c.n, l.callers}, {c.prefix, l.prefix}, {c.long, l.long}} {
		if part.size == 0 {
			continue
		}
		if err := part.run(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// parse returns the flags of a command line.
func parse(args []string) (c config, err error) {
	fs := flag.NewFlagSet("zenload", flag.ContinueOnError)
	fs.StringVar(&c.model, "model", "", "folder of the checkpoint, empty for zen-nano")
	fs.StringVar(&c.backend, "backend", "cpu", "backend to run on")
	fs.StringVar(&c.weights, "weights", "", "int8 or int4 to quantise at load, empty for the checkpoint's")
	fs.IntVar(&c.chunk, "chunk", 128, "most prompt tokens of one step")
	fs.IntVar(&c.kv, "kv", 4, "GiB of keys and values at most; 0 for zen's default")
	fs.IntVar(&c.n, "n", 32, "requests; 0 for none")
	fs.IntVar(&c.pp, "pp", 64, "tokens of their prompts")
	fs.IntVar(&c.tg, "tg", 32, "tokens of their answers")
	fs.IntVar(&c.prefix, "prefix", 0, "tokens of a shared beginning; 0 for none")
	fs.IntVar(&c.questions, "questions", 50, "questions after it")
	fs.IntVar(&c.long, "long", 0, "tokens of a prompt read beside streams; 0 for none")
	fs.IntVar(&c.streams, "streams", 4, "streams beside it")
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	if fs.NArg() > 0 {
		return c, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if least := min(c.kv, c.n, c.prefix, c.long); least < 0 {
		return c, fmt.Errorf("-kv, -n, -prefix or -long is %d, want at least 0", least)
	}
	if least := min(c.chunk, c.pp, c.tg, c.questions, c.streams); least < 1 {
		return c, fmt.Errorf("-chunk, -pp, -tg, -questions or -streams is %d, want at least 1", least)
	}
	return c, nil
}

// load loads the model with a context for the longest text.
func (c config) load(ctx context.Context) (*zen.Model, error) {
	opts := []zen.Option{
		zen.WithBackend(c.backend), zen.WithBatch(max(c.n, c.streams+1)), zen.WithPrefill(c.chunk),
		zen.WithContext(max(c.pp+c.tg, c.prefix+question+1, c.long+1)),
	}
	if c.kv > 0 {
		opts = append(opts, zen.WithKVBudget(int64(c.kv)<<30))
	}
	if c.weights != "" {
		format, ok := map[string]zen.DType{"int8": zen.Int8, "int4": zen.Int4}[c.weights]
		if !ok {
			return nil, fmt.Errorf("-weights %q, want int8 or int4", c.weights)
		}
		opts = append(opts, zen.WithWeights(format))
	}
	if c.model == "" {
		return nano.Load(ctx, opts...)
	}
	return zen.Load(ctx, c.model, opts...)
}

// tokens returns n ids that depend on seed.
func tokens(m *zen.Model, seed, n int) []int32 {
	vocab := m.Config().VocabSize
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32((seed*7919 + i*104729 + i*i%97) % vocab)
	}
	return ids
}

// greedy returns a request for exactly n tokens after a prompt, whose answer gives out
// each token as it comes. Where there is a tokenizer, one without text would come
// with the next: log-probabilities prevent that. They cost the way of every row of
// logits to the host; take tokenizer.json out of the folder to measure a GPU.
func greedy(m *zen.Model, prompt []int32, n int) zen.Request {
	return zen.Request{Tokens: slices.Clone(prompt), MaxTokens: n, Temperature: zen.Greedy(), IgnoreEOS: true,
		Logprobs: m.Tokenizer() != nil}
}
