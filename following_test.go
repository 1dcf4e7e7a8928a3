// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu"
	"github.com/zenlm/zen/tensor"
	"github.com/zenlm/zen/zentest"
)

// following is the CPU as a backend.Follower. It computes a step as soon as it is given.
type following struct {
	sifting
	found   [2][]backend.Candidates // of the searches
	tokens  []int32                 // of the latest
	started int
	asked   int
	shy     int // of so many rows one is not found
}

var followed, refused atomic.Int64 // steps, and rows

// onStep, where set, is called when a step begins, with the number of its sequences.
var onStep atomic.Pointer[func(follows bool, sequences int)]

func init() {
	for name, shy := range map[string]int{"following": 1 << 30, "following shy": 7} {
		backend.Register(name, func(o backend.Options) (backend.Backend, error) {
			b, err := cpu.New(cpu.Options{Workers: o.Workers})
			return &following{sifting: sifting{b, 1}, shy: shy}, err
		})
	}
	backend.Register("following tight", func(o backend.Options) (backend.Backend, error) {
		b, err := cpu.New(cpu.Options{Workers: o.Workers})
		return &tight{following{sifting: sifting{b, 1}, shy: 1 << 30}}, err
	})
}

// tight is following with memory for so many more allocations.
type tight struct{ following }

var allocations atomic.Int64

func (t *tight) Alloc(dtype tensor.DType, shape ...int) (*tensor.Tensor, error) {
	if allocations.Add(-1) < 0 {
		return nil, errMemory
	}
	return t.following.Alloc(dtype, shape...)
}

var errMemory = errors.New("no memory")

func (f *following) Begin(b *backend.Batch) {
	f.started, f.asked = 0, 0
	if on := onStep.Load(); on != nil {
		(*on)(false, len(b.Sequences))
	}
	f.Backend.Begin(b)
}

func (f *following) Search(x *tensor.Tensor) {
	if f.started-f.asked > 1 {
		panic("a third step")
	}
	rows := make([]backend.Candidates, x.Dim(0))
	f.sifting.Largest(rows, x, 1)
	f.tokens = f.tokens[:0]
	for i := range rows {
		f.tokens = append(f.tokens, rows[i].IDs[0])
		rows[i].IDs, rows[i].Values = rows[i].IDs[:1], rows[i].Values[:1]
		if int(sifted.Load())%f.shy == 0 {
			refused.Add(1)
			rows[i].IDs = nil
		}
	}
	f.found[f.started%2] = rows
	f.started++
}

func (f *following) Follow(b *backend.Batch) {
	followed.Add(1)
	if on := onStep.Load(); on != nil {
		(*on)(true, len(b.Sequences))
	}
	resolved := *b
	resolved.Tokens = slices.Clone(b.Tokens)
	for i, t := range b.Tokens {
		resolved.Tokens[i] = f.tokens[-1-t]
	}
	f.Backend.Begin(&resolved)
}

func (f *following) Found(dst []backend.Candidates) {
	copy(dst, f.found[f.asked%2])
	f.asked++
}

// greedily returns requests that take the largest logit, with all that ends an answer.
func greedily(t *testing.T, n int) (requests []zen.Request) {
	whole := generate(t, zentest.Model(t), zen.Request{Tokens: numbered(1, 12), MaxTokens: 60, Temperature: zen.Greedy(), IgnoreEOS: true})
	for i := range n {
		req := zen.Request{Tokens: numbered(i%9, 8+i), MaxTokens: 1 + i*9%70, Temperature: zen.Greedy(), IgnoreEOS: i%3 > 0}
		switch i % 7 {
		case 2:
			req.Tokens, req.MaxTokens, req.Stop = numbered(1, 12), 60, []string{whole.Text[len(whole.Text)/2:][:6]}
		case 4:
			req.Tokens, req.MaxTokens, req.IgnoreEOS = numbered(1, 12), 60, false
			req.StopTokens = whole.Tokens[20:21]
		}
		requests = append(requests, req)
	}
	return requests
}

// Answers are the same where the device goes on before the host knows its tokens, beside
// requests that it cannot go on with, and where rows have to be computed again.
func TestFollowingDoesNotChangeTheAnswer(t *testing.T) {
	requests := greedily(t, 20)
	mixed := slices.Clone(requests)
	for i := range mixed {
		switch i % 5 {
		case 1:
			mixed[i].Temperature, mixed[i].Seed = new(0.9), new(uint64(i))
		case 3:
			mixed[i].Logprobs = true
		case 4:
			mixed[i].DraftTokens = new(3)
		}
	}
	for _, name := range []string{"following", "following shy"} {
		for i, requests := range [][]zen.Request{requests[3:4], requests, mixed} {
			want := alone(t, requests)
			followed.Store(0)
			refused.Store(0)
			m := zentest.Model(t, zen.WithBackend(name), zen.WithBatch(6))
			together(t, m, requests, want)
			if i < 2 { // of mixed ones each step may have one that does not follow
				require.Positive(t, followed.Load())
				require.Equal(t, name == "following shy", refused.Load() > 0)
			}
			require.Zero(t, m.Stats().KVPagesUsed)
		}
	}
}

