// SPDX-License-Identifier: Apache-2.0

// Zendraft measures drafts by prompt lookup (zen.WithDrafts): what zen-nano gains from
// them on requests whose answers repeat spans of their prompts, and what a step with
// drafts costs on any checkpoint.
//
//	zendraft -model DIR -drafts 8 -n 5
//
// The second part makes every draft come true, with a sampler that follows a text
// which repeats itself. From its figures follows how many drafts have to come true for
// a step with them to be worth its time: with random weights too, which copy nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
)

func main() {
	if err := run(context.Background(), os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "zendraft:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	fs := flag.NewFlagSet("zendraft", flag.ContinueOnError)
	model := fs.String("model", "", "folder of the checkpoint whose steps are timed, empty for zen-nano")
	drafts := fs.Int("drafts", 8, "most tokens to guess ahead of zen-nano's answers")
	steps := fs.Int("steps", 16, "about how many steps of each kind to time, at least 2")
	n := fs.Int("n", 5, "runs of each, of which the median counts")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *drafts < 1 || *n < 1 || *steps < 2 {
		return fmt.Errorf("-drafts %d, -n %d and -steps %d, want at least 1, 1 and 2", *drafts, *n, *steps)
	}
	if err := quotes(ctx, out, *drafts, *n); err != nil {
		return err
	}
	return costs(ctx, out, *model, *steps, *n)
}

// load loads a checkpoint or, without a path, zen-nano. Prompts are computed in every
// run.
func load(ctx context.Context, path string) (*zen.Model, error) {
	opts := []zen.Option{zen.WithPrefixReuse(false), zen.WithBatch(1)}
	if path == "" {
		return nano.Load(ctx, opts...)
	}
	return zen.Load(ctx, path, append(opts, zen.WithContext(1024))...)
}
