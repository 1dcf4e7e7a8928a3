// SPDX-License-Identifier: Apache-2.0

package kvcache

import (
	"errors"
	"fmt"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// ErrFull is what Append's error matches when too few pages are free.
var ErrFull = errors.New("kvcache: no free page")

// PageSize is the number of positions of a page.
const PageSize = 32

// Shape is what one position of the cache holds.
type Shape struct {
	Layers  int // num_hidden_layers
	KVHeads int // num_key_value_heads
	HeadDim int
	DType   tensor.DType // F32, F16, BF16, or I8 where the backend is a KVQuantizer
}

// PageBytes returns the bytes of one page over all layers, keys and values.
func (s Shape) PageBytes() int { return s.Layers * PageSize * s.PositionBytes() }

// PositionBytes returns the bytes of one position in one layer, its key and value.
func (s Shape) PositionBytes() int {
	return 2 * s.KVHeads * (s.HeadDim*s.DType.Size() + s.scales()*tensor.F16.Size())
}

// scales returns the number of scales of one position of a head.
func (s Shape) scales() int {
	if s.DType != tensor.I8 {
		return 0
	}
	return backend.KVScales(s.HeadDim)
}

// Cache is a pool of pages.
type Cache struct {
	backend backend.Backend
	shape   Shape
	layers  []backend.KV // [layers], each [pages, kvHeads, PageSize, headDim]
	refs    []int32      // [pages]; sequences that hold the page
	shared  int          // pages with more than one of them
	free    []int32      // ids of pages that nobody holds and that hold nothing; the last is taken next
	prefixes
}

// New allocates a cache of the given number of pages.
func New(b backend.Backend, shape Shape, pages int) (*Cache, error) {
	if shape.DType == tensor.I8 && !backend.QuantizesKV(b) {
		return nil, fmt.Errorf("kvcache: backend %q has no cache of I8", b.Name())
	}
	c := &Cache{backend: b, shape: shape, refs: make([]int32, pages), prefixes: newPrefixes(pages)}
	for layer := range shape.Layers {
		kv, err := c.allocLayer(pages)
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("kvcache: layer %d of %d, %d pages: %w", layer, shape.Layers, pages, err)
		}
		c.layers = append(c.layers, kv)
	}
	for page := pages - 1; page >= 0; page-- {
		c.free = append(c.free, int32(page))
	}
	return c, nil
}

func (c *Cache) allocLayer(pages int) (kv backend.KV, err error) {
	if kv.K, err = c.alloc(pages); err != nil {
		return kv, err
	}
	if kv.V, err = c.alloc(pages); err != nil {
		c.backend.Free(kv.K)
	}
	return kv, err
}

// alloc returns keys or values of one layer.
func (c *Cache) alloc(pages int) (*tensor.Tensor, error) {
	t, err := c.backend.Alloc(c.shape.DType, pages, c.shape.KVHeads, PageSize, c.shape.HeadDim)
	if err != nil || c.shape.scales() == 0 {
		return t, err
	}
	t.Scales, err = c.backend.Alloc(tensor.F16, pages, c.shape.KVHeads, PageSize, c.shape.scales())
	if err != nil {
		c.backend.Free(t)
		return nil, err
	}
	return t, nil
}

// Close frees the pages. No sequence may be used after it.
func (c *Cache) Close() {
	for _, kv := range c.layers {
		c.backend.Free(kv.K)
		c.backend.Free(kv.V)
	}
	c.layers = nil
}

// Layer returns the keys and values of layer i.
func (c *Cache) Layer(i int) backend.KV { return c.layers[i] }

// Shape returns what one position holds.
func (c *Cache) Shape() Shape { return c.shape }

// Pages returns the number of pages of the cache.
func (c *Cache) Pages() int { return len(c.refs) }

// FreePages returns the number of pages no sequence holds. Those of them that
// still hold a published prefix, IdlePages, are given up when they are needed.
func (c *Cache) FreePages() int { return len(c.free) + c.idle }

// IdlePages returns the number of pages that hold a published prefix and are held
// by no sequence.
func (c *Cache) IdlePages() int { return c.idle }

// SharedPages returns the number of pages that several sequences hold.
func (c *Cache) SharedPages() int { return c.shared }

// Holds returns the number of sequences that hold a page.
func (c *Cache) Holds(page int32) int { return int(c.refs[page]) }

// Forget gives up the published prefixes that no sequence holds.
func (c *Cache) Forget() {
	for c.idle > 0 {
		c.free = append(c.free, c.evict())
	}
}

// take returns a free page, held once. The caller has checked that one is free.
func (c *Cache) take() int32 {
	var page int32
	if last := len(c.free) - 1; last >= 0 {
		page, c.free = c.free[last], c.free[:last]
	} else {
		page = c.evict()
	}
	c.refs[page] = 1
	return page
}

// hold begins one more hold of the page.
func (c *Cache) hold(page int32) {
	switch c.refs[page]++; c.refs[page] {
	case 1:
		c.unlink(page)
	case 2:
		c.shared++
	}
}

// drop ends one hold of the page.
func (c *Cache) drop(page int32) {
	switch c.refs[page]--; {
	case c.refs[page] == 1:
		c.shared--
	case c.refs[page] == 0 && c.published(page):
		c.link(page)
	case c.refs[page] == 0:
		c.free = append(c.free, page)
	}
}
