// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/sampling"
	"github.com/zenlm/zen/zentest"
)

// pageBytes is a page of zen-pico's KV cache.
const pageBytes = 16384

// numbered returns n tokens that depend on seed.
func numbered(seed, n int) (tokens []int32) {
	for i := range n {
		tokens = append(tokens, int32((seed*131+i*7+i*i%11)%509))
	}
	return tokens
}

// stripped returns a response without what may differ between equal answers.
func stripped(r *zen.Response) zen.Response {
	c := *r
	c.Timings, c.Usage.CachedTokens = zen.Timings{}, 0
	return c
}

// questions are requests with and without a common beginning, greedy and sampled.
func questions() (all []zen.Request) {
	document := numbered(1, 150)
	for i := range 12 {
		tokens := slices.Concat(document[:150-i%3*40], numbered(i, 5+i*9))
		req := zen.Request{Tokens: tokens, MaxTokens: 20 + i, IgnoreEOS: true, Logprobs: true, TopLogprobs: 2}
		if i%2 == 0 {
			req.Temperature, req.Seed = new(1.2), new(uint64(i))
			req.RepetitionPenalty = new(1.1)
		}
		all = append(all, req)
	}
	return all
}

// alone answers each request on a model that shares nothing.
func alone(t *testing.T, requests []zen.Request) (want []zen.Response) {
	m := zentest.Model(t, zen.WithPrefixReuse(false), zen.WithBatch(1), zen.WithPrefill(512))
	for _, req := range requests {
		r := generate(t, m, req)
		require.Zero(t, r.Usage.CachedTokens)
		want = append(want, stripped(r))
	}
	require.Zero(t, m.Stats().KVPagesIdle)
	return want
}

// together answers all requests at once, some rounds, and compares.
func together(t *testing.T, m *zen.Model, requests []zen.Request, want []zen.Response) {
	for range 3 {
		var wg sync.WaitGroup
		for i, req := range requests {
			wg.Go(func() {
				r, err := m.Generate(t.Context(), req)
				if err != nil {
					t.Error(i, err)
				} else if got := stripped(r); fmt.Sprint(got) != fmt.Sprint(want[i]) {
					t.Errorf("request %d:\n%v, want\n%v", i, got, want[i])
				}
			})
		}
		wg.Wait()
	}
	require.Zero(t, m.Stats().KVPagesUsed)
}

func TestReuseDoesNotChangeTheAnswer(t *testing.T) {
	requests := questions()
	want := alone(t, requests)
	for _, chunk := range []int{1, 7, 32, 50, 512} {
		m := zentest.Model(t, zen.WithPrefill(chunk))
		together(t, m, requests, want)
		s := m.Stats()
		require.Positive(t, s.CachedTokens)
		require.Positive(t, s.KVPagesIdle)
		require.Greater(t, s.HitRate(), 0.5)
	}
}

func TestCachedTokensAreThoseSkipped(t *testing.T) {
	m := zentest.Model(t)
	req := zen.Request{Tokens: numbered(1, 128), MaxTokens: 2, IgnoreEOS: true}
	require.Zero(t, generate(t, m, req).Usage.CachedTokens)
	before := m.Stats().StepTokens
	r := generate(t, m, req)
	require.Equal(t, 96, r.Usage.CachedTokens, "the last position is computed for its logits, and with it its page")
	require.EqualValues(t, 128-96+1, m.Stats().StepTokens-before)
	req.Tokens = append(slices.Clone(req.Tokens), 5)
	require.Equal(t, 128, generate(t, m, req).Usage.CachedTokens)
	req.Tokens[70]++
	require.Equal(t, 64, generate(t, m, req).Usage.CachedTokens)

	off := zentest.Model(t, zen.WithPrefixReuse(false))
	for range 2 {
		require.Zero(t, generate(t, off, req).Usage.CachedTokens)
	}
}

// Requests that come at once with the same beginning compute it once.
func TestABeginningIsComputedOnce(t *testing.T) {
	m := zentest.Model(t, zen.WithPrefill(64))
	document := numbered(1, 320)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			_, err := m.Generate(t.Context(), zen.Request{Tokens: append(slices.Clone(document), int32(i), 1, 2), MaxTokens: 1})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Less(t, m.Stats().StepTokens, int64(320+16*3+64))
}

