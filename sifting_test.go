// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu"
	"github.com/zenlm/zen/sampling"
	"github.com/zenlm/zen/tensor"
	"github.com/zenlm/zen/zentest"
)

// sifting is the CPU as a backend.Sifter that finds k logits of a row.
type sifting struct {
	backend.Backend
	k int
}

var sifted, downloaded atomic.Int64 // rows, and bytes

var asked sync.Map // by rows, how many candidates were enough

func (s sifting) Download(dst []byte, src *tensor.Tensor) {
	downloaded.Add(int64(len(dst)))
	s.Backend.Download(dst, src)
}

func (s sifting) Largest(dst []backend.Candidates, x *tensor.Tensor, enough int) {
	asked.Store(len(dst), enough)
	if enough > 0 {
		s.k = min(s.k, enough)
	}
	for i := range dst {
		sifted.Add(1)
		row := tensor.Slice[float32](x.Rows(i, 1))
		order := slices.Sorted(slices.Values(row))
		c := backend.Candidates{Floor: order[len(order)-s.k]}
		for id, v := range row {
			if v >= c.Floor {
				c.IDs, c.Values = append(c.IDs, int32(id)), append(c.Values, v)
			}
		}
		c.Temperature, c.Part = dst[i].Temperature, dst[i].Part
		if c.Temperature > 0 {
			var sums [3]float64
			for id, v := range row {
				sums[id/((len(row)+2)/3)] += math.Exp(float64(v-order[len(order)-1]) / float64(c.Temperature))
			}
			for _, sum := range sums {
				c.Parts = append(c.Parts, float32(sum))
			}
		}
		dst[i] = c
	}
}

func init() {
	for name, k := range map[string]int{"sifting 1": 1, "sifting 30": 30} {
		backend.Register(name, func(o backend.Options) (backend.Backend, error) {
			b, err := cpu.New(cpu.Options{Workers: o.Workers})
			return sifting{b, k}, err
		})
	}
	backend.Register("changeable", func(o backend.Options) (backend.Backend, error) {
		b, err := cpu.New(cpu.Options{Workers: o.Workers})
		return changeable{b}, err
	})
}

// changeable is the CPU as a backend whose results depend on batch mates.
type changeable struct{ backend.Backend }

func (changeable) Deterministic() bool { return false }

func TestDeterminismIsRefusedWhereThereIsNone(t *testing.T) {
	_, err := zen.LoadFS(background, zentest.FS(), ".", zen.WithBackend("changeable"), zen.WithDeterminism())
	require.ErrorIs(t, err, zen.ErrUnsupported)
	require.ErrorContains(t, err, `WithDeterminism: backend "changeable"`)
}

// Answers are the same whether whole rows of logits or the largest of them are
// sampled from, beside requests that want it otherwise and with drafts.
func TestCandidatesDoNotChangeTheAnswer(t *testing.T) {
	repeating := slices.Repeat(numbered(3, 20), 6)
	var requests []zen.Request
	for i := range 20 {
		req := zen.Request{Tokens: repeating[:20+5*i], MaxTokens: 30, IgnoreEOS: true, MinTokens: i % 3}
		if i%2 == 0 {
			req.Temperature, req.Seed, req.TopK = new(0.9), new(uint64(i)), new(1+i)
			req.FrequencyPenalty, req.RepetitionPenalty, req.TopP = 0.2, new(1.05), new(0.9)
		}
		switch {
		case i%5 == 1:
			req.Logprobs = true
		case i%5 == 2:
			req.TopK = new(0)
		case i%5 == 3:
			req.TopK, req.FrequencyPenalty, req.RepetitionPenalty = new(0), 0, nil
		case i%5 == 4:
			req.TopK, req.TopP = new(0), new(1.0)
		case i == 9:
			req.Sampler = sampling.Greedy{}
		}
		if i%4 == 0 {
			req.DraftTokens = new(5)
		}
		requests = append(requests, req)
	}
	want := alone(t, requests)
	for _, name := range []string{"sifting 1", "sifting 30"} {
		sifted.Store(0)
		m := zentest.Model(t, zen.WithBackend(name), zen.WithBatch(20))
		together(t, m, requests, want)
		require.Positive(t, sifted.Load())
	}
}

