// SPDX-License-Identifier: Apache-2.0

// Command quantize writes a checkpoint with INT4 or INT8 weights, which then loads at
// once and in a quarter or half of the memory.
//
//	go run ./examples/quantize -weights int4 path/to/Qwen2.5-3B-Instruct path/to/new/folder
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/zenlm/zen"
)

func main() {
	weights := flag.String("weights", "int4", "int4 or int8")
	flag.Parse()
	if flag.NArg() != 2 {
		log.Fatal("usage: quantize [-weights int4|int8] checkpoint folder")
	}
	if err := quantize(context.Background(), os.Stdout, *weights, flag.Arg(0), flag.Arg(1)); err != nil {
		log.Fatal(err)
	}
}

func quantize(ctx context.Context, out io.Writer, weights, from, to string) error {
	format, ok := map[string]zen.DType{"int4": zen.Int4, "int8": zen.Int8}[weights]
	if !ok {
		return fmt.Errorf("-weights %q, want int4 or int8", weights)
	}
	before, err := zen.Plan(ctx, from)
	if err != nil {
		return err
	}
	shown := int64(-1)
	m, err := zen.Load(ctx, from, zen.WithWeights(format), zen.WithProgress(func(p zen.Progress) {
		if percent := 100 * p.Done / max(p.Total, 1); percent > shown {
			fmt.Fprintf(out, "\r%3d %%", percent)
			shown = percent
		}
	}))
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.Save(to); err != nil {
		return err
	}
	fmt.Fprintf(out, "\r%.3f GB of weights are now %.3f GB\n",
		float64(before.Weights)/1e9, float64(m.MemoryPlan().Weights)/1e9)
	return nil
}
