// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"math"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

type attentionCase struct {
	cache          tensor.DType
	heads, kvHeads int
	headDim        int
	pageSize       int
	window         int
	sequences      []share
}

// share is a sequence's rows in a batch and its length with them.
type share struct{ rows, length int }

func (c attentionCase) String() string {
	return fmt.Sprintf("cache=%v/heads=%d/kvHeads=%d/headDim=%d/pageSize=%d/window=%d/%v",
		c.cache, c.heads, c.kvHeads, c.headDim, c.pageSize, c.window, c.sequences)
}

// mixed is a prefill from nothing, decoding, a later chunk, and a lone first token.
var mixed = []share{{5, 5}, {1, 20}, {1, 9}, {7, 33}, {1, 1}}

func attentionChecks() []check {
	var all []check
	for _, dtype := range cacheTypes {
		cases := map[string][]attentionCase{}
		add := func(name string, heads, kvHeads, headDim, pageSize, window int, s []share) {
			cases[name] = append(cases[name], attentionCase{dtype, heads, kvHeads, headDim, pageSize, window, s})
		}
		for _, group := range []int{1, 2, 3, 4, 7, 8} {
			add("groups", 2*group, 2, 8, 4, 0, mixed)
		}
		for _, d := range []int{2, 4, 6, 10, 14, 16, 18, 30, 32, 34, 64, 66, 80, 96, 126, 128, 130, 192, 256} {
			add("head dims", 4, 2, d, 8, 0, []share{{3, 11}, {1, 18}})
		}
		for _, size := range []int{1, 2, 3, 7, 8, 15, 16, 17, 32, 64} {
			add("page sizes", 3, 1, 10, size, 0, mixed)
		}
		for _, window := range []int{1, 2, 5, 16, 31, 64, 100, 129, 1000} {
			add("windows", 4, 2, 6, 5, window, []share{{9, 9}, {1, 150}, {70, 140}})
		}
		for _, length := range []int{1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300} {
			add("lengths", 2, 1, 8, 16, 0, []share{{1, length}, {length, length}, {(length + 1) / 2, length}})
		}
		add("lengths", 2, 1, 8, 16, 0, []share{{1, 5000}})
		for _, d := range []int{64, 128} {
			for _, window := range []int{0, 100} {
				for _, s := range [][]share{{{1, 1}, {1, 700}, {1, 64}}, {{70, 140}, {3, 900}, {1, 33}}, {{1, 2500}}} {
					add("pages of 32", 16, 2, d, 32, window, s)
				}
			}
		}
		add("one key head of many", 80, 1, 16, 16, 0, []share{{1, 40}, {20, 40}})
		for _, name := range []string{"groups", "head dims", "page sizes", "windows", "lengths", "pages of 32", "one key head of many"} {
			all = append(all, check{fmt.Sprintf("Attention/cache=%v/%s", dtype, name), func(d *device) {
				for _, c := range cases[name] {
					d.attentionCase(c, 1)
				}
			}})
		}
		all = append(all, check{fmt.Sprintf("Attention/cache=%v/large scores", dtype), func(d *device) {
			// exp of a score would overflow; the softmax must subtract the maximum.
			d.attentionCase(attentionCase{dtype, 4, 2, 8, 4, 0, mixed}, 300)
		}})
	}
	return all
}

// attentionCase compares Attention over a cache of random values; queries are
// multiplied by factor.
func (d *device) attentionCase(c attentionCase, factor float64) {
	d.Helper()
	if !d.takes(c.cache) {
		return
	}
	pages := 3
	for _, s := range c.sequences {
		pages += s.length/c.pageSize + 1
	}
	cache := d.cache(c.cache, pages, c.kvHeads, c.pageSize, c.headDim)
	var batch backend.Batch
	for _, s := range c.sequences {
		list := cache.take(s.length)
		n := s.length * c.kvHeads * c.headDim
		d.store(cache, cache.kv.K, list, uniform(d.rng, n))
		d.store(cache, cache.kv.V, list, uniform(d.rng, n))
		batch.Append(make([]int32, s.rows), s.length, list)
	}
	q := uniform(d.rng, batch.Rows()*c.heads*c.headDim)
	for i := range q {
		q[i] = float64(float32(q[i] * factor))
	}
	d.step.Begin(&batch)
	scale := float32(1 / math.Sqrt(float64(c.headDim)))
	dst := d.output(batch.Rows(), c.heads, c.headDim)
	d.step.Attention(dst, d.input(q, batch.Rows(), c.heads, c.headDim), cache.kv, scale, c.window)
	d.compareAttention(c.String(), d.read(dst), q, cache, &batch, scale, c.window)
	d.release()
}

// compareAttention compares got with the reference over what cache holds.
//
//	got, q  [rows, heads, headDim]
func (d *device) compareAttention(label string, got, q []float64, c *cache, batch *backend.Batch,
	scale float32, window int) {
	d.Helper()
	k, v := d.read(c.kv.K), d.read(c.kv.V)
	group := len(q) / batch.Rows() / c.headDim / c.kvHeads
	row := 0
	for _, s := range batch.Sequences {
		for head := range c.kvHeads {
			keys := c.gather(k, s.Pages, s.Length, head)
			values := c.gather(v, s.Pages, s.Length, head)
			for i := range s.Rows {
				first, end := 0, s.Start()+i+1
				if window > 0 {
					first = max(0, end-window)
				}
				for h := head * group; h < (head+1)*group; h++ {
					from := ((row+i)*c.kvHeads*group + h) * c.headDim
					want, size, scores := attentionReference(q[from:from+c.headDim],
						keys[first*c.headDim:end*c.headDim], values[first*c.headDim:end*c.headDim], float64(scale))
					tol := attentionTolerance(d.multiplies(c.dtype), c.headDim, end-first, scores)
					if !finite(scores) {
						tol = attentionTolerance(d.multiplies(c.dtype), c.headDim, end-first, 1)
					}
					d.compare(fmt.Sprintf("%s: row %d head %d", label, row+i, h),
						got[from:from+c.headDim], want, size, tol)
				}
			}
		}
		row += s.Rows
	}
}
