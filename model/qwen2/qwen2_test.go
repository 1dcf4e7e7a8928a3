// SPDX-License-Identifier: Apache-2.0

package qwen2_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/checkpoint"
	"github.com/zenlm/zen/cpu"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/model"
	"github.com/zenlm/zen/model/qwen2"
	"github.com/zenlm/zen/tensor"
)

// rig is a loaded checkpoint of testdata with a cache.
type rig struct {
	t      testing.TB
	model  *qwen2.Model
	step   *backend.Step
	cache  *kvcache.Cache
	golden *checkpoint.Checkpoint
}

func open(t testing.TB, dir string, workers, pages int) *rig {
	t.Helper()
	c, err := checkpoint.Open(dir)
	require.NoError(t, err)
	config, err := c.ReadFile("config.json", model.MaxConfigBytes)
	require.NoError(t, err)
	cfg, err := model.ParseConfig(config)
	require.NoError(t, err)
	w := model.NewWeights(c)
	m, err := model.New(cfg, w)
	require.NoError(t, err)
	b, err := cpu.New(cpu.Options{Workers: workers})
	require.NoError(t, err)
	require.NoError(t, w.Load(context.Background(), b, nil))
	cache, err := kvcache.New(b, cfg.CacheShape(tensor.F32), pages)
	require.NoError(t, err)
	step := backend.NewStep(b)
	t.Cleanup(func() {
		step.Close()
		cache.Close()
		require.NoError(t, b.Close())
		require.NoError(t, c.Close())
	})
	return &rig{t: t, model: m.(*qwen2.Model), step: step, cache: cache, golden: openGolden(t, dir)}
}

// openGolden opens dir/golden.safetensors through a folder of its own.
func openGolden(t testing.TB, dir string) *checkpoint.Checkpoint {
	t.Helper()
	tmp := t.TempDir()
	data, err := os.ReadFile(filepath.Join(dir, "golden.safetensors"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(tmp, "model.safetensors"), data, 0o600))
	c, err := checkpoint.Open(tmp)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func (r *rig) want(name string) *tensor.Tensor {
	t, ok := r.golden.Tensor(name)
	require.True(r.t, ok, "golden has no %s", name)
	return t
}

func (r *rig) tokens(name string) []int32 { return tensor.Slice[int32](r.want(name)) }

// feed appends each sequence's tokens in one batch and returns the logits of every
// row, [rows, vocab].
func (r *rig) feed(seqs []*kvcache.Sequence, tokens ...[]int32) [][]float32 {
	r.t.Helper()
	var b backend.Batch
	for i, seq := range seqs {
		require.NoError(r.t, seq.Append(len(tokens[i])))
		b.Append(tokens[i], seq.Length(), seq.Pages())
	}
	for row := range b.Tokens {
		b.OutputRows = append(b.OutputRows, int32(row))
	}
	require.NoError(r.t, b.Validate(r.model.Config().VocabSize, r.cache.Pages(), kvcache.PageSize))
	r.step.Begin(&b)
	logits := r.download(r.model.Logits(r.step, r.model.Hidden(r.step, r.cache)))
	require.NoError(r.t, r.step.Sync())
	return slices.Collect(slices.Chunk(logits, r.model.Config().VocabSize))
}

func (r *rig) download(t *tensor.Tensor) []float32 {
	out := make([]float32, t.Len())
	r.step.Backend().Download(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(out))), 4*len(out)), t)
	return out
}

// trace runs the model piece by piece over one sequence, as Hidden does, and hands
// every piece to see in the order they are computed.
func (r *rig) trace(seq *kvcache.Sequence, tokens []int32, see func(name string, got []float32)) {
	s, m := r.step, r.model
	require.NoError(r.t, seq.Append(len(tokens)))
	var b backend.Batch
	b.Append(tokens, seq.Length(), seq.Pages())
	s.Begin(&b)
	x := m.EmbedTokens.Forward(s)
	see("embed_tokens", r.download(x))
	for i, layer := range m.Layers {
		r.traceLayer(layer, x, r.cache.Layer(i), fmt.Sprintf("layers.%d", i), see)
	}
	norm := m.Norm.Forward(s, x)
	see("norm", r.download(norm))
	see("logits", r.download(m.Logits(s, norm)))
	require.NoError(r.t, s.Sync())
}

