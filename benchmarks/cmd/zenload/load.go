// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zenlm/zen"
)

// load runs requests on a model and writes what they took.
type load struct {
	model *zen.Model
	out   io.Writer
}

// callers answers the same number of requests one after another and together.
func (l *load) callers(ctx context.Context, c config) error {
	for run, callers := range []int{1, c.n} {
		// Other tokens in each run, so that none is cached.
		err := l.measure(ctx, fmt.Sprintf("%d callers", callers), callers, c.n, c.tg, func(i int) []int32 {
			return tokens(l.model, 1000*run+i+1, c.pp)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// prefix answers questions after one beginning, of which only the first computes it.
func (l *load) prefix(ctx context.Context, c config) error {
	shared := tokens(l.model, 7, c.prefix)
	ask := func(i int) []int32 { return slices.Concat(shared, tokens(l.model, 9000+i, question)) }
	if err := l.measure(ctx, "first question", 1, 1, 1, ask); err != nil {
		return err
	}
	return l.measure(ctx, "later questions", 1, c.questions, 1, func(i int) []int32 { return ask(i + 1) })
}

// measure answers n requests of tg tokens each with some callers at a time.
func (l *load) measure(ctx context.Context, name string, callers, n, tg int, prompt func(int) []int32) error {
	var next atomic.Int64
	answers := make([]answer, n)
	var wg sync.WaitGroup
	begin := time.Now()
	for range callers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				answers[i] = l.stream(ctx, greedy(l.model, prompt(int(i)), tg), func(*answer) {})
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	var first, between times
	for _, a := range answers {
		if a.err != nil {
			return a.err
		}
		first = append(first, a.tokens[0].Sub(a.asked))
		between = append(between, a.gaps(a.asked, time.Now())...)
	}
	fmt.Fprintf(l.out, "%-16s %4d requests %8.1f tokens/s  first %v / %v  between %v / %v\n", name, n,
		float64(n*tg)/took.Seconds(), first.at(50), first.at(99), between.at(50), between.at(99))
	return nil
}

// answer is when the tokens of an answer came.
type answer struct {
	asked  time.Time
	tokens []time.Time
	err    error
}

// stream answers a request and calls got after each token.
func (l *load) stream(ctx context.Context, req zen.Request, got func(*answer)) answer {
	a := answer{asked: time.Now(), tokens: make([]time.Time, 0, req.MaxTokens)}
	for chunk, err := range l.model.Stream(ctx, req) {
		a.err = err
		for range chunk.Tokens {
			a.tokens = append(a.tokens, time.Now())
			got(&a)
		}
	}
	return a
}

// gaps returns the times between tokens, of which the later came in [from, to).
func (a *answer) gaps(from, to time.Time) (gaps times) {
	for i := 1; i < len(a.tokens); i++ {
		if t := a.tokens[i]; !t.Before(from) && t.Before(to) {
			gaps = append(gaps, t.Sub(a.tokens[i-1]))
		}
	}
	return gaps
}

// times are durations of one kind.
type times []time.Duration

// at returns a percentile, 0 where there are no times.
func (t times) at(percent int) time.Duration {
	if len(t) == 0 {
		return 0
	}
	slices.Sort(t)
	return round(t[(len(t)-1)*percent/100])
}

// String returns how many there are and where they lie.
func (t times) String() string {
	return fmt.Sprintf("%v (p50), %v (p99), %v at most, of %d", t.at(50), t.at(99), t.at(100), len(t))
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
