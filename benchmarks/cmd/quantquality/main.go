// SPDX-License-Identifier: Apache-2.0

// Quantquality prints what each format of weights costs: the error of matrices, and,
// for zen-nano, how far its predictions move.
//
//	go run ./benchmarks/cmd/quantquality
//
// The formats are quant's INT8 and INT4 and, on the same weights, ggml's Q8_0 and
// Q4_0. Each matrix is brought into the format and back to float32, and everything
// else is computed in float32, so that the weights' rounding is all that is measured.
// A bound is a format with the best scales that there are.
// The last rows are the formats as zen runs them, with activations in int8.
package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"

	"github.com/zenlm/zen/tensor"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "quantquality:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	fmt.Println("Relative error, the root of Σ(w - q)² / Σw², in percent")
	fmt.Printf("\n%-10s %6s", "format", "bits")
	matrices := append(randomMatrices(), nanoMatrices()...)
	for _, m := range matrices {
		fmt.Printf(" %14s", m.name)
	}
	fmt.Println()
	for _, f := range formats() {
		errorRow(ctx, f, matrices)
	}
	for _, f := range bounds() {
		errorRow(ctx, f, randomMatrices())
	}
	return nanoTable(ctx)
}

func errorRow(ctx context.Context, f format, matrices []matrix) {
	fmt.Printf("%-10s %6.2f", f.name, f.bits)
	for _, m := range matrices {
		fmt.Printf(" %14.3f", 100*m.relativeError(ctx, f))
	}
	fmt.Println()
}

// matrix is weights whose error is measured.
type matrix struct {
	name string
	all  []*tensor.Tensor // of F32
}

// randomMatrices are normal weights, and weights whose tails are those of Student's
// distribution of 4 degrees of freedom.
func randomMatrices() []matrix {
	const out, in = 512, 2048
	rng := rand.New(rand.NewPCG(1, 0))
	normal, heavy := make([]float32, out*in), make([]float32, out*in)
	for i := range normal {
		normal[i] = float32(0.02 * rng.NormFloat64())
		chi := 0.0
		for range 4 {
			v := rng.NormFloat64()
			chi += v * v
		}
		heavy[i] = float32(0.02 * rng.NormFloat64() / math.Sqrt(chi/4))
	}
	return []matrix{
		{"normal", []*tensor.Tensor{tensor.FromFloat32(normal, out, in)}},
		{"heavy-tailed", []*tensor.Tensor{tensor.FromFloat32(heavy, out, in)}},
	}
}

func (m matrix) relativeError(ctx context.Context, f format) float64 {
	diff, total := 0.0, 0.0
	for _, t := range m.all {
		want, got := tensor.Slice[float32](t), tensor.Slice[float32](f.round(ctx, t))
		for i, w := range want {
			d := float64(w) - float64(got[i])
			diff += d * d
			total += float64(w) * float64(w)
		}
	}
	return math.Sqrt(diff / total)
}
