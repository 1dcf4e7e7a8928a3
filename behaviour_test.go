// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

var background = context.Background()

func greedy(tokens int) zen.Request {
	return zen.Request{Prompt: "the rain in", MaxTokens: tokens, Temperature: zen.Greedy(), IgnoreEOS: true}
}

func TestStreamConcatenatesToGenerate(t *testing.T) {
	m := zentest.Model(t)
	for seed := range uint64(5) {
		req := zen.Request{Prompt: "the rain in", MaxTokens: 60, Temperature: new(1.5), Seed: new(seed),
			Logprobs: true, TopLogprobs: 3}
		want, err := m.Generate(background, req)
		require.NoError(t, err)
		var got zen.Response
		for chunk, err := range m.Stream(background, req) {
			require.NoError(t, err)
			got.Text += chunk.Text
			got.Tokens = append(got.Tokens, chunk.Tokens...)
			got.Logprobs = append(got.Logprobs, chunk.Logprobs...)
			got.FinishReason, got.Usage, got.Seed = chunk.FinishReason, chunk.Usage, chunk.Seed
		}
		got.Timings, want.Timings = zen.Timings{}, zen.Timings{}
		require.Equal(t, *want, got)
		require.Equal(t, want.Usage.CompletionTokens, len(want.Logprobs))
	}
}

func TestGreedyIsTheArgmaxOfASession(t *testing.T) {
	m := zentest.Model(t)
	req := greedy(40)
	want, err := m.Generate(background, req)
	require.NoError(t, err)
	prompt, err := m.Encode(req)
	require.NoError(t, err)
	require.Equal(t, argmaxLoop(t, m, prompt, 40), want.Tokens)
}

func argmaxLoop(t *testing.T, m *zen.Model, prompt []int32, n int) (tokens []int32) {
	s, err := m.NewSession()
	require.NoError(t, err)
	defer s.Close()
	logits, err := s.Prefill(background, prompt)
	for range n {
		require.NoError(t, err)
		best := 0
		for i, v := range logits {
			if v > logits[best] {
				best = i
			}
		}
		tokens = append(tokens, int32(best))
		logits, err = s.Next(background, int32(best))
	}
	return tokens
}

// Whatever runs beside it and however its prompt is cut, a request gives the same
// tokens.
func TestTokensDoNotDependOnTheEngine(t *testing.T) {
	long := zen.Request{Tokens: make([]int32, 100), MaxTokens: 20, Temperature: new(1.0), Seed: new(uint64(3)), IgnoreEOS: true}
	for i := range long.Tokens {
		long.Tokens[i] = int32(i * 7 % 509)
	}
	want, err := zentest.Model(t).Generate(background, long)
	require.NoError(t, err)
	for _, opts := range [][]zen.Option{
		{zen.WithPrefill(1)}, {zen.WithPrefill(7), zen.WithWorkers(3)}, {zen.WithBatch(1)}, {zen.WithPrefill(64), zen.WithWorkers(1)},
	} {
		m := zentest.Model(t, opts...)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				_, err := m.Generate(background, greedy(30))
				assert.NoError(t, err)
			})
		}
		got, err := m.Generate(background, long)
		wg.Wait()
		require.NoError(t, err)
		require.Equal(t, want.Tokens, got.Tokens)
	}
	long.Tokens[0]++
	other, err := zentest.Model(t).Generate(background, long)
	require.NoError(t, err)
	require.NotEqual(t, want.Tokens, other.Tokens, "the comparison can fail")
}

func TestStopStringsNeverLeak(t *testing.T) {
	m := zentest.Model(t)
	whole, err := m.Generate(background, greedy(80))
	require.NoError(t, err)
	for at := 2; at+6 < len(whole.Text); at += 9 {
		req := greedy(80)
		req.Stop = []string{whole.Text[at : at+5]}
		got, err := m.Generate(background, req)
		require.NoError(t, err)
		require.NotContains(t, got.Text, req.Stop[0])
		require.Equal(t, zen.FinishStop, got.FinishReason)
		require.Equal(t, req.Stop[0], got.StopString)
	}
}

