// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/zenlm/zen"
)

// decoder returns a function that decodes n tokens after a context of c.depth and says
// how long that took: tokens given to a session, or those of an answer after its first.
func decoder(ctx context.Context, m *zen.Model, c config) (decode func(n, run int) (time.Duration, error), done func() error, err error) {
	switch c.sample {
	case "":
		return given(ctx, m, c)
	case "greedy", "sampled", "nucleus", "temperature":
	default:
		return nil, nil, fmt.Errorf("-sample %q, want greedy, sampled, nucleus or temperature", c.sample)
	}
	req := zen.Request{Tokens: tokens(m, max(c.depth, 1), 0), IgnoreEOS: true, Temperature: zen.Greedy()}
	if c.sample == "sampled" {
		req.Temperature, req.TopK, req.TopP, req.Seed = new(0.7), new(20), new(0.8), new(uint64(1))
	}
	if c.sample == "nucleus" { // few tokens, of random weights too
		req.Temperature, req.TopK, req.TopP, req.Seed = new(0.1), new(0), new(0.8), new(uint64(1))
	}
	if c.sample == "temperature" {
		req.Temperature, req.TopK, req.TopP, req.Seed = new(0.1), new(0), new(1.0), new(uint64(1))
	}
	decode = func(n, _ int) (time.Duration, error) {
		req.MaxTokens = n + 1
		r, err := m.Generate(ctx, req)
		if err != nil {
			return 0, err
		}
		return r.Timings.Decode, nil
	}
	return decode, func() error { return nil }, nil
}

// given decodes tokens that differ from run to run.
func given(ctx context.Context, m *zen.Model, c config) (decode func(n, run int) (time.Duration, error), done func() error, err error) {
	s, err := m.NewSession()
	if err != nil {
		return nil, nil, err
	}
	depth := max(c.depth, 1)
	if _, err := s.Prefill(ctx, tokens(m, depth, 0)); err != nil {
		return nil, nil, errorOf(err, s.Close())
	}
	decode = func(n, run int) (time.Duration, error) {
		next := tokens(m, n, run)
		begin := time.Now()
		for _, t := range next {
			if _, err := s.Next(ctx, t); err != nil {
				return 0, err
			}
		}
		took := time.Since(begin)
		return took, s.Truncate(depth)
	}
	return decode, s.Close, nil
}
