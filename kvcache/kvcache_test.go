// SPDX-License-Identifier: Apache-2.0

package kvcache_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/tensor"
)

var shape = kvcache.Shape{Layers: 2, KVHeads: 2, HeadDim: 4, DType: tensor.F32}

func newCache(t testing.TB, pages int) (*kvcache.Cache, backend.Backend) {
	t.Helper()
	b, err := cpu.New(cpu.Options{Workers: 1})
	require.NoError(t, err)
	c, err := kvcache.New(b, shape, pages)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Close()
		require.NoError(t, b.Close())
	})
	return c, b
}

// text is a sequence with a mark at each position, kept beside a plain copy.
type text struct {
	*kvcache.Sequence
	marks []float32 // [length]
}

// add appends n positions and writes their marks into every layer.
func (s *text) add(c *kvcache.Cache, n int, mark func() float32) error {
	from := s.Length()
	if err := s.Append(n); err != nil {
		return err
	}
	for p := from; p < s.Length(); p++ {
		s.marks = append(s.marks, mark())
		for layer := range shape.Layers {
			for _, kv := range []*tensor.Tensor{c.Layer(layer).K, c.Layer(layer).V} {
				page := tensor.Slice[float32](kv.Rows(int(s.Pages()[p/kvcache.PageSize]), 1))
				page[(p%kvcache.PageSize)*shape.HeadDim] = s.marks[p]
			}
		}
	}
	return nil
}

// check compares every layer with the plain copy.
func (s *text) check(t *testing.T, c *kvcache.Cache) {
	t.Helper()
	require.Equal(t, len(s.marks), s.Length())
	for layer := range shape.Layers {
		for i, page := range s.Pages() {
			rows := tensor.Slice[float32](c.Layer(layer).V.Rows(int(page), 1))
			from := i * kvcache.PageSize
			for p, want := range s.marks[from:min(from+kvcache.PageSize, len(s.marks))] {
				if got := rows[p*shape.HeadDim]; got != want { // require.Equal for each would take minutes
					require.Equal(t, want, got, "layer %d position %d", layer, from+p)
				}
			}
		}
	}
}

// A random walk of every operation: no sequence sees another's positions, and no
// page is lost.
func TestSequencesAreIndependent(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	c, _ := newCache(t, 24)
	next := float32(0)
	mark := func() float32 { next++; return next }
	var texts []*text
	for range 3000 {
		switch op := rng.IntN(10); {
		case len(texts) == 0 || op == 0:
			texts = append(texts, &text{Sequence: c.NewSequence()})
		case op < 5:
			s := texts[rng.IntN(len(texts))]
			free := c.FreePages()
			if err := s.add(c, rng.IntN(2*kvcache.PageSize), mark); err != nil {
				require.ErrorIs(t, err, kvcache.ErrFull)
				require.Equal(t, free, c.FreePages(), "a refused append takes nothing")
			}
		case op < 7:
			s := texts[rng.IntN(len(texts))]
			texts = append(texts, &text{s.Fork(), slices.Clone(s.marks)})
		case op == 7:
			s := texts[rng.IntN(len(texts))]
			n := rng.IntN(s.Length() + 1)
			s.Truncate(n)
			s.marks = s.marks[:n]
		default:
			i := rng.IntN(len(texts))
			texts[i].Close()
			texts = slices.Delete(texts, i, i+1)
		}
		for _, s := range texts {
			s.check(t, c)
		}
	}
	for _, s := range texts {
		s.Close()
	}
	require.Equal(t, c.Pages(), c.FreePages())
}

func TestForkSharesPagesUntilOneAppends(t *testing.T) {
	c, _ := newCache(t, 4)
	a := c.NewSequence()
	require.NoError(t, a.Append(kvcache.PageSize+1))
	b := a.Fork()
	require.Equal(t, 2, c.FreePages())
	require.NoError(t, b.Append(1))
	require.Equal(t, 1, c.FreePages(), "only the last page is copied")
	require.NoError(t, a.Append(1), "the last page is a's alone by now")
	require.Equal(t, 1, c.FreePages())
}

func TestAppendSaysWhatIsMissing(t *testing.T) {
	c, _ := newCache(t, 2)
	s := c.NewSequence()
	err := s.Append(2*kvcache.PageSize + 1)
	require.ErrorIs(t, err, kvcache.ErrFull)
	require.EqualError(t, err, "kvcache: no free page: 65 positions need 3, 2 of 2 are free")
	require.Zero(t, s.Length())
}

