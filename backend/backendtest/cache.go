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

// fill writes length positions of a sequence into a host copy of the cache.
//
//	values  [length, kvHeads, headDim]
func (c *cache) fill(host []float64, pages []int32, values []float64) {
	d := c.headDim
	for i := 0; i < len(values); i += d {
		position, head := i/d/c.kvHeads, i/d%c.kvHeads
		copy(host[c.index(pages, position, head):], values[i:i+d])
	}
}

// store sets the sequence's positions, which must not have been written before.
func (d *device) store(c *cache, t *tensor.Tensor, pages []int32, values []float64) {
	host := d.read(t)
	c.fill(host, pages, values)
	if c.dtype == tensor.I8 {
		q, scales := quantizeRows(host, c.headDim)
		d.b.Upload(t, q)
		d.b.Upload(t.Scales, scales)
		return
	}
	data := encode(c.dtype, host)
	poisonAgain(d.bytes(t), data, c.dtype)
	d.b.Upload(t, data)
}

// poisonAgain keeps the NaN of old where data is NaN: encode makes another.
func poisonAgain(old, data []byte, dtype tensor.DType) {
	for i, v := range decode(dtype, data) {
		if v != v {
			size := dtype.Size()
			copy(data[i*size:(i+1)*size], old[i*size:])
		}
	}
}

// rounded returns the values as the type holds them.
func rounded(dtype tensor.DType, values []float64) []float64 {
	return decode(dtype, encode(dtype, values))
}
