// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/checkpoint"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/tensor"
	"github.com/zenlm/zen/zentest"
)

// golden returns the tokens and the final hidden states [tokens, hidden] that
// transformers computed with a checkpoint of testdata.
func golden(t *testing.T, dir string) (tokens []int32, states []float32) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "golden.safetensors"))
	require.NoError(t, err)
	c, err := checkpoint.OpenFS(fstest.MapFS{"model.safetensors": {Data: data}}, ".")
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	ids, ok := c.Tensor("input_ids")
	require.True(t, ok)
	norm, ok := c.Tensor("norm")
	require.True(t, ok)
	return tensor.Slice[int32](ids), tensor.Slice[float32](norm)
}

// pooled is pooling written down plainly.
func pooled(states []float32, hidden int, opts zen.EmbedOptions) []float64 {
	rows := len(states) / hidden
	out := make([]float64, hidden)
	for i := range out {
		for r := range rows {
			if opts.Pooling != zen.PoolLast {
				out[i] += float64(states[r*hidden+i]) / float64(rows)
			} else if r == rows-1 {
				out[i] = float64(states[r*hidden+i])
			}
		}
	}
	if norm := length(out); !opts.Raw {
		for i := range out {
			out[i] /= norm
		}
	}
	return out
}

func length[T float32 | float64](v []T) float64 {
	square := 0.0
	for _, x := range v {
		square += float64(x) * float64(x)
	}
	return math.Sqrt(square)
}

func TestEmbeddingsEqualTransformersHiddenStates(t *testing.T) {
	for _, name := range []string{"gqa4", "gqa7-tied", "odd", "sliding", "bf16", "int8"} {
		dir := filepath.Join("model/qwen2/testdata", name)
		tokens, states := golden(t, dir)
		m, err := zen.Load(t.Context(), dir, zen.WithKVType(zen.F32), zen.WithPrefill(7))
		require.NoError(t, err)
		defer m.Close()
		hidden := m.Config().HiddenSize
		for _, opts := range []zen.EmbedOptions{{}, {Raw: true}, {Pooling: zen.PoolLast}, {Pooling: zen.PoolLast, Raw: true}} {
			t.Run(fmt.Sprintf("%s/%s/raw=%v", name, opts.Pooling, opts.Raw), func(t *testing.T) {
				got, err := m.EmbedTokens(t.Context(), [][]int32{tokens}, opts)
				require.NoError(t, err)
				want, largest, diff := pooled(states, hidden, opts), 0.0, 0.0
				require.Len(t, got.Vectors[0], hidden)
				for i, w := range want {
					largest = max(largest, math.Abs(w))
					diff = max(diff, math.Abs(w-float64(got.Vectors[0][i])))
				}
				require.LessOrEqual(t, diff, 1e-4*largest)
				require.Equal(t, zen.Usage{PromptTokens: len(tokens), TotalTokens: len(tokens)}, got.Usage)
			})
		}
	}
}

// A text's vector does not depend on other texts, chunks, workers or what else
// runs.
func TestEmbeddingsDoNotDependOnTheirBatch(t *testing.T) {
	var texts [][]int32
	for i := range 40 {
		text := make([]int32, 1+i*37%200)
		for j := range text {
			text[j] = int32((i*31 + j*7) % 509)
		}
		texts = append(texts, text)
	}
	for _, opts := range []zen.EmbedOptions{{}, {Pooling: zen.PoolLast}} {
		var want [][]float32
		one := zentest.Model(t, zen.WithWorkers(1), zen.WithBatch(1), zen.WithPrefill(512))
		for _, text := range texts {
			e, err := one.EmbedTokens(t.Context(), [][]int32{text}, opts)
			require.NoError(t, err)
			want = append(want, e.Vectors[0])
			require.InDelta(t, 1, length(e.Vectors[0]), 1e-6)
		}
		for _, chunk := range []int{1, 13, 128} {
			m := zentest.Model(t, zen.WithPrefill(chunk), zen.WithWorkers(2))
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					_, err := m.Generate(t.Context(), greedy(20))
					assert.NoError(t, err)
				})
			}
			got, err := m.EmbedTokens(t.Context(), texts, opts)
			require.NoError(t, err)
			require.Equal(t, want, got.Vectors)
			wg.Wait()
			require.Zero(t, m.Stats().KVPagesUsed)
		}
	}
}