func TestEnds(t *testing.T) {
	m := zentest.Model(t)
	whole, err := m.Generate(background, greedy(30))
	require.NoError(t, err)
	require.Equal(t, zen.FinishLength, whole.FinishReason)
	require.Equal(t, 30, whole.Usage.CompletionTokens)

	req := greedy(30)
	req.StopTokens = whole.Tokens[10:11]
	short, err := m.Generate(background, req)
	require.NoError(t, err)
	require.Equal(t, zen.FinishStop, short.FinishReason)
	require.LessOrEqual(t, len(short.Tokens), 11)

	req.MinTokens = 20
	longer, err := m.Generate(background, req)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(longer.Tokens), 20)

	full, err := m.Generate(background, zen.Request{Tokens: make([]int32, m.ContextLength()-3), IgnoreEOS: true})
	require.NoError(t, err)
	require.Equal(t, zen.FinishLength, full.FinishReason)
	require.Equal(t, 3, full.Usage.CompletionTokens)
}

func TestLogprobsEqualScore(t *testing.T) {
	m := zentest.Model(t)
	req := greedy(25)
	req.Logprobs = true
	resp, err := m.Generate(background, req)
	require.NoError(t, err)
	prompt, err := m.Encode(req)
	require.NoError(t, err)
	score, err := m.ScoreTokens(background, prompt, resp.Tokens)
	require.NoError(t, err)
	for i, lp := range resp.Logprobs {
		require.Equal(t, lp.Logprob, score.Tokens[i])
	}
}

type badSampler func(logits []float32) (int32, error)

func (f badSampler) Sample(logits []float32, _ *zen.State) (int32, error) { return f(logits) }

func TestACallersSamplerCannotHarmOthers(t *testing.T) {
	m := zentest.Model(t)
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		sampler badSampler
		want    error
	}{
		"panic":        {func([]float32) (int32, error) { panic("no") }, zen.ErrPanic},
		"error":        {func([]float32) (int32, error) { return 0, boom }, boom},
		"out of range": {func(l []float32) (int32, error) { return int32(len(l)), nil }, nil},
	} {
		_, err := m.Generate(background, zen.Request{Prompt: "a", Sampler: c.sampler})
		require.Error(t, err, name)
		if c.want != nil {
			require.ErrorIs(t, err, c.want, name)
		}
		_, err = m.Generate(background, greedy(3))
		require.NoError(t, err, "after "+name)
	}
}

func TestBreakFreesTheCacheBeforeTheLoopEnds(t *testing.T) {
	m := zentest.Model(t)
	for range 20 {
		for _, err := range m.Stream(background, greedy(400)) {
			require.NoError(t, err)
			break
		}
		require.Eventually(t, func() bool { return m.Stats().KVPagesUsed == 0 }, time.Second, time.Millisecond)
	}
	stream := m.Stream(background, greedy(2))
	for _, err := range stream {
		require.NoError(t, err)
	}
	for _, err := range stream {
		require.EqualError(t, err, "zen: a stream can be ranged over once")
	}
}

func TestCancelEndsPrefillWithinAStep(t *testing.T) {
	m := zentest.Model(t, zen.WithPrefill(1))
	ctx, cancel := context.WithCancel(background)
	done := make(chan error)
	go func() {
		_, err := m.Generate(ctx, zen.Request{Tokens: make([]int32, 500), MaxTokens: 5})
		done <- err
	}()
	require.Eventually(t, func() bool { return m.Stats().Steps > 2 }, 5*time.Second, time.Microsecond*100)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.Less(t, m.Stats().Steps, int64(500))
	require.Eventually(t, func() bool { return m.Stats().KVPagesUsed == 0 }, time.Second, time.Millisecond)

	_, err := m.Generate(ctx, greedy(1))
	require.ErrorIs(t, err, context.Canceled)
	late, stop := context.WithTimeout(background, time.Millisecond)
	defer stop()
	resp, err := m.Generate(late, greedy(500))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	if resp != nil {
		require.Equal(t, len(resp.Tokens), resp.Usage.CompletionTokens)
	}
}

