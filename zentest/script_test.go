// SPDX-License-Identifier: Apache-2.0

package zentest_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

func TestDelaysPassBeforeEachChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reply := zentest.Text("a", "b", "c")
		reply.Delay = time.Minute
		begin := time.Now()
		var at []time.Duration
		for _, err := range zentest.Script(reply).Stream(t.Context(), zen.Request{}) {
			require.NoError(t, err)
			at = append(at, time.Since(begin))
		}
		require.Equal(t, []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute}, at)
	})
}

func TestDoneContextCutsADelayShort(t *testing.T) {
	for name, reply := range map[string]zentest.Reply{
		"chunk": {Chunks: []string{"a", "b"}, Delay: time.Minute},
		"end":   {Err: errors.New("late"), Delay: 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
				defer cancel()
				begin := time.Now()
				resp, err := zentest.Script(reply).Generate(ctx, zen.Request{})
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 90*time.Second, time.Since(begin))
				if name == "chunk" {
					require.Equal(t, "a", resp.Text)
					require.Equal(t, 1, resp.Usage.CompletionTokens)
				}
				require.Empty(t, resp.FinishReason)
			})
		})
	}
}

func TestLastChunkTellsHowItEnded(t *testing.T) {
	usage := zen.Usage{PromptTokens: 3, CompletionTokens: 9, TotalTokens: 12}
	fake := zentest.Script(zentest.Reply{Chunks: []string{"a", "b"}, FinishReason: zen.FinishLength, Usage: usage})
	var chunks []zen.Chunk
	for chunk, err := range fake.Stream(t.Context(), zen.Request{}) {
		require.NoError(t, err)
		chunks = append(chunks, chunk)
	}
	require.Equal(t, []zen.Chunk{{Text: "a"}, {Text: "b", FinishReason: zen.FinishLength, Usage: usage}}, chunks)
}

func TestAnEmptyReplyStillEnds(t *testing.T) {
	resp, err := zentest.Script(zentest.Text()).Generate(t.Context(), zen.Request{})
	require.NoError(t, err)
	require.Equal(t, zen.FinishStop, resp.FinishReason)
	require.Zero(t, resp.Usage)
}

func TestErrorIsYieldedOnceAndLast(t *testing.T) {
	want := errors.New("device lost")
	var texts []string
	var errs []error
	for chunk, err := range zentest.Script(zentest.Fail(want, "a", "b")).Stream(t.Context(), zen.Request{}) {
		texts, errs = append(texts, chunk.Text), append(errs, err)
		require.Empty(t, chunk.FinishReason)
	}
	require.Equal(t, []string{"a", "b", ""}, texts)
	require.Equal(t, []error{nil, nil, want}, errs)
}

func TestStreamAsksWhenRangedOverAndOnlyOnce(t *testing.T) {
	fake := zentest.Script(zentest.Text("a", "b"), zentest.Text("c"))
	stream := fake.Stream(t.Context(), zen.Request{})
	require.Equal(t, 2, fake.Remaining())
	for _, err := range stream {
		require.NoError(t, err)
		break
	}
	require.Equal(t, 1, fake.Remaining())
	for _, err := range stream {
		require.ErrorContains(t, err, "once")
	}
	require.Len(t, fake.Requests(), 1)
}

func TestACancelledRequestTakesNoReply(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fake := zentest.Script(zentest.Text("a"))
	_, err := fake.Generate(ctx, zen.Request{})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, fake.Remaining())
}

func TestTheScriptsEndIsAnError(t *testing.T) {
	fake := zentest.Script()
	for _, err := range fake.Stream(t.Context(), zen.Request{}) {
		require.ErrorIs(t, err, zentest.ErrScript)
	}
	require.Len(t, fake.Requests(), 1)
	require.Zero(t, fake.Remaining())
}

func TestConcurrentRequestsTakeEachReplyOnce(t *testing.T) {
	const n = 50
	replies := make([]zentest.Reply, n)
	for i := range replies {
		replies[i] = zentest.Text(string(rune('0' + i)))
	}
	fake := zentest.Script(replies...)
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			resp, err := fake.Generate(t.Context(), zen.Request{})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				seen[resp.Text]++
			}
		})
	}
	wg.Wait()
	require.Len(t, seen, n)
	require.Len(t, fake.Requests(), n)
}
