// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"slices"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// cache is a KV cache whose unwritten positions are poison.
type cache struct {
	dtype                      tensor.DType
	kvHeads, pageSize, headDim int
	kv                         backend.KV
	free                       []int32 // pages, shuffled
}

func (d *device) cache(dtype tensor.DType, pages, kvHeads, pageSize, headDim int) *cache {
	c := &cache{dtype, kvHeads, pageSize, headDim, backend.KV{}, pageList(pages)}
	d.rng.Shuffle(pages, func(i, j int) { c.free[i], c.free[j] = c.free[j], c.free[i] })
	for _, t := range []**tensor.Tensor{&c.kv.K, &c.kv.V} {
		*t = d.make(dtype, nil, pages, kvHeads, pageSize, headDim)
		if dtype == tensor.I8 {
			(*t).Scales = d.make(tensor.F16, nil, pages, kvHeads, pageSize, backend.KVScales(headDim))
		}
	}
	return c
}

// take returns pages for length positions.
func (c *cache) take(length int) []int32 {
	n := (length + c.pageSize - 1) / c.pageSize
	pages := slices.Clone(c.free[:n])
	c.free = c.free[n:]
	return pages
}

// index returns the first element of a position of a head.
func (c *cache) index(pages []int32, position, head int) int {
	page, slot := int(pages[position/c.pageSize]), position%c.pageSize
	return ((page*c.kvHeads+head)*c.pageSize + slot) * c.headDim
}

// store sets the sequence's positions, which must not have been written before.
//
//	values  [length, kvHeads, headDim]
func (d *device) store(c *cache, t *tensor.Tensor, pages []int32, values []float64) {
	if c.dtype == tensor.I8 {
		q, scales := quantizeRows(values, c.headDim)
		d.put(c, t, pages, q)
		d.put(c, t.Scales, pages, scales)
		return
	}
	d.put(c, t, pages, encode(c.dtype, values))
}

// put writes a sequence's rows into keys, values or scales of the cache.
//
//	rows  [length, kvHeads, t's last axis]
func (d *device) put(c *cache, t *tensor.Tensor, pages []int32, rows []byte) {
	all, size := d.bytes(t), t.Dim(-1)*t.DType.Size()
	for i := range len(rows) / size {
		at := c.index(pages, i/c.kvHeads, i%c.kvHeads) / c.headDim * size
		copy(all[at:], rows[i*size:(i+1)*size])
	}
	d.b.Upload(t, all)
}

// gather returns a head's elements of a sequence's positions [0, length).
//
//	all     what keys or values of the cache hold
//	result  [length, headDim]
func (c *cache) gather(all []float64, pages []int32, length, head int) []float64 {
	out := make([]float64, 0, length*c.headDim)
	for position := range length {
		out = append(out, all[c.index(pages, position, head):][:c.headDim]...)
	}
	return out
}

// rounded returns the values as the type holds them.
func rounded(dtype tensor.DType, values []float64) []float64 {
	return decode(dtype, encode(dtype, values))
}