func TestClose(t *testing.T) {
	m := zentest.Model(t)
	s, err := m.NewSession()
	require.NoError(t, err)
	var last error
	n := 0
	for _, err := range m.Stream(background, greedy(500)) {
		if n++; n == 2 {
			require.NoError(t, m.Close())
		}
		last = err
	}
	require.ErrorIs(t, last, zen.ErrClosed)
	require.NoError(t, m.Close())
	_, err = m.Generate(background, greedy(1))
	require.ErrorIs(t, err, zen.ErrClosed)
	_, err = m.Score(background, "a", "b")
	require.ErrorIs(t, err, zen.ErrClosed)
	_, err = m.NewSession()
	require.ErrorIs(t, err, zen.ErrClosed)
	_, err = s.Prefill(background, []int32{1})
	require.ErrorIs(t, err, zen.ErrClosed)
	require.NoError(t, s.Close())
}

func TestManyGoroutines(t *testing.T) {
	m := zentest.Model(t)
	want, err := m.Generate(background, greedy(12))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for i := range 4 {
				if (g+i)%5 == 0 {
					s, err := m.NewSession()
					if err != nil {
						t.Error(err)
						return
					}
					_, err = s.Prefill(background, []int32{1, 2, 3})
					if err = errors.Join(err, s.Close()); err != nil && !errors.Is(err, zen.ErrOverloaded) {
						t.Error(err)
					}
					continue
				}
				got, err := m.Generate(background, greedy(12))
				if err != nil || got.Text != want.Text {
					t.Error(got, err)
				}
			}
		})
	}
	wg.Wait()
	require.Eventually(t, func() bool { return m.Stats().KVPagesUsed == 0 }, time.Second, time.Millisecond)
}

func TestFullCacheIsOverloadedAndRecovers(t *testing.T) {
	m := zentest.Model(t, zen.WithContext(64), zen.WithKVBudget(3*2*2*32*32*4))
	s, err := m.NewSession()
	require.NoError(t, err)
	_, err = s.Prefill(background, make([]int32, 64))
	require.NoError(t, err)
	other, err := m.NewSession()
	require.NoError(t, err)
	_, err = other.Prefill(background, text(1, 40))
	require.ErrorIs(t, err, zen.ErrOverloaded)
	require.Zero(t, other.Len())
	require.NoError(t, s.Close())
	_, err = other.Prefill(background, make([]int32, 40))
	require.NoError(t, err)
	require.NoError(t, other.Close())
}

func TestQueueIsBounded(t *testing.T) {
	m := zentest.Model(t, zen.WithBatch(1), zen.WithQueue(1))
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	var wg sync.WaitGroup
	overloaded := make(chan error, 8)
	for range 8 {
		wg.Go(func() {
			_, err := m.Generate(ctx, greedy(400))
			overloaded <- err
		})
	}
	refused := false
	for range 8 {
		if err := <-overloaded; errors.Is(err, zen.ErrOverloaded) {
			refused = true
			cancel()
		}
	}
	wg.Wait()
	require.True(t, refused)
}

func TestSessionsEqualAFreshRun(t *testing.T) {
	for _, kv := range []zen.DType{zen.F32, zen.F16, zen.I8} {
		t.Run(kv.String(), func(t *testing.T) { sessionsEqual(t, zentest.Model(t, zen.WithKVType(kv))) })
	}
}

func sessionsEqual(t *testing.T, m *zen.Model) {
	tokens := make([]int32, 70)
	for i := range tokens {
		tokens[i] = int32(i * 11 % 500)
	}
	fresh := func(tokens []int32) []float32 {
		s, err := m.NewSession()
		require.NoError(t, err)
		defer s.Close()
		logits, err := s.Prefill(background, tokens)
		require.NoError(t, err)
		return bytesOf(logits)
	}
	s, err := m.NewSession()
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Prefill(background, tokens[:40])
	require.NoError(t, err)
	fork, err := s.Fork()
	require.NoError(t, err)
	defer fork.Close()
	_, err = fork.Prefill(background, []int32{9, 9, 9})
	require.NoError(t, err)
	require.NoError(t, fork.Truncate(40))
	logits, err := fork.Prefill(background, tokens[40:])
	require.NoError(t, err)
	require.Equal(t, fresh(tokens), bytesOf(logits))

	var file bytes.Buffer
	require.NoError(t, s.Save(&file))
	saved := file.Bytes()
	restored, err := m.RestoreSession(background, bytes.NewReader(saved))
	require.NoError(t, err)
	defer restored.Close()
	logits, err = restored.Prefill(background, tokens[40:])
	require.NoError(t, err)
	require.Equal(t, fresh(tokens), bytesOf(logits))
	damage(t, m, saved)
}