func TestSaveWritesOnlyTheSequencesPositions(t *testing.T) {
	c, _ := newCache(t, 4)
	old := &text{Sequence: c.NewSequence()}
	require.NoError(t, old.add(c, 2*kvcache.PageSize, func() float32 { return 666 }))
	old.Close()

	n := float32(0)
	s := &text{Sequence: c.NewSequence()}
	require.NoError(t, s.add(c, kvcache.PageSize+3, func() float32 { n++; return n }))
	restored := &text{Sequence: c.NewSequence(), marks: s.marks}
	require.NoError(t, restored.Append(s.Length()))
	for layer := range shape.Layers {
		var buf bytes.Buffer
		require.NoError(t, s.Save(&buf, layer))
		require.Equal(t, 2*s.Length()*shape.KVHeads*shape.HeadDim*4, buf.Len())
		require.NoError(t, restored.Restore(bytes.NewReader(buf.Bytes()), layer))
		require.Error(t, restored.Restore(bytes.NewReader(buf.Bytes()[1:]), layer))
		require.NoError(t, restored.Restore(&buf, layer))
	}
	restored.check(t, c)
}

// An I8 cache keeps its scales with its elements: in copies of pages, and saved.
func TestQuantizedPagesKeepTheirScales(t *testing.T) {
	b, err := cpu.New(cpu.Options{Workers: 1})
	require.NoError(t, err)
	defer b.Close()
	quantized := kvcache.Shape{Layers: 2, KVHeads: 2, HeadDim: 40, DType: tensor.I8}
	c, err := kvcache.New(b, quantized, 4)
	require.NoError(t, err)
	defer c.Close()
	pageBytes := 0
	for layer := range quantized.Layers {
		for _, t := range tensors(c.Layer(layer)) {
			pageBytes += t.Bytes() / 4
			for i := range t.HostBytes() {
				t.HostBytes()[i] = byte(i*7 + i/256 + layer)
			}
		}
	}
	require.Equal(t, quantized.PageBytes(), pageBytes)
	s := c.NewSequence()
	require.NoError(t, s.Append(kvcache.PageSize+3))
	fork := s.Fork()
	require.NoError(t, fork.Append(1))
	require.NotEqual(t, s.Pages()[1], fork.Pages()[1])
	for layer := range quantized.Layers {
		for _, p := range tensors(c.Layer(layer)) {
			require.Equal(t, p.Rows(int(s.Pages()[1]), 1).HostBytes(), p.Rows(int(fork.Pages()[1]), 1).HostBytes())
		}
		var saved, again bytes.Buffer
		require.NoError(t, s.Save(&saved, layer))
		require.Equal(t, s.Length()*quantized.PositionBytes(), saved.Len())
		data := bytes.Clone(saved.Bytes())
		for _, p := range tensors(c.Layer(layer)) {
			clear(p.HostBytes())
		}
		require.NoError(t, s.Restore(&saved, layer))
		require.NoError(t, s.Save(&again, layer))
		require.Equal(t, data, again.Bytes())
	}
}

func tensors(kv backend.KV) []*tensor.Tensor {
	return []*tensor.Tensor{kv.K, kv.K.Scales, kv.V, kv.V.Scales}
}

func TestBackendWithoutI8IsRefused(t *testing.T) {
	b, err := cpu.New(cpu.Options{Workers: 1})
	require.NoError(t, err)
	defer b.Close()
	plain := struct{ backend.Backend }{b} // not a KVQuantizer
	_, err = kvcache.New(plain, kvcache.Shape{Layers: 1, KVHeads: 1, HeadDim: 8, DType: tensor.I8}, 4)
	require.EqualError(t, err, `kvcache: backend "cpu" has no cache of I8`)
}

func ExampleCache() {
	b, err := backend.Open("cpu", backend.Options{})
	if err != nil {
		panic(err)
	}
	defer b.Close()
	c, err := kvcache.New(b, kvcache.Shape{Layers: 2, KVHeads: 2, HeadDim: 64, DType: tensor.F16}, 8)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	s := c.NewSequence()
	if err := s.Append(40); err != nil {
		panic(err)
	}
	fork := s.Fork()
	fmt.Println(len(s.Pages()), c.FreePages())
	s.Truncate(10)
	fmt.Println(len(s.Pages()), len(fork.Pages()), c.FreePages())
	// Output:
	// 2 6
	// 1 2 6
}