// Pages that are short are taken from requests whose next row is being computed.
func TestFollowingGivesWay(t *testing.T) {
	var requests []zen.Request
	for i := range 10 {
		requests = append(requests, zen.Request{Tokens: numbered(i, 10+i), MaxTokens: 150, IgnoreEOS: true, Temperature: zen.Greedy()})
	}
	want := alone(t, requests)
	m := zentest.Model(t, zen.WithBackend("following shy"), zen.WithContext(192), zen.WithKVBudget(13*pageBytes))
	followed.Store(0)
	together(t, m, requests, want)
	require.Positive(t, m.Stats().Preemptions)
	require.Positive(t, followed.Load())
}

// A lone answer takes one step that is not followed: its last one.
func TestFollowingTakesNoMoreSteps(t *testing.T) {
	m := zentest.Model(t, zen.WithBackend("following"))
	followed.Store(0)
	generate(t, m, zen.Request{Tokens: numbered(3, 20), MaxTokens: 50, Temperature: zen.Greedy(), IgnoreEOS: true})
	require.EqualValues(t, 49, followed.Load())
	require.EqualValues(t, 50, m.Stats().Steps)
	require.EqualValues(t, 20+49, m.Stats().StepTokens)
}

// A request that is cancelled while a step is under way leaves nothing behind, and what comes
// next is answered.
func TestFollowingEnds(t *testing.T) {
	requests := greedily(t, 3)
	want := alone(t, requests)
	m := zentest.Model(t, zen.WithBackend("following"))
	for n := range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		got := 0
		for _, err := range m.Stream(ctx, zen.Request{Tokens: numbered(n, 20), MaxTokens: 200, Temperature: zen.Greedy(), IgnoreEOS: true}) {
			if got++; got == n+1 {
				cancel()
			}
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
			}
		}
		cancel()
		together(t, m, requests, want)
		require.Zero(t, m.Stats().KVPagesUsed)
	}
}

// A request that comes while another's next step is under way is in the one after it.
func TestFollowingMakesWayForOthers(t *testing.T) {
	m := zentest.Model(t, zen.WithBackend("following"))
	greedy := zen.Request{Tokens: numbered(3, 20), MaxTokens: 40, Temperature: zen.Greedy(), IgnoreEOS: true}
	var wg sync.WaitGroup
	var follow []bool
	var beside []int // sequences, from the arrival on
	n := 0
	on := func(follows bool, sequences int) {
		if n++; n == 10 {
			wg.Go(func() { generate(t, m, greedy) })
			for deadline := time.Now().Add(time.Minute); m.Stats().Waiting == 0 && time.Now().Before(deadline); {
				runtime.Gosched()
			}
		}
		if n >= 10 {
			follow, beside = append(follow, follows), append(beside, sequences)
		}
	}
	onStep.Store(&on)
	defer onStep.Store(nil)
	generate(t, m, greedy)
	wg.Wait()
	require.Equal(t, []bool{true, false, true, true}, follow[:4], "only the step with the prompt does not")
	require.Equal(t, []int{1, 2, 2, 2}, beside[:4])
}

// A step without scratch memory is an error also where its rows would only be searched.
func TestFollowingNeedsMemory(t *testing.T) {
	allocations.Store(1 << 30)
	m := zentest.Model(t, zen.WithBackend("following tight"), zen.WithPrefill(512))
	allocations.Store(1)
	_, err := m.Generate(t.Context(), zen.Request{Tokens: numbered(1, 480), MaxTokens: 8, Temperature: zen.Greedy(), IgnoreEOS: true})
	require.ErrorIs(t, err, errMemory)
}

// More requests than a search takes are answered without one.
func TestFollowingOfMany(t *testing.T) {
	var requests []zen.Request
	for i := range 70 {
		requests = append(requests, zen.Request{Tokens: numbered(i, 4), MaxTokens: 5 + i%4, Temperature: zen.Greedy(), IgnoreEOS: true})
	}
	want := alone(t, requests)
	followed.Store(0)
	together(t, zentest.Model(t, zen.WithBackend("following"), zen.WithBatch(70)), requests, want)
	require.Positive(t, followed.Load())
}