func bytesOf(logits []float32) []float32 { return append([]float32(nil), logits...) }

// damage restores altered and shortened copies of a saved session.
func damage(t *testing.T, m *zen.Model, saved []byte) {
	for at := 0; at < len(saved); at += 97 {
		bad := bytes.Clone(saved)
		bad[at] ^= 0x40
		_, err := m.RestoreSession(background, bytes.NewReader(bad))
		require.ErrorIs(t, err, zen.ErrSession, "byte %d", at)
		_, err = m.RestoreSession(background, bytes.NewReader(saved[:at]))
		require.ErrorIs(t, err, zen.ErrSession, "cut at %d", at)
	}
	other, err := zen.Load(background, "model/qwen2/testdata/gqa4")
	require.NoError(t, err)
	defer other.Close()
	_, err = other.RestoreSession(background, bytes.NewReader(saved))
	require.ErrorIs(t, err, zen.ErrSession)
}

func TestInvalidRequests(t *testing.T) {
	m := zentest.Model(t)
	user := []zen.Message{zen.User("hi")}
	for want, req := range map[string]zen.Request{
		"0 of messages, prompt and tokens":   {},
		"2 of messages, prompt and tokens":   {Prompt: "a", Messages: user},
		"tools: 1 tools without messages":    {Prompt: "a", Tools: make([]zen.Tool, 1)},
		"wizard":                             {Messages: []zen.Message{{Role: "wizard", Content: "x"}}},
		"token 512 at 1, the vocabulary has": {Tokens: []int32{1, 512}},
		"max_tokens: -1 is negative":         {Prompt: "a", MaxTokens: -1},
		"min_tokens: 9":                      {Prompt: "a", MaxTokens: 5, MinTokens: 9},
		"stop_token_ids":                     {Prompt: "a", StopTokens: []int32{-1}},
		"top_logprobs: 101":                  {Prompt: "a", Logprobs: true, TopLogprobs: 101},
		"without logprobs":                   {Prompt: "a", TopLogprobs: 1},
		"top_p: 0 is out of range":           {Prompt: "a", TopP: new(0.0)},
		"temperature (-1)":                   {Prompt: "a", Temperature: new(-1.0)},
		"which replaces it":                  {Prompt: "a", TopK: new(3), Sampler: avoid(1)},
		"stop":                               {Prompt: "a", Stop: []string{""}},
	} {
		_, err := m.Generate(background, req)
		require.ErrorIs(t, err, zen.ErrInvalidRequest, want)
		require.ErrorContains(t, err, want)
		for _, err := range m.Stream(background, req) {
			require.ErrorIs(t, err, zen.ErrInvalidRequest)
		}
	}
	_, err := m.Generate(background, zen.Request{Tokens: make([]int32, 512)})
	var long *zen.ContextLengthError
	require.ErrorAs(t, err, &long)
	require.ErrorIs(t, err, zen.ErrContextLength)
	require.Equal(t, zen.ContextLengthError{PromptTokens: 512, ContextLength: 512}, *long)
}

// The default KV cache grows with WithBatch, up to one context of max_position_embeddings.
func TestDefaultCacheHoldsTheBatch(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, zentest.FS()))
	path := filepath.Join(dir, "config.json")
	config, err := os.ReadFile(path)
	require.NoError(t, err)
	config = bytes.Replace(config, []byte(`"max_position_embeddings": 512`), []byte(`"max_position_embeddings": 4096`), 1)
	require.NoError(t, os.WriteFile(path, config, 0o600))
	for _, c := range []struct {
		context, tokens int // 70 of context take 3 pages of 32
		opts            []zen.Option
	}{
		{4096, 16 * 4096, nil}, // they fit 256 MiB
		{4096, 16 * 4096, []zen.Option{zen.WithBatch(20)}},
		{70, 16 * 96, nil},
		{70, 16 * 96, []zen.Option{zen.WithBatch(3)}},
		{70, 20 * 96, []zen.Option{zen.WithBatch(20)}},
		{70, 4096, []zen.Option{zen.WithBatch(300)}},
		{70, 64, []zen.Option{zen.WithBatch(20), zen.WithKVBudget(2 * 16384)}},
	} {
		plan, err := zen.Plan(background, dir, append(c.opts, zen.WithContext(c.context))...)
		require.NoError(t, err)
		require.Equal(t, c.tokens, plan.KVTokens)
	}
}

