// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// quiet is how many tokens each stream gets before the long prompt comes.
const quiet = 32

// long reads one prompt while streams decode, and writes what that costs them, beside
// what a step of a whole chunk takes alone where it takes longest: at the prompt's end.
func (l *load) long(ctx context.Context, c config) error {
	streams := l.start(ctx, c.streams)
	defer streams.stop()
	prompt := tokens(l.model, 77, c.long)
	before, asked := l.model.Stats(), time.Now()
	resp, err := l.model.Generate(ctx, greedy(l.model, prompt, 1))
	if err != nil {
		return err
	}
	after, read := l.model.Stats(), time.Now()
	var alone, during times
	for _, a := range streams.stop() {
		switch {
		case a.err != nil:
			return a.err
		case len(a.tokens) == 0 || a.tokens[len(a.tokens)-1].Before(read):
			return errors.New("a stream ended before the prompt was read")
		}
		alone = append(alone, a.gaps(a.asked, asked)...)
		during = append(during, a.gaps(asked, read)...)
	}
	step, err := l.step(ctx, prompt[:max(0, c.long-c.chunk)], c.chunk)
	if err != nil {
		return err
	}
	fmt.Fprintf(l.out, "%d streams, a token after %s\n", c.streams, alone)
	fmt.Fprintf(l.out, "beside a prompt of %d, a token after %s\n", c.long, during)
	steps := after.Steps - before.Steps
	fmt.Fprintf(l.out, "the prompt: read after %v, in %d steps of %v on average\n",
		resp.Timings.Prefill.Round(time.Millisecond), steps, round((after.Busy-before.Busy)/time.Duration(steps)))
	fmt.Fprintf(l.out, "the budget: a step of %d of its last tokens takes %s\n", c.chunk, step)
	return nil
}

// step measures steps of n tokens after a prompt.
func (l *load) step(ctx context.Context, prompt []int32, n int) (steps times, err error) {
	s, err := l.model.NewSession()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if len(prompt) > 0 {
		if _, err := s.Prefill(ctx, prompt); err != nil {
			return nil, err
		}
	}
	for i := range 5 {
		begin := time.Now()
		if _, err := s.Prefill(ctx, tokens(l.model, 100+i, n)); err != nil {
			return nil, err
		}
		steps = append(steps, time.Since(begin))
		if err := s.Truncate(len(prompt)); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

// streams are endless answers at work.
type streams struct {
	cancel  context.CancelFunc
	answers []answer
	ended   sync.WaitGroup
}

// start begins n streams and waits until each has got some tokens.
func (l *load) start(ctx context.Context, n int) *streams {
	s := &streams{answers: make([]answer, n)}
	ctx, s.cancel = context.WithCancel(ctx)
	var warm sync.WaitGroup
	warm.Add(n)
	for i := range n {
		s.ended.Go(func() {
			warm := sync.OnceFunc(warm.Done)
			defer warm()
			prompt := tokens(l.model, 500+i, 8)
			s.answers[i] = l.stream(ctx, greedy(l.model, prompt, l.model.ContextLength()-len(prompt)), func(a *answer) {
				if len(a.tokens) == quiet {
					warm()
				}
			})
		})
	}
	warm.Wait()
	return s
}

// stop ends the streams and returns what they got. It may be called again.
func (s *streams) stop() []answer {
	s.cancel()
	s.ended.Wait()
	for i, a := range s.answers {
		if errors.Is(a.err, context.Canceled) {
			s.answers[i].err = nil
		}
	}
	return s.answers
}
