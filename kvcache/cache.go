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
	DType   tensor.DType // F32, F16 or BF16
}

// PageBytes returns the bytes of one page over all layers, keys and values.
func (s Shape) PageBytes() int {
	return 2 * s.Layers * s.KVHeads * PageSize * s.HeadDim * s.DType.Size()
}

// Cache is a pool of pages.
type Cache struct {
	backend backend.Backend
	shape   Shape
	layers  []backend.KV // [layers], each [pages, kvHeads, PageSize, headDim]
	refs    []int32      // [pages]; sequences that hold the page
	free    []int32      // ids of pages nobody holds; the last is taken next
}

// New allocates a cache of the given number of pages.
func New(b backend.Backend, shape Shape, pages int) (*Cache, error) {
	c := &Cache{backend: b, shape: shape, refs: make([]int32, pages)}
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
	dims := []int{pages, c.shape.KVHeads, PageSize, c.shape.HeadDim}
	if kv.K, err = c.backend.Alloc(c.shape.DType, dims...); err != nil {
		return kv, err
	}
	if kv.V, err = c.backend.Alloc(c.shape.DType, dims...); err != nil {
		c.backend.Free(kv.K)
	}
	return kv, err
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

// FreePages returns the number of pages no sequence holds.
func (c *Cache) FreePages() int { return len(c.free) }

// take returns a free page, held once. The caller has checked that one is free.
func (c *Cache) take() int32 {
	page := c.free[len(c.free)-1]
	c.free = c.free[:len(c.free)-1]
	c.refs[page] = 1
	return page
}

// drop ends one hold of the page.
func (c *Cache) drop(page int32) {
	if c.refs[page]--; c.refs[page] == 0 {
		c.free = append(c.free, page)
	}
}
