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
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/tensor"
)

// prompt is a sequence of tokens whose keys and values are, as a model's, a
// function of the tokens up to them.
type prompt struct {
	*kvcache.Sequence
	tokens []int32
}

// marks returns what stands for the keys and values of each token: a hash (FNV-1a) of
// the tokens up to it.
func marks(tokens []int32) []float32 {
	all, h := make([]float32, len(tokens)), uint32(2166136261)
	for i, t := range tokens {
		h = (h ^ uint32(t)) * 16777619
		all[i] = float32(h >> 8)
	}
	return all
}

func slot(c *kvcache.Cache, q *kvcache.Sequence, p int) *float32 {
	page := tensor.Slice[float32](c.Layer(1).V.Rows(int(q.Pages()[p/kvcache.PageSize]), 1))
	return &page[(p%kvcache.PageSize)*shape.HeadDim]
}

// feed appends tokens, adopting what is published, and returns how many it adopted.
func (s *prompt) feed(c *kvcache.Cache, tokens []int32) (adopted int, err error) {
	adopted = s.Adopt(tokens)
	s.tokens = append(s.tokens, tokens[:adopted]...)
	if err := s.Append(len(tokens) - adopted); err != nil {
		return adopted, err
	}
	from := len(s.tokens)
	s.tokens = append(s.tokens, tokens[adopted:]...)
	for i, mark := range marks(s.tokens)[from:] {
		*slot(c, s.Sequence, from+i) = mark
	}
	return adopted, nil
}

func (s *prompt) check(t *testing.T, c *kvcache.Cache) {
	t.Helper()
	require.Equal(t, len(s.tokens), s.Length())
	for p, want := range marks(s.tokens) {
		if got := *slot(c, s.Sequence, p); got != want { // require.Equal for each would take minutes
			require.Equal(t, want, got, "position %d", p)
		}
	}
}

// A random walk over few different texts: what is adopted is what would have been
// computed, the tree stays a tree, and no page is lost.
func TestAdoptedPrefixesAreTheirTokens(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	c, _ := newCache(t, 40)
	words := make([][]int32, 3) // a page each
	for i := range words {
		for j := range kvcache.PageSize {
			words[i] = append(words[i], int32(100*i+j))
		}
	}
	var prompts []*prompt
	adopted, full := 0, 0
	for range 1500 {
		i := rng.IntN(len(prompts) + 1)
		switch op := rng.IntN(12); {
		case i == len(prompts):
			prompts = append(prompts, &prompt{Sequence: c.NewSequence()})
		case op < 5:
			var text []int32
			for range rng.IntN(4) {
				text = append(text, words[rng.IntN(len(words))]...)
			}
			n, err := prompts[i].feed(c, append(text, words[0][:rng.IntN(9)]...))
			adopted += n
			if err != nil {
				require.ErrorIs(t, err, kvcache.ErrFull)
				full++
			}
		case op < 8:
			prompts[i].Publish(prompts[i].tokens[:rng.IntN(len(prompts[i].tokens)+1)])
		case op == 8:
			prompts = append(prompts, &prompt{prompts[i].Fork(), slices.Clone(prompts[i].tokens)})
		case op == 9:
			n := rng.IntN(prompts[i].Length() + 1)
			prompts[i].Truncate(n)
			prompts[i].tokens = prompts[i].tokens[:n]
		default:
			prompts[i].Close()
			prompts = slices.Delete(prompts, i, i+1)
		}
		require.NoError(t, c.Check())
		for _, p := range prompts {
			p.check(t, c)
		}
	}
	require.Greater(t, adopted, 50*kvcache.PageSize)
	require.Greater(t, full, 10)
	for _, p := range prompts {
		p.Close()
	}
	require.Equal(t, c.Pages(), c.FreePages())
	require.NotZero(t, c.IdlePages())
	c.Forget()
	require.Zero(t, c.IdlePages())
	require.Equal(t, c.Pages(), c.FreePages())
	require.NoError(t, c.Check())
}

// numbers returns n tokens from first on.
func numbers(first, n int) (tokens []int32) {
	for i := range n {
		tokens = append(tokens, int32(first+i))
	}
	return tokens
}

// publish leaves the pages of tokens behind, idle.
func publish(t *testing.T, c *kvcache.Cache, tokens []int32) {
	t.Helper()
	p := &prompt{Sequence: c.NewSequence()}
	_, err := p.feed(c, tokens)
	require.NoError(t, err)
	p.Publish(tokens)
	p.Close()
}

