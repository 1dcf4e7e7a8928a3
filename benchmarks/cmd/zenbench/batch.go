// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/zenlm/zen"
)

// batch times c.batch answers at once, their tokens a second together: those of answers of 3·c.tg
// tokens, less what answers of c.tg take with the same prompts of c.depth tokens.
func (r *result) batch(ctx context.Context, m *zen.Model, c config) error {
	var took [2]time.Duration
	for run := range 2 { // the first warms up
		for i, n := range []int{c.tg, 3 * c.tg} {
			begin := time.Now()
			if err := answers(ctx, m, c, n, 2*run+i); err != nil {
				return err
			}
			took[i] = time.Since(begin)
		}
	}
	r.Answers, r.Together = c.batch, float64(2*c.tg*c.batch)/(took[1]-took[0]).Seconds()
	return nil
}

// answers waits for c.batch answers of n tokens.
func answers(ctx context.Context, m *zen.Model, c config, n, run int) error {
	errs := make([]error, c.batch)
	var wg sync.WaitGroup
	for i := range c.batch {
		wg.Go(func() {
			req := zen.Request{Tokens: tokens(m, max(c.depth, 1), 1000*run+i), MinTokens: n, MaxTokens: n, Temperature: &c.temperature}
			if c.temperature > 0 { // the settings of Qwen2.5's generation_config.json
				req.TopK, req.TopP, req.RepetitionPenalty = new(20), new(0.8), new(1.05)
			}
			r, err := m.Generate(ctx, req)
			if err == nil && len(r.Tokens) != n {
				err = fmt.Errorf("an answer of %d tokens, want %d", len(r.Tokens), n)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errorOf(errs...)
}
