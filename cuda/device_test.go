// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda_test

import (
	"context"
	"errors"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/backend/backendtest"
	"github.com/zenlm/zen/checkpoint"
	"github.com/zenlm/zen/cuda"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/model"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/tensor"
)

// open returns a backend, or skips the test with the reason.
func open(t testing.TB) backend.Backend {
	t.Helper()
	b, err := backend.Open("cuda", backend.Options{})
	if errors.Is(err, backend.ErrUnavailable) {
		t.Skip(err)
	}
	require.NoError(t, err)
	return b
}

func TestBackendContract(t *testing.T) {
	require.NoError(t, open(t).Close())
	backendtest.Run(t, func(t *testing.T) backend.Backend { return open(t) }, backendtest.WidensI8(tensor.F16))
}

// goldens are the folders of package qwen2 with activations of transformers.
func goldens(t *testing.T) []string {
	paths, err := filepath.Glob("../model/qwen2/testdata/*/golden.safetensors")
	require.NoError(t, err)
	var dirs []string
	for _, p := range paths {
		if filepath.Base(filepath.Dir(p)) != "long" {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	require.GreaterOrEqual(t, len(dirs), 10)
	return dirs
}

// rig is a checkpoint on a backend.
type rig struct {
	t     *testing.T
	b     backend.Backend
	model model.Model
	step  *backend.Step
	cache *kvcache.Cache
	seq   *kvcache.Sequence
}

func load(t *testing.T, b backend.Backend, dir string, kv tensor.DType) *rig {
	c, err := checkpoint.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	config, err := c.ReadFile("config.json", model.MaxConfigBytes)
	require.NoError(t, err)
	cfg, err := model.ParseConfig(config)
	require.NoError(t, err)
	w := model.NewWeights(c)
	m, err := model.New(cfg, w)
	require.NoError(t, err)
	require.NoError(t, w.Load(context.Background(), b, nil))
	cache, err := kvcache.New(b, cfg.CacheShape(kv), 8)
	require.NoError(t, err)
	return &rig{t, b, m, backend.NewStep(b), cache, cache.NewSequence()}
}

// feed returns the logits of every token.
func (r *rig) feed(tokens ...int32) []float32 {
	require.NoError(r.t, r.seq.Append(len(tokens)))
	var batch backend.Batch
	batch.Append(tokens, r.seq.Length(), r.seq.Pages())
	for i := range tokens {
		batch.OutputRows = append(batch.OutputRows, int32(i))
	}
	r.step.Begin(&batch)
	logits := r.model.Logits(r.step, r.model.Hidden(r.step, r.cache))
	out := make([]float32, logits.Len())
	r.b.Download(unsafe.Slice((*byte)(unsafe.Pointer(&out[0])), 4*len(out)), logits)
	require.NoError(r.t, r.step.Sync())
	return out
}

// relative returns max|got-want| / max|want|; NaN where either has one.
func relative(got, want []float32) float64 {
	diff, scale := 0.0, 0.0
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if !(d <= diff) {
			diff = d
		}
		scale = max(scale, math.Abs(float64(want[i])))
	}
	return diff / scale
}

func goldenTensor(t *testing.T, dir, name string) *tensor.Tensor {
	data, err := os.ReadFile(filepath.Join(dir, "golden.safetensors"))
	require.NoError(t, err)
	tmp := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(tmp, "model.safetensors"), data, 0o600))
	c, err := checkpoint.Open(tmp)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	w, ok := c.Tensor(name)
	require.True(t, ok, name)
	return w
}

// The prompt at once, and token by token, as graphs from the third token on.
func TestLogitsEqualTransformers(t *testing.T) {
	require.NoError(t, open(t).Close())
	for _, dir := range goldens(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			b := open(t)
			defer func() { require.NoError(t, b.Close()) }()
			r := load(t, b, dir, tensor.F32)
			// Products of many rows take activations as F16, 11 bits; in these models, a few
			// dozen wide, little of the rounding averages out.
			bound := 1e-4
			if dtype := r.model.Config().DType; dtype != tensor.F32 || filepath.Base(dir) == "int8" {
				bound = 5e-3
			}
			tokens := tensor.Slice[int32](goldenTensor(t, dir, "input_ids"))
			want := tensor.Slice[float32](goldenTensor(t, dir, "logits"))
			got := relative(r.feed(tokens...), want)
			require.LessOrEqual(t, got, bound, "prefill")
			r.seq.Truncate(0)
			var rows []float32
			for _, token := range tokens {
				rows = append(rows, r.feed(token)...)
			}
			single := relative(rows, want)
			require.LessOrEqual(t, single, 1e-4, "token by token")
			t.Logf("prefill %.2g, token by token %.2g", got, single)
		})
	}
}