// A cache that holds a fraction of what the requests grow to: they give way to one
// another and end as if alone.
func TestPreemptionDoesNotChangeTheAnswer(t *testing.T) {
	var requests []zen.Request
	for i := range 10 {
		req := zen.Request{Tokens: numbered(i, 10+i), MaxTokens: 150, IgnoreEOS: true, Temperature: new(1.0), Seed: new(uint64(i)), Logprobs: true}
		if i%3 == 0 {
			req.DraftTokens = new(4)
		}
		requests = append(requests, req)
	}
	want := alone(t, requests)
	for _, reuse := range []bool{true, false} {
		m := zentest.Model(t, zen.WithContext(192), zen.WithKVBudget(13*pageBytes), zen.WithPrefill(24), zen.WithPrefixReuse(reuse))
		together(t, m, requests, want)
		require.Positive(t, m.Stats().Preemptions)
	}
}

func TestDraftsDoNotChangeTheAnswer(t *testing.T) {
	repeating := slices.Repeat(numbered(3, 20), 6)
	var requests []zen.Request
	for i := range 8 {
		req := zen.Request{Tokens: repeating[:60+7*i], MaxTokens: 60, IgnoreEOS: true, Logprobs: true}
		if i%2 == 0 {
			req.Temperature, req.Seed = new(0.7), new(uint64(i))
			req.FrequencyPenalty, req.RepetitionPenalty = 0.2, new(1.05)
		}
		requests = append(requests, req)
	}
	whole := generate(t, zentest.Model(t), requests[1])
	requests[3].Stop = []string{whole.Text[len(whole.Text)/2:][:6]}
	want := alone(t, requests)
	for i := range requests {
		requests[i].DraftTokens = new(1 + i)
	}
	m := zentest.Model(t, zen.WithPrefill(40))
	together(t, m, requests, want)
	s := m.Stats()
	require.Positive(t, s.DraftTokens)
	require.Positive(t, s.AcceptedTokens)
	require.Greater(t, s.DraftTokens, s.AcceptedTokens, "some are refused, too")

	all := zentest.Model(t, zen.WithDrafts(8))
	for i := range requests {
		requests[i].DraftTokens = nil
	}
	together(t, all, requests, want)
	require.Positive(t, all.Stats().AcceptedTokens)
	_, err := m.Generate(t.Context(), zen.Request{Prompt: "a", DraftTokens: new(-1)})
	require.ErrorContains(t, err, "draft_tokens: -1 is negative")
}

// An answer that repeats itself takes fewer steps with drafts.
func TestDraftsSaveSteps(t *testing.T) {
	req := zen.Request{Tokens: slices.Repeat(numbered(3, 10), 5), MaxTokens: 60, IgnoreEOS: true}
	req.LogitBias = map[int32]float64{7: 100} // it says one thing over and over
	steps := func(drafts int) int64 {
		m := zentest.Model(t)
		req.DraftTokens = new(drafts)
		generate(t, m, req)
		return m.Stats().Steps
	}
	require.Less(t, 3*steps(16), steps(0))
}

func TestHigherPrioritiesGoFirst(t *testing.T) {
	m := zentest.Model(t, zen.WithBatch(1))
	var order []int // of the engine's goroutine
	started, gate := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	ask := func(priority int, sample func()) {
		wg.Go(func() {
			sampler := badSampler(func([]float32) (int32, error) {
				sample()
				order = append(order, priority)
				return 1, nil
			})
			_, err := m.Generate(t.Context(), zen.Request{Prompt: "a", MaxTokens: 1, Priority: priority, Sampler: sampler})
			if err != nil {
				t.Error(err)
			}
		})
	}
	ask(9, func() { close(started); <-gate }) // holds the one place
	<-started
	for i, priority := range []int{0, 0, 5, 1} {
		ask(priority, func() {})
		require.Eventually(t, func() bool { return m.Stats().Waiting == i+1 }, 5*time.Second, 100*time.Microsecond)
	}
	close(gate)
	wg.Wait()
	require.Equal(t, []int{9, 5, 1, 0, 0}, order)
}