func (r *rig) traceLayer(l *qwen2.DecoderLayer, x *tensor.Tensor, kv backend.KV, name string, see func(string, []float32)) {
	s, a := r.step, l.SelfAttn
	norm := l.InputLayerNorm.Forward(s, x)
	see(name+".input_layernorm", r.download(norm))
	heads := func(y *tensor.Tensor) *tensor.Tensor {
		return s.View(y, y.Dim(0), y.Dim(1)/a.HeadDim, a.HeadDim)
	}
	q, k, v := heads(a.QProj.Forward(s, norm)), heads(a.KProj.Forward(s, norm)), heads(a.VProj.Forward(s, norm))
	see(name+".v", r.download(v))
	s.RotaryAppend(q, k, v, a.Rotary, kv)
	see(name+".q", r.download(q))
	o := s.Tensor(q.Shape...)
	s.Attention(o, q, kv, float32(1/math.Sqrt(float64(a.HeadDim))), a.Mask.Window)
	see(name+".attention", r.download(o))
	attn := a.OProj.Forward(s, s.View(o, o.Dim(0), o.Dim(1)*o.Dim(2)))
	see(name+".self_attn", r.download(attn))
	s.Add(x, x, attn)
	mlp := l.MLP.Forward(s, l.PostAttentionLayerNorm.Forward(s, x))
	see(name+".mlp", r.download(mlp))
	s.Add(x, x, mlp)
	see(name, r.download(x))
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

func argmax(row []float32) int32 {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return int32(best)
}

// cases are the folders with a golden.safetensors of a whole prompt.
func cases(t testing.TB) []string {
	paths, err := filepath.Glob("testdata/*/golden.safetensors")
	require.NoError(t, err)
	var names []string
	for _, p := range paths {
		if name := filepath.Base(filepath.Dir(p)); name != "long" {
			names = append(names, name)
		}
	}
	require.GreaterOrEqual(t, len(names), 10)
	return names
}

// Every piece of every layer against transformers in float32, and the first that
// differs is named. The bound holds for 16-bit and quantised checkpoints too: the
// reference computed with the same rounded weights.
func TestActivationsEqualTransformers(t *testing.T) {
	for _, name := range cases(t) {
		t.Run(name, func(t *testing.T) {
			r := open(t, filepath.Join("testdata", name), 2, 8)
			compared := 0
			r.trace(r.cache.NewSequence(), r.tokens("input_ids"), func(piece string, got []float32) {
				if _, ok := r.golden.Tensor(piece); !ok {
					return // goldens hold the inside of the first and last layer
				}
				want := tensor.Slice[float32](r.want(piece))
				require.Len(t, got, len(want), piece)
				if d := relative(got, want); !(d <= 1e-4) {
					t.Fatalf("%s is the first to differ: %.2g relative, want at most 1e-4", piece, d)
				}
				compared++
			})
			require.GreaterOrEqual(t, compared, len(r.model.Layers)+10)
		})
	}
}

func TestHiddenEqualsItsPieces(t *testing.T) {
	r := open(t, "testdata/gqa4", 2, 8)
	tokens := r.tokens("input_ids")
	var logits []float32
	r.trace(r.cache.NewSequence(), tokens, func(piece string, got []float32) { logits = got })
	rows := r.feed([]*kvcache.Sequence{r.cache.NewSequence()}, tokens)
	require.Equal(t, logits, slices.Concat(rows...))
}

func TestGreedyContinuationEqualsTransformers(t *testing.T) {
	for _, name := range cases(t) {
		t.Run(name, func(t *testing.T) {
			r := open(t, filepath.Join("testdata", name), 2, 8)
			seq := []*kvcache.Sequence{r.cache.NewSequence()}
			rows := r.feed(seq, r.tokens("input_ids"))
			var got []int32
			for want := r.tokens("greedy"); len(got) < len(want); {
				got = append(got, argmax(rows[len(rows)-1]))
				rows = r.feed(seq, got[len(got)-1:])
			}
			require.Equal(t, r.tokens("greedy"), got)
		})
	}
}

// The rotary angles of position 30,000 are where float32 rounding shows.
func TestLongPositionsEqualTransformers(t *testing.T) {
	r := open(t, "testdata/long", 2, kvcache.PagesFor(30000))
	seq := []*kvcache.Sequence{r.cache.NewSequence()}
	var rows [][]float32
	for chunk := range slices.Chunk(r.tokens("input_ids"), 500) {
		rows = r.feed(seq, chunk)
	}
	want := tensor.Slice[float32](r.want("logits"))
	require.LessOrEqual(t, relative(rows[len(rows)-1], want), 1e-4)
}

// A row's bits do not depend on chunks, batch mates, forks or workers.
func TestLogitsAreBitStable(t *testing.T) {
	for _, name := range []string{"gqa7-tied", "odd", "sliding", "bf16", "int8"} {
		t.Run(name, func(t *testing.T) {
			r := open(t, filepath.Join("testdata", name), 1, 64)
			tokens := r.tokens("input_ids")
			want := r.feed([]*kvcache.Sequence{r.cache.NewSequence()}, tokens)
			for _, workers := range []int{1, 2, 3} {
				w := open(t, filepath.Join("testdata", name), workers, 64)
				for _, chunk := range []int{1, 2, 3, 7, 32, 39} {
					require.Equal(t, want, w.chunked(tokens, chunk), "chunks of %d, %d workers", chunk, workers)
				}
				require.Equal(t, want, w.beside(tokens), "in a batch, %d workers", workers)
				require.Equal(t, want, w.forked(tokens), "forked, %d workers", workers)
			}
			other := slices.Clone(tokens)
			other[0] = (other[0] + 1) % int32(r.model.Config().VocabSize)
			require.NotEqual(t, want, r.chunked(other, 7), "the comparison can fail")
		})
	}
}

// chunked feeds the tokens n at a time.
func (r *rig) chunked(tokens []int32, n int) (rows [][]float32) {
	seq := r.cache.NewSequence()
	defer seq.Close()
	for chunk := range slices.Chunk(tokens, n) {
		rows = append(rows, r.feed([]*kvcache.Sequence{seq}, chunk)...)
	}
	return rows
}

// beside feeds the tokens as the second of three sequences, in two steps, while
// the first decodes.
func (r *rig) beside(tokens []int32) [][]float32 {
	seqs := []*kvcache.Sequence{r.cache.NewSequence(), r.cache.NewSequence(), r.cache.NewSequence()}
	defer func() {
		for _, s := range seqs {
			s.Close()
		}
	}()
	mate, half := slices.Clone(tokens[:9]), len(tokens)/2
	slices.Reverse(mate)
	first := r.feed(seqs, mate, tokens[:half], mate[:3])
	second := r.feed(seqs, mate[:1], tokens[half:], mate)
	return slices.Concat(first[len(mate):len(mate)+half], second[1:1+len(tokens)-half])
}

// forked feeds a part, forks, takes the original elsewhere and goes on with the
// fork, which has been somewhere else and truncated too.
func (r *rig) forked(tokens []int32) [][]float32 {
	seq := r.cache.NewSequence()
	defer seq.Close()
	part := len(tokens)*2/3 + 1
	rows := r.feed([]*kvcache.Sequence{seq}, tokens[:part])
	fork := seq.Fork()
	defer fork.Close()
	r.feed([]*kvcache.Sequence{seq, fork}, tokens[:5], tokens[3:11])
	fork.Truncate(part)
	return append(rows, r.feed([]*kvcache.Sequence{fork}, tokens[part:])...)
}

func TestDecodeStepAllocatesNothing(t *testing.T) {
	r := open(t, "testdata/gqa4", 2, 64)
	seq := r.cache.NewSequence()
	var b backend.Batch
	logits := make([]byte, 4*r.model.Config().VocabSize)
	token := []int32{1}
	step := func() {
		if err := seq.Append(1); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		b.Append(token, seq.Length(), seq.Pages())
		b.OutputRows = append(b.OutputRows, 0)
		r.step.Begin(&b)
		out := r.model.Logits(r.step, r.model.Hidden(r.step, r.cache))
		r.step.Backend().Download(logits, out)
		if err := r.step.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	for range 40 { // page lists and scratch have grown by then
		step()
	}
	seq.Truncate(32) // the appends below stay in one page
	require.Zero(t, testing.AllocsPerRun(20, step))
}

func ExampleNew() {
	c, err := checkpoint.Open("testdata/gqa4")
	if err != nil {
		panic(err)
	}
	defer c.Close()
	config, err := c.ReadFile("config.json", model.MaxConfigBytes)
	if err != nil {
		panic(err)
	}
	cfg, err := model.ParseConfig(config)
	if err != nil {
		panic(err)
	}
	m := qwen2.New(cfg, model.NewWeights(c))
	fmt.Println(len(m.Layers), m.Layers[0].MLP.GateProj.Weight.Shape)
	// Output: 2 [96 64]
}