// loadNano returns the demo model on a backend, or skips.
func loadNano(t testing.TB, name string, opts ...zen.Option) *zen.Model {
	m, err := nano.Load(context.Background(), append(opts, zen.WithBackend(name))...)
	if errors.Is(err, backend.ErrUnavailable) {
		t.Skip(err)
	}
	require.NoError(t, err)
	return m
}

const nanoPrompt = "Once upon a time, there was a little girl"

func greedy(t testing.TB, m *zen.Model) *zen.Response {
	zero := 0.0
	resp, err := m.Generate(context.Background(), zen.Request{Prompt: nanoPrompt, Temperature: &zero,
		MaxTokens: 64, IgnoreEOS: true, Logprobs: true, TopLogprobs: 2})
	require.NoError(t, err)
	return resp
}

// The first difference from the CPU, if there is one, is between two tokens that
// are nearly equal.
func TestNanoContinuesAsOnTheCPU(t *testing.T) {
	for _, kv := range []zen.DType{zen.F32, zen.F16, zen.BF16, zen.I8} {
		t.Run(kv.String(), func(t *testing.T) { continues(t, kv) })
	}
}

func continues(t *testing.T, kv zen.DType) {
	gpu := loadNano(t, "cuda", zen.WithKVType(kv))
	defer gpu.Close()
	host := loadNano(t, "cpu", zen.WithKVType(kv))
	defer host.Close()
	want, got := greedy(t, host), greedy(t, gpu)
	require.Len(t, got.Logprobs, 64)
	for i, w := range want.Logprobs {
		if g := got.Logprobs[i]; g.Token != w.Token {
			gap := w.Top[0].Logprob - w.Top[1].Logprob
			t.Logf("token %d differs, gap %.3g", i, gap)
			require.Less(t, gap, 5e-2, "token %d is %d, on the CPU %d", i, g.Token, w.Token)
			break
		}
	}
}

func TestTwoModelsAtOnce(t *testing.T) {
	a, b := loadNano(t, "cuda"), loadNano(t, "cuda")
	want := greedy(t, a).Text
	require.Equal(t, want, greedy(t, b).Text)
	require.NoError(t, a.Close())
	require.Equal(t, want, greedy(t, b).Text)
	require.NoError(t, b.Close())
}

func TestCloseDuringGeneration(t *testing.T) {
	m := loadNano(t, "cuda")
	chunks := 0
	var last error
	for _, err := range m.Stream(context.Background(), zen.Request{Prompt: nanoPrompt, MaxTokens: 400, IgnoreEOS: true}) {
		if last = err; chunks == 3 {
			go m.Close()
		}
		chunks++
	}
	require.ErrorIs(t, last, zen.ErrClosed)
	require.NoError(t, m.Close())
}

func TestModelThatDoesNotFit(t *testing.T) {
	require.NoError(t, open(t).Close())
	_, err := nano.Load(context.Background(), zen.WithBackend("cuda"), zen.WithKVBudget(1<<40))
	var full *zen.MemoryError
	require.ErrorAs(t, err, &full)
	require.Greater(t, full.Plan.KV, full.Free)
}

func TestTooMuchIsAMemoryError(t *testing.T) {
	b := open(t)
	_, err := b.Alloc(tensor.U8, 1<<42)
	var full *cuda.MemoryError
	require.ErrorAs(t, err, &full)
	require.Equal(t, 1<<42, full.Bytes)
	require.NoError(t, b.Sync())
	require.NoError(t, b.Close())
}

// The interrupt is Go's with a driver loaded.
func TestInterruptReachesGo(t *testing.T) {
	m := loadNano(t, "cuda")
	defer m.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	go func() {
		time.Sleep(20 * time.Millisecond)
		_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
	}()
	for {
		_, err := m.Generate(ctx, zen.Request{Prompt: nanoPrompt, MaxTokens: 64, IgnoreEOS: true})
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			return
		}
	}
}

// What is freed is all that was taken.
func TestModelsLeakNothing(t *testing.T) {
	free := func() int64 {
		b := open(t)
		n, err := b.(backend.MemoryMeter).FreeMemory()
		require.NoError(t, err)
		require.NoError(t, b.Close())
		return n
	}
	before := free()
	for range 3 {
		m := loadNano(t, "cuda")
		greedy(t, m)
		require.NoError(t, m.Close())
	}
	require.InDelta(t, before, free(), 64<<20)
}