func TestFullQueueWithPreemptedRequestsIsStillOverloaded(t *testing.T) {
	m := zentest.Model(t, zen.WithContext(128), zen.WithKVBudget(4*pageBytes), zen.WithQueue(2), zen.WithBatch(4))
	var wg sync.WaitGroup
	var mu sync.Mutex
	ends := map[string]int{}
	for range 40 {
		wg.Go(func() {
			r, err := m.Generate(t.Context(), greedy(100))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && r.Usage.CompletionTokens == 100:
				ends["answer"]++
			case errors.Is(err, zen.ErrOverloaded):
				ends["overloaded"]++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 40, ends["answer"]+ends["overloaded"])
	require.GreaterOrEqual(t, ends["answer"], 2)
	require.Zero(t, m.Stats().KVPagesUsed)
}

func ExampleModel_Stats() {
	ctx := context.Background()
	m, err := zen.LoadFS(ctx, zentest.FS(), ".")
	if err != nil {
		panic(err)
	}
	defer m.Close()
	// snippet: stats
	stats := expvar.Func(func() any { return m.Stats() }) // expvar.Publish("zen", stats)
	// end: stats
	if _, err := m.Generate(ctx, zen.Request{Prompt: "the rain in", MaxTokens: 3}); err != nil {
		panic(err)
	}
	fmt.Println(strings.HasPrefix(stats.String(), `{"running":0,"waiting":0,"requests":1,`))
	// Output: true
}

func ExampleWithPrefixReuse() {
	ctx := context.Background()
	m, err := zen.LoadFS(ctx, zentest.FS(), ".") // reuse is on
	if err != nil {
		panic(err)
	}
	defer m.Close()
	document := make([]int32, 200)
	for _, question := range []int32{5, 6} {
		r, err := m.Generate(ctx, zen.Request{Tokens: append(document, question), MaxTokens: 1})
		if err != nil {
			panic(err)
		}
		fmt.Println(r.Usage.CachedTokens, "of", r.Usage.PromptTokens)
	}
	// Output:
	// 0 of 201
	// 192 of 201
}

func ExampleWithDrafts() {
	ctx := context.Background()
	m, err := zen.LoadFS(ctx, zentest.FS(), ".", zen.WithDrafts(8))
	if err != nil {
		panic(err)
	}
	defer m.Close()
	req := zen.Request{Prompt: "the rain in", MaxTokens: 40, Temperature: zen.Greedy(), IgnoreEOS: true}
	guessed, err := m.Generate(ctx, req)
	if err != nil {
		panic(err)
	}
	req.DraftTokens = new(int) // this one without
	plain, err := m.Generate(ctx, req)
	if err != nil {
		panic(err)
	}
	fmt.Println(guessed.Text == plain.Text)
	// Output: true
}

// stepSampler picks greedily and notes the step of each token.
type stepSampler struct {
	model *zen.Model
	steps []int64
	at    map[int]func() // called with the token of that number, inside its step
}

func (s *stepSampler) Sample(logits []float32, state *zen.State) (int32, error) {
	s.steps = append(s.steps, s.model.Stats().Steps)
	if f := s.at[len(s.steps)]; f != nil {
		f()
	}
	return sampling.Greedy{}.Sample(logits, state)
}

// While zen-nano reads a prompt of some hundred tokens, each of the streams beside it
// gets a token in every step, and no step has more rows than the chunk.
func TestStreamsGetATokenInEveryStepOfALongPrompt(t *testing.T) {
	const chunk, long, streams = 16, 400, 3
	m, err := nano.Load(t.Context(), zen.WithPrefill(chunk))
	require.NoError(t, err)
	defer m.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	// submit asks from inside a step, and returns once the request is queued.
	submit := func(f func(), waiting int) {
		wg.Go(f)
		for m.Stats().Waiting < waiting {
			runtime.Gosched()
		}
	}
	stream := func(s *stepSampler) {
		_, err := m.Generate(ctx, zen.Request{Prompt: "a", MaxTokens: 450, IgnoreEOS: true, Sampler: s})
		if !errors.Is(err, context.Canceled) {
			t.Error("the stream ended before the prompt was read", err)
		}
	}
	prompt := &stepSampler{model: m}
	read := func() {
		defer stop()
		_, err := m.Generate(t.Context(), zen.Request{Tokens: numbered(9, long), MaxTokens: 1, Sampler: prompt})
		if err != nil {
			t.Error(err)
		}
	}
	var all [streams]*stepSampler
	for i := range all {
		all[i] = &stepSampler{model: m}
	}
	all[0].at = map[int]func(){
		1: func() {
			for i, s := range all[1:] {
				submit(func() { stream(s) }, i+1)
			}
		},
		5: func() { submit(read, 1) },
	}
	stream(all[0])
	wg.Wait()

	first, last := all[0].steps[4]+1, prompt.steps[0]
	require.GreaterOrEqual(t, last-first+1, int64(long/chunk))
	require.LessOrEqual(t, last-first+1, int64(long/(chunk-streams)+1))
	for _, s := range all {
		for step := first; step <= last; step++ {
			require.Contains(t, s.steps, step)
		}
	}
	stats := m.Stats()
	require.LessOrEqual(t, stats.StepTokens, stats.Steps*chunk)
}
