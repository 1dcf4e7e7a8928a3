// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/backend/backendtest"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/tensor"
)

func TestDeterministicBackendContract(t *testing.T) {
	require.NoError(t, open(t).Close())
	backendtest.Run(t, func(t *testing.T) backend.Backend {
		b, err := backend.Open("cuda", backend.Options{Deterministic: true})
		require.NoError(t, err)
		return b
	}, backendtest.WidensI8(tensor.F16))
}

// invariantRequests are prompts of several lengths, greedy and sampled, with and
// without log-probabilities.
func invariantRequests() (all []zen.Request) {
	for i := range 12 {
		req := zen.Request{Prompt: nanoPrompt, MaxTokens: 40 + i, IgnoreEOS: true, Logprobs: i%3 == 0}
		for range i {
			req.Prompt += " and her dog went out to play in the rain with the boy from the house"
		}
		if req.Temperature = zen.Greedy(); i%2 == 0 {
			req.Temperature, req.TopK, req.Seed = new(0.8), new(20), new(uint64(i))
		}
		all = append(all, req)
	}
	return all
}

// With Deterministic an answer has the same bits alone, beside others, and however its
// prompt is cut; the log-probabilities tell.
func TestAnswersDoNotDependOnBatchMates(t *testing.T) {
	load := func(opts ...zen.Option) *zen.Model {
		m, err := nano.Load(context.Background(), append(opts, zen.WithBackend("cuda"), zen.WithDeterminism(), zen.WithKVType(zen.F16))...)
		if errors.Is(err, backend.ErrUnavailable) {
			t.Skip(err)
		}
		require.NoError(t, err)
		return m
	}
	alone := load(zen.WithBatch(1), zen.WithPrefixReuse(false))
	var want []string
	for _, req := range invariantRequests() {
		r, err := alone.Generate(context.Background(), req)
		require.NoError(t, err)
		want = append(want, fmt.Sprint(r.Tokens, r.Logprobs))
	}
	require.NoError(t, alone.Close())
	for _, chunk := range []int{5, 64, 512} {
		m := load(zen.WithPrefill(chunk))
		got := make([]string, len(want))
		var wg sync.WaitGroup
		for i, req := range invariantRequests() {
			wg.Go(func() {
				r, err := m.Generate(context.Background(), req)
				if err == nil {
					got[i] = fmt.Sprint(r.Tokens, r.Logprobs)
				}
			})
		}
		wg.Wait()
		require.NoError(t, m.Close())
		require.Equal(t, want, got, "steps of %d", chunk)
	}
}

// Answers from candidates are those from whole rows, which a processor that does
// nothing asks for.
func TestCandidatesGiveTheSameAnswers(t *testing.T) {
	require.NoError(t, open(t).Close())
	m, err := nano.Load(context.Background(), zen.WithBackend("cuda"), zen.WithPrefixReuse(false))
	require.NoError(t, err)
	defer m.Close()
	for i, req := range invariantRequests() {
		req.Logprobs = false
		if i%2 == 0 {
			req.TopP, req.RepetitionPenalty, req.MinTokens = new(0.9), new(1.1), 5
		}
		if i%4 == 0 {
			req.TopK = new(0)
		}
		want := req
		want.Processors = []zen.LogitProcessor{idle{}}
		a, err := m.Generate(context.Background(), req)
		require.NoError(t, err)
		b, err := m.Generate(context.Background(), want)
		require.NoError(t, err)
		require.True(t, slices.Equal(a.Tokens, b.Tokens), "request %d: %v, want %v", i, a.Tokens, b.Tokens)
	}
}

type idle struct{}

func (idle) Process([]float32, *zen.State) error { return nil }