// Rows that candidates decide do not go to the host.
func TestCandidatesSaveTheWay(t *testing.T) {
	m := zentest.Model(t, zen.WithBackend("sifting 30"))
	for name, req := range map[string]zen.Request{
		"greedy": {Prompt: "the rain in", MaxTokens: 20, Temperature: zen.Greedy(), IgnoreEOS: true},
		"top_k":  {Prompt: "the rain in", MaxTokens: 20, Temperature: new(1.0), TopK: new(20), IgnoreEOS: true},
		"top_p":  {Prompt: "the rain in", MaxTokens: 20, Temperature: new(1.0), TopK: new(0), TopP: new(0.7), IgnoreEOS: true},
		"min_p":  {Prompt: "the rain in", MaxTokens: 20, Temperature: new(1.0), TopK: new(0), MinP: new(0.2), IgnoreEOS: true},
	} {
		req.Seed = new(uint64(1)) // others may come by a row whose top_p takes more than 30
		downloaded.Store(0)
		generate(t, m, req)
		require.Zero(t, downloaded.Load(), name)
		req.Logprobs = true
		generate(t, m, req)
		require.EqualValues(t, 20*4*512, downloaded.Load(), name)
	}
}

// A request that the largest few logits decide asks for no more, unless others of its
// step do.
func TestFewCandidatesAreAskedFor(t *testing.T) {
	greedy := zen.Request{Tokens: numbered(3, 20), MaxTokens: 60, Temperature: zen.Greedy(), IgnoreEOS: true}
	penalty, twenty, twelve := greedy, greedy, greedy
	penalty.PresencePenalty = 0.01
	twenty.Temperature, twenty.TopK, twenty.Seed = new(1.0), new(20), new(uint64(1))
	twelve.Temperature, twelve.TopK, twelve.Seed, twelve.TopP = new(1.0), new(12), new(uint64(2)), new(0.5)
	for _, c := range []struct {
		enough   int
		requests []zen.Request
	}{
		{1, []zen.Request{greedy}},
		{20, []zen.Request{twenty}},
		{0, []zen.Request{penalty}},
		{12, []zen.Request{twelve, greedy}},
		{12, []zen.Request{greedy, twelve}},
		{0, []zen.Request{twenty, penalty, greedy}},
	} {
		m := zentest.Model(t, zen.WithBackend("sifting 30"), zen.WithBatch(3))
		want := alone(t, c.requests)
		asked.Clear()
		downloaded.Store(0)
		together(t, m, c.requests, want)
		enough, _ := asked.Load(len(c.requests)) // of a step with all of them
		require.Equal(t, c.enough, enough)
		require.Zero(t, downloaded.Load())
	}
}

// With a temperature alone a third of most rows goes to the host, of each row its own.
func TestPartsSaveTheWay(t *testing.T) {
	var requests []zen.Request
	for i := range 8 {
		requests = append(requests, zen.Request{Tokens: numbered(3+i, 20), MaxTokens: 20, Temperature: new(1.0),
			TopK: new(0), TopP: new(1.0), Seed: new(uint64(i)), IgnoreEOS: true})
	}
	want := alone(t, requests)
	downloaded.Store(0)
	together(t, zentest.Model(t, zen.WithBackend("sifting 30"), zen.WithBatch(8)), requests, want)
	const rows = 3 * 8 * 20
	require.GreaterOrEqual(t, downloaded.Load(), int64(rows*4*170))
	require.LessOrEqual(t, downloaded.Load(), int64(rows*4*512/2))
}