func TestTheLeastRecentlyUsedPrefixIsGivenUpFromItsEnd(t *testing.T) {
	c, _ := newCache(t, 6)
	a, b := numbers(0, 3*kvcache.PageSize), numbers(1000, 3*kvcache.PageSize)
	publish(t, c, a)
	publish(t, c, b)
	require.Equal(t, 6, c.IdlePages())
	hold := c.NewSequence()
	require.Equal(t, kvcache.PageSize, hold.Adopt(a[:kvcache.PageSize])) // a's first page is in use
	require.NoError(t, hold.Append(2*kvcache.PageSize))
	pages, idle := c.Match(a)
	require.Equal(t, []int{1, 0}, []int{pages, idle}, "a went, but for the page in use")
	pages, idle = c.Match(b)
	require.Equal(t, []int{3, 3}, []int{pages, idle})
	require.NoError(t, hold.Append(1))
	pages, _ = c.Match(b)
	require.Equal(t, 2, pages, "then b from its end")
	require.NoError(t, c.Check())
}

func TestAPublishedPageIsNeverWritten(t *testing.T) {
	c, _ := newCache(t, 6)
	a := numbers(0, 2*kvcache.PageSize)
	p := &prompt{Sequence: c.NewSequence()}
	_, err := p.feed(c, a)
	require.NoError(t, err)
	p.Publish(a)
	p.Truncate(40) // into the second page
	p.tokens = p.tokens[:40]
	_, err = p.feed(c, numbers(500, 10))
	require.NoError(t, err)
	other := &prompt{Sequence: c.NewSequence()}
	n, err := other.feed(c, a)
	require.NoError(t, err)
	require.Equal(t, len(a), n)
	other.check(t, c)
	p.check(t, c)
}

func TestPublishingTheSameTextTwiceSharesItsPages(t *testing.T) {
	c, _ := newCache(t, 8)
	a := numbers(0, 2*kvcache.PageSize+5)
	var both [2]*prompt
	for i := range both {
		both[i] = &prompt{Sequence: c.NewSequence()}
		require.NoError(t, both[i].Append(len(a)))
		for j := range a {
			both[i].tokens = a[:j+1]
			*slot(c, both[i].Sequence, j) = marks(a)[j]
		}
	}
	require.Equal(t, 2, c.FreePages())
	both[0].Publish(a)
	both[1].Publish(a)
	require.Equal(t, 4, c.FreePages())
	require.Equal(t, 2, c.SharedPages())
	require.Equal(t, 2, c.Holds(both[0].Pages()[0]))
	both[1].check(t, c)
}

// A fork keeps the page before, which the sequence swaps for the published one.
func TestAPageThatForksShareOutlivesNothing(t *testing.T) {
	c, _ := newCache(t, 8)
	a := numbers(0, 2*kvcache.PageSize)
	p := &prompt{Sequence: c.NewSequence()}
	_, err := p.feed(c, a)
	require.NoError(t, err)
	fork := &prompt{p.Fork(), slices.Clone(a)}
	publish(t, c, a[:kvcache.PageSize])
	p.Publish(a)
	p.Close()
	require.NoError(t, c.Check())
	c.Forget()
	require.NoError(t, c.Check())
	fork.check(t, c)
	fork.Publish(a)
	fork.Close()
	pages, idle := c.Match(a)
	require.Equal(t, []int{2, 2}, []int{pages, idle})
}

// What a file says its tokens' keys and values are is its own sequence's alone.
func TestRestoredPagesAreNotPublished(t *testing.T) {
	c, _ := newCache(t, 8)
	a := numbers(0, 3*kvcache.PageSize)
	q := c.NewSequence()
	require.NoError(t, q.Append(kvcache.PageSize))
	zeros := bytes.NewReader(make([]byte, 1<<20))
	require.NoError(t, q.Restore(zeros, 0))
	require.NoError(t, q.Append(2*kvcache.PageSize))
	fork := q.Fork()
	for _, s := range []*kvcache.Sequence{q, fork} {
		s.Publish(a)
		pages, _ := c.Match(a)
		require.Zero(t, pages)
	}
	q.Truncate(0)
	p := &prompt{Sequence: q}
	_, err := p.feed(c, a)
	require.NoError(t, err)
	q.Publish(a)
	pages, _ := c.Match(a)
	require.Equal(t, 3, pages, "nothing restored is left")
	p.check(t, c)
}

func TestSharingPrefixesAllocatesNothing(t *testing.T) {
	c, _ := newCache(t, 8)
	q := c.NewSequence()
	a, b := numbers(0, 5*kvcache.PageSize), numbers(50, 5*kvcache.PageSize)
	require.Zero(t, testing.AllocsPerRun(20, func() {
		for _, text := range [][]int32{a, b} {
			if q.Append(len(text)-q.Adopt(text)) == nil {
				q.Publish(text)
			}
			q.Close()
		}
		a[0], b[0] = a[0]+1, b[0]+1
	}))
}

func ExampleSequence_Adopt() {
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
	tokens := numbers(0, 70)
	first := c.NewSequence()
	if err := first.Append(len(tokens)); err != nil { // the step that computes them is left out
		panic(err)
	}
	first.Publish(tokens)
	first.Close()
	second := c.NewSequence()
	fmt.Println(second.Adopt(tokens), len(second.Pages()), c.IdlePages())
	// Output: 64 2 0
}
