// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

var soak = flag.Int("soak", 400, "requests of TestSoak")

// caller makes random requests of all kinds.
type caller struct {
	model *zen.Model
	rng   *rand.Rand
}

// once makes one request, which may be given up at a random point.
func (c *caller) once() error {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	switch c.rng.IntN(5) {
	case 0:
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.rng.IntN(5000))*time.Microsecond)
		defer cancel()
	case 1:
		timer := time.AfterFunc(time.Duration(c.rng.IntN(5000))*time.Microsecond, cancel)
		defer timer.Stop()
	}
	prompt := numbered(c.rng.IntN(6), 1+c.rng.IntN(120))
	switch c.rng.IntN(8) {
	case 0:
		_, err := c.model.EmbedTokens(ctx, [][]int32{prompt, prompt[:1], numbered(7, 40)}, zen.EmbedOptions{})
		return err
	case 1:
		_, err := c.model.ScoreTokens(ctx, prompt, numbered(3, 9))
		return err
	case 2:
		return c.session(ctx, prompt)
	}
	req := zen.Request{Tokens: prompt, MaxTokens: 1 + c.rng.IntN(130), Priority: c.rng.IntN(2),
		Temperature: new(float64(c.rng.IntN(3))), Seed: new(c.rng.Uint64()), Logprobs: c.rng.IntN(3) == 0, IgnoreEOS: true}
	if c.rng.IntN(2) == 0 {
		_, err := c.model.Generate(ctx, req)
		return err
	}
	for chunk, err := range c.model.Stream(ctx, req) {
		if err != nil || c.rng.IntN(40) == 0 || chunk.FinishReason != "" {
			return err
		}
	}
	return errors.New("a stream without an end")
}

func (c *caller) session(ctx context.Context, prompt []int32) error {
	s, err := c.model.NewSession()
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Prefill(ctx, prompt); err != nil {
		return err
	}
	f, err := s.Fork()
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Next(ctx, 1); err != nil {
		return err
	}
	return f.Truncate(1)
}

// rss returns the memory of the process in bytes, or 0 where the system does not
// say.
func rss() (kb int) {
	runtime.GC()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if _, err := fmt.Sscanf(string(line), "VmRSS: %d kB", &kb); err == nil {
			break
		}
	}
	return kb << 10
}

// Many callers with a small cache and a short queue, who give up at any point:
// every request ends with a result or an error they can tell, and nothing is left
// behind. go test -run Soak -soak 10000 . makes it long.
func TestSoak(t *testing.T) {
	fresh := zentest.Model(t)
	goroutines := runtime.NumGoroutine()
	m, err := zen.LoadFS(t.Context(), zentest.FS(), ".", zen.WithContext(256), zen.WithKVBudget(14*pageBytes),
		zen.WithQueue(10), zen.WithBatch(5), zen.WithPrefill(24), zen.WithDrafts(3))
	require.NoError(t, err)
	var results, overloaded, cancelled, left atomic.Int64
	left.Store(int64(*soak))
	work := func(seed int) {
		c := caller{m, rand.New(rand.NewPCG(uint64(seed), 5))}
		for left.Add(-1) >= 0 {
			switch err := c.once(); {
			case err == nil:
				results.Add(1)
			case errors.Is(err, zen.ErrOverloaded):
				overloaded.Add(1)
				time.Sleep(time.Duration(c.rng.IntN(12)) * time.Millisecond)
			case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
				cancelled.Add(1)
			default:
				t.Error(err)
			}
		}
	}
	var early int
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() { work(i) })
	}
	for left.Load() > int64(*soak)*3/4 { // all is warm by then
		time.Sleep(time.Millisecond)
	}
	early = rss()
	wg.Wait()
	s := m.Stats()
	t.Logf("%d results, %d overloaded, %d cancelled, %d preemptions, hit rate %.2f, %d of %d drafts, RSS %+d kB",
		results.Load(), overloaded.Load(), cancelled.Load(), s.Preemptions, s.HitRate(), s.AcceptedTokens, s.DraftTokens, (rss()-early)>>10)
	require.EqualValues(t, *soak, results.Load()+overloaded.Load()+cancelled.Load())
	require.Positive(t, results.Load())
	if *soak >= 2000 { // a short one may not come to all of it
		for _, n := range []int64{overloaded.Load(), cancelled.Load(), s.Preemptions, s.CachedTokens, s.DraftTokens} {
			require.Positive(t, n)
		}
	}
	require.Less(t, rss()-early, 24<<20)
	require.Eventually(t, func() bool { return m.Stats().KVPagesUsed == 0 }, time.Second, time.Millisecond)
	require.Zero(t, m.Stats().Running+m.Stats().Waiting)
	sound(t, m, fresh)
	require.NoError(t, m.Close())
	for deadline := time.Now().Add(time.Second); runtime.NumGoroutine() > goroutines && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond) // a timer's or a context's may be about to end
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
}

// sound compares an answer of a model with that of a fresh one.
func sound(t *testing.T, m, fresh *zen.Model) {
	t.Helper()
	req := zen.Request{Tokens: slices.Concat(numbered(2, 100), numbered(3, 9)), MaxTokens: 60, IgnoreEOS: true}
	want := generate(t, fresh, req)
	require.Equal(t, want.Tokens, generate(t, m, req).Tokens)
}