func TestOptionsOutOfRange(t *testing.T) {
	for want, opt := range map[string]zen.Option{
		"zen: WithWorkers(0), want at least 1":       zen.WithWorkers(0),
		"zen: WithContext(-1), want at least 1":      zen.WithContext(-1),
		"WithContext(513), the model's":              zen.WithContext(513),
		"zen: WithBatch(0), want at least 1":         zen.WithBatch(0),
		"zen: WithQueue(0), want at least 1":         zen.WithQueue(0),
		"zen: WithPrefill(0), want at least 1":       zen.WithPrefill(0),
		"zen: WithKVBudget(0), want at least 1":      zen.WithKVBudget(0),
		"WithKVBudget(1), one page has 16384 bytes":  zen.WithKVBudget(1),
		"zen: WithLogger(nil)":                       zen.WithLogger(nil),
		"zen: WithProgress(nil)":                     zen.WithProgress(nil),
		`"abacus" is not linked into this program`:   zen.WithBackend("abacus"),
		"WithKVType(I32), want F32, F16, BF16 or I8": zen.WithKVType(zen.F32 + 6),
	} {
		_, err := zen.LoadFS(background, zentest.FS(), ".", opt)
		require.ErrorContains(t, err, want)
	}
}

func TestMemoryPlanHolds(t *testing.T) {
	m := zentest.Model(t, zen.WithPrefill(512))
	_, err := m.Generate(background, zen.Request{Tokens: make([]int32, 500), MaxTokens: 2})
	require.NoError(t, err)
	require.LessOrEqual(t, int64(m.Stats().ScratchBytes), max(m.MemoryPlan().Scratch, 1<<20))
	require.Positive(t, m.MemoryPlan().Total())
}

func TestJSONIsTheModelCards(t *testing.T) {
	var req zen.Request
	require.NoError(t, json.Unmarshal([]byte(`{"messages":[{"role":"system","content":"You are a helpful assistant."},
		{"role":"user","content":"Your question here"}],"temperature":0.7,"max_tokens":2048}`), &req))
	require.Equal(t, zen.Request{
		Messages:    []zen.Message{zen.System("You are a helpful assistant."), zen.User("Your question here")},
		Temperature: new(0.7), MaxTokens: 2048}, req)
	out, err := json.Marshal(zen.Response{Text: "hi", Usage: zen.Usage{PromptTokens: 20, CompletionTokens: 150, TotalTokens: 170}})
	require.NoError(t, err)
	require.JSONEq(t, `{"response":"hi","usage":{"prompt_tokens":20,"completion_tokens":150,"total_tokens":170}}`, string(out))
}

// A request of any values ends with an answer or an error.
func FuzzGenerate(f *testing.F) {
	m := zentest.Model(f)
	f.Add("hello", 5, 0.5, 3, 0.9, "x", int32(4))
	f.Add("", -1, -1.0, -1, 2.0, "", int32(-1))
	f.Fuzz(func(t *testing.T, prompt string, maxTokens int, temperature float64, topK int, topP float64, stop string, token int32) {
		resp, err := m.Generate(background, zen.Request{Prompt: prompt, MaxTokens: maxTokens, Temperature: &temperature,
			TopK: &topK, TopP: &topP, Stop: []string{stop}, LogitBias: map[int32]float64{token: topP}})
		if (resp == nil) == (err == nil) || errors.Is(err, zen.ErrPanic) {
			t.Fatal(fmt.Sprint(resp, err))
		}
	})
}

// Any bytes restore to a session or an error.
func FuzzRestoreSession(f *testing.F) {
	m := zentest.Model(f)
	s, err := m.NewSession()
	require.NoError(f, err)
	var file bytes.Buffer
	require.NoError(f, s.Save(&file))
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := m.RestoreSession(background, bytes.NewReader(data))
		if err == nil {
			s.Close()
		} else if !errors.Is(err, zen.ErrSession) {
			t.Fatal(err)
		}
	})
}
