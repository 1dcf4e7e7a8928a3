// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

type rotaryArgs struct {
	q, k, v        []float32 // [rows, heads, headDim], [rows, kvHeads, headDim]
	table          []float32 // [positions, headDim]
	keys, values   cache     // [pages · kvHeads · pageSize, headDim]
	heads, kvHeads int
	headDim        int
	pageSize       int
}

// RotaryAppend rotates q and k by their rows' positions and appends k and v to
// the cache. k is rotated in place.
func (b *Backend) RotaryAppend(q, k, v, table *tensor.Tensor, kv backend.KV) {
	b.rotary = rotaryArgs{
		q: tensor.Slice[float32](q), k: tensor.Slice[float32](k), v: tensor.Slice[float32](v),
		table: tensor.Slice[float32](table),
		keys:  cacheOf(kv.K), values: cacheOf(kv.V),
		heads: q.Dim(1), kvHeads: kv.K.Dim(1), headDim: q.Dim(2), pageSize: kv.K.Dim(2),
	}
	width := (b.rotary.heads + 2*b.rotary.kvHeads) * b.rotary.headDim
	b.pool.run(q.Dim(0), rowGrain(copyGrain, width), (*Backend).rotaryRows)
}

func (b *Backend) rotaryRows(_ *worker, lo, hi int) {
	a := &b.rotary
	d := a.headDim
	for row := lo; row < hi; row++ {
		position := int(b.batch.Positions[row])
		angles := a.table[position*d:][:d]
		simd.Rotate(a.q[row*a.heads*d:][:a.heads*d], angles)
		k, v := a.k[row*a.kvHeads*d:][:a.kvHeads*d], a.v[row*a.kvHeads*d:][:a.kvHeads*d]
		simd.Rotate(k, angles)
		pages := b.batch.Sequences[b.sequences[row]].Pages
		for h := range a.kvHeads {
			slot := cacheRow(pages, position, h, a.kvHeads, a.pageSize)
			a.keys.narrow(slot, k[h*d:][:d])
			a.values.narrow(slot, v[h*d:][:d])
		}
	}
}

// cacheRow returns the index, in units of headDim elements, of a position of a
// head in [pages, kvHeads, pageSize, headDim].
func cacheRow(pages []int32, position, head, kvHeads, pageSize int) int {
	return (int(pages[position/pageSize])*kvHeads+head)*pageSize + position%pageSize
}