func TestEmbedNamesTheTextsItRefuses(t *testing.T) {
	m := zentest.Model(t)
	_, err := m.Embed(t.Context(), []string{"fine", "", "fine", long(600)}, zen.EmbedOptions{})
	require.ErrorContains(t, err, "zen: text 1: zen: invalid request: text: it has no tokens")
	require.ErrorContains(t, err, "zen: text 3: ")
	require.ErrorIs(t, err, zen.ErrInvalidRequest)
	require.ErrorIs(t, err, zen.ErrContextLength)
	var text *zen.TextError
	require.ErrorAs(t, err, &text)
	require.Equal(t, 1, text.Index)
	require.Zero(t, m.Stats().Steps, "nothing is computed")

	_, err = m.EmbedTokens(t.Context(), [][]int32{{1}, {2, 512}}, zen.EmbedOptions{})
	require.ErrorAs(t, err, &text)
	require.Equal(t, 1, text.Index)
	_, err = m.Embed(t.Context(), []string{"a"}, zen.EmbedOptions{Pooling: "max"})
	require.ErrorContains(t, err, `pooling: "max", want "mean" or "last"`)

	whole, err := m.EmbedTokens(t.Context(), [][]int32{make([]int32, 512)}, zen.EmbedOptions{})
	require.NoError(t, err, "a text may fill the context")
	require.Len(t, whole.Vectors, 1)
	none, err := m.Embed(t.Context(), nil, zen.EmbedOptions{})
	require.NoError(t, err)
	require.Empty(t, none.Vectors)
}

func TestEmbedEndsWithItsContextAndItsModel(t *testing.T) {
	m := zentest.Model(t, zen.WithPrefill(1))
	texts := make([]string, 30)
	for i := range texts {
		texts[i] = long(400)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := m.Embed(ctx, texts, zen.EmbedOptions{})
		done <- err
	}()
	require.Eventually(t, func() bool { return m.Stats().Steps > 3 }, 5*time.Second, 100*time.Microsecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.Zero(t, m.Stats().KVPagesUsed)
	require.Zero(t, m.Stats().Running)
	_, err := m.Embed(ctx, texts, zen.EmbedOptions{})
	require.ErrorIs(t, err, context.Canceled)

	require.NoError(t, m.Close())
	_, err = m.Embed(t.Context(), texts, zen.EmbedOptions{})
	require.ErrorIs(t, err, zen.ErrClosed)
	require.True(t, errors.As(err, new(*zen.TextError)))
}

func TestEmbedOfNonFiniteStatesIsAnError(t *testing.T) {
	files := pico(t, nil)
	weights := files["model.safetensors"].Data
	binary.LittleEndian.PutUint32(weights[len(weights)-4:], 0x7fc00000) // of the last norm
	m := loadFS(t, files)
	_, err := m.Embed(t.Context(), []string{"the rain"}, zen.EmbedOptions{})
	require.ErrorIs(t, err, zen.ErrNonFinite)
}

func ExampleModel_Embed() {
	ctx := context.Background()
	m, err := nano.Load(ctx)
	if err != nil {
		panic(err)
	}
	defer m.Close()
	// snippet: embed
	e, err := m.Embed(ctx, []string{
		"The little dog ran to the park.",
		"A small dog played in the park.",
		"17 plus 25 is 42.",
	}, zen.EmbedOptions{})
	if err != nil {
		panic(err)
	}
	near, far := dot(e.Vectors[0], e.Vectors[1]), dot(e.Vectors[0], e.Vectors[2])
	fmt.Println(near > far)
	// end: embed
	// Output: true
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func ExampleModel_Embedder() {
	ctx := context.Background()
	m, err := zen.LoadFS(ctx, zentest.FS(), ".")
	if err != nil {
		panic(err)
	}
	defer m.Close()
	// chromem-go's EmbeddingFunc has the same type.
	embed := m.Embedder(zen.EmbedOptions{})
	vector, err := embed(ctx, "the rain")
	fmt.Println(len(vector), err)
	// Output: 64 <nil>
}
