// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/sampling"
)

// period is after how many tokens the text of the second part repeats itself.
const period = 12

// follower picks the tokens of a text whatever the logits say, after the work of
// picking greedily.
type follower struct{ next func(length int) int32 }

func (f follower) Sample(logits []float32, s *sampling.State) (int32, error) {
	if _, err := (sampling.Greedy{}).Sample(logits, s); err != nil {
		return 0, err
	}
	return f.next(len(s.Tokens)), nil
}

// costs times steps that feed a token and some drafts, all of which come true.
func costs(ctx context.Context, out io.Writer, path string, count, n int) error {
	m, err := load(ctx, path)
	if err != nil {
		return err
	}
	defer m.Close()
	name := "zen-nano"
	if path != "" {
		name = fmt.Sprintf("hidden_size %d, %d layers", m.Config().HiddenSize, m.Config().NumHiddenLayers)
	}
	fmt.Fprintf(out, "%s, steps of a token and drafts that come true\n", name)
	limits := []int{0, 1, 2, 3, 4, 6, 8, 12, 16}
	steps := make([][]float64, len(limits)) // seconds, of each run
	drafts := make([]float64, len(limits))  // of a step: the first ones are shorter
	for i := range n + 1 {                  // the first warms up; in turns, since the machine's speed may change
		for j, limit := range limits {
			step, perStep, err := timeStep(ctx, m, limit, (limit+1)*count)
			if err != nil {
				return err
			}
			if drafts[j] = perStep; i > 0 {
				steps[j] = append(steps[j], step.Seconds())
			}
		}
	}
	one := median(steps[0])
	for j := range limits {
		step := median(steps[j])
		fmt.Fprintf(out, "%4.1f drafts: %7.2f ms a step, %.2f of one token's", drafts[j], 1e3*step, step/one)
		if j > 0 {
			needed := step/one - 1
			fmt.Fprintf(out, "; pays from %.2f that come true, %.0f %%; all: %.2f times the rate",
				needed, 100*needed/drafts[j], (drafts[j]+1)*one/step)
		}
		fmt.Fprintln(out)
	}
	return nil
}

// timeStep returns the time of a step with at most limit drafts, and how many it had.
func timeStep(ctx context.Context, m *zen.Model, limit, tokens int) (step time.Duration, drafts float64, err error) {
	next := func(length int) int32 { return int32(100 + length%period) }
	prompt := make([]int32, 10*period)
	for i := range prompt {
		prompt[i] = next(i)
	}
	before := m.Stats()
	r, err := m.Generate(ctx, zen.Request{Tokens: prompt, MaxTokens: tokens, IgnoreEOS: true,
		Sampler: follower{next}, DraftTokens: &limit})
	if err != nil {
		return 0, 0, err
	}
	after := m.Stats()
	drafted, accepted := after.DraftTokens-before.DraftTokens, after.AcceptedTokens-before.AcceptedTokens
	if drafted != accepted {
		return 0, 0, fmt.Errorf("%d of %d drafts came true, want all", accepted, drafted)
	}
	steps := after.Steps - before.Steps - 1 // the prompt's
	return r.Timings.Decode / time.Duration(steps), float64(drafted) / float64(steps), nil
}
