// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"slices"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// attentionProblem is queries for every position of some sequences over a cache
// that holds their keys and values.
type attentionProblem struct {
	cache          tensor.DType
	heads, kvHeads int
	headDim        int
	window         int
	pageSize       int
	pages          [][]int32
	k, v           []byte      // [pages, kvHeads, pageSize, headDim]
	scales         [2][]byte   // of k and v of I8
	q              [][]float64 // [sequence][length · heads · headDim]
}

// rowsOf is some rows of a sequence.
type rowsOf struct{ sequence, start, rows int }

func attentionDeterminismChecks() []check {
	var all []check
	for _, c := range []struct {
		cache           tensor.DType
		headDim, window int
	}{{tensor.F16, 32, 0}, {tensor.F32, 10, 300}, {tensor.BF16, 20, 0}, {tensor.I8, 64, 0},
		{tensor.F16, 64, 0}, {tensor.BF16, 128, 300}, {tensor.I8, 128, 0}} {
		name := fmt.Sprintf("cache=%v/headDim=%d/window=%d", c.cache, c.headDim, c.window)
		all = append(all, check{"Deterministic/attention/" + name, func(d *device) {
			if d.b.Deterministic() && d.takes(c.cache) {
				d.attentionAlone(newAttentionProblem(d, c.cache, c.headDim, c.window))
			}
		}})
	}
	return all
}

// newAttentionProblem has sixteen sequences; the first is longer than any piece in
// which a backend may cut positions.
func newAttentionProblem(d *device, cache tensor.DType, headDim, window int) *attentionProblem {
	p := &attentionProblem{cache: cache, heads: 6, kvHeads: 2, headDim: headDim, window: window, pageSize: 32}
	next := int32(0)
	for i := range 16 {
		length := 1 + d.rng.IntN(150)
		if i == 0 {
			length = 1200
		}
		var pages []int32
		for range (length + p.pageSize - 1) / p.pageSize {
			pages = append(pages, next)
			next++
		}
		p.pages = append(p.pages, pages)
		p.q = append(p.q, uniform(d.rng, length*p.heads*headDim))
	}
	n := int(next) * p.kvHeads * p.pageSize * headDim
	k, v := scaled(3, uniform(d.rng, n)), uniform(d.rng, n)
	if cache == tensor.I8 {
		p.k, p.scales[0] = quantizeRows(k, headDim)
		p.v, p.scales[1] = quantizeRows(v, headDim)
		return p
	}
	p.k, p.v = encode(cache, k), encode(cache, v)
	return p
}

// length returns the positions of a sequence.
func (p *attentionProblem) length(sequence int) int {
	return len(p.q[sequence]) / p.heads / p.headDim
}

// load returns the cache on a device.
func (p *attentionProblem) load(d *device) backend.KV {
	pages := len(p.k) / p.cache.Size() / p.kvHeads / p.pageSize / p.headDim
	kv := backend.KV{K: d.make(p.cache, p.k, pages, p.kvHeads, p.pageSize, p.headDim),
		V: d.make(p.cache, p.v, pages, p.kvHeads, p.pageSize, p.headDim)}
	if p.cache == tensor.I8 {
		kv.K.Scales = d.make(tensor.F16, p.scales[0], pages, p.kvHeads, p.pageSize, backend.KVScales(p.headDim))
		kv.V.Scales = d.make(tensor.F16, p.scales[1], pages, p.kvHeads, p.pageSize, backend.KVScales(p.headDim))
	}
	return kv
}

// run returns the results of a batch, [rows · heads · headDim] for each share.
func (p *attentionProblem) run(d *device, kv backend.KV, shares []rowsOf) [][]float64 {
	var batch backend.Batch
	var q []float64
	width := p.heads * p.headDim
	for _, s := range shares {
		batch.Append(make([]int32, s.rows), s.start+s.rows, p.pages[s.sequence])
		q = append(q, p.q[s.sequence][s.start*width:(s.start+s.rows)*width]...)
	}
	d.step.Begin(&batch)
	dst := d.output(batch.Rows(), p.heads, p.headDim)
	d.step.Attention(dst, d.input(q, batch.Rows(), p.heads, p.headDim), kv, 0.7, p.window)
	out := d.read(dst)
	var result [][]float64
	for _, s := range shares {
		result = append(result, out[:s.rows*width])
		out = out[s.rows*width:]
	}
	return result
}

// attentionAlone compares every row's result alone with its result in chunks, in
// batches and with other numbers of workers.
func (d *device) attentionAlone(p *attentionProblem) {
	kv, width := p.load(d), p.heads*p.headDim
	want := make([][]float64, len(p.q))
	for i := range p.q {
		for start := range p.length(i) {
			want[i] = append(want[i], p.run(d, kv, []rowsOf{{i, start, 1}})[0]...)
		}
	}
	check := func(d *device, kv backend.KV, label string, shares []rowsOf) {
		for i, got := range p.run(d, kv, shares) {
			s := shares[i]
			d.equal(fmt.Sprintf("%s: sequence %d, rows %d of %d", label, s.sequence, s.start, s.rows),
				got, want[s.sequence][s.start*width:(s.start+s.rows)*width])
		}
	}
	for _, chunk := range []int{1, 2, 3, 5, 8, 17, 64, 100, 511, 512, 1200} {
		for start := 0; start < p.length(0); start += chunk {
			check(d, kv, fmt.Sprintf("chunks of %d", chunk), []rowsOf{{0, start, min(chunk, p.length(0)-start)}})
		}
	}
	for n := 2; n <= len(p.q); n++ {
		check(d, kv, fmt.Sprintf("batch of %d", n), p.batch(d, n))
	}
	for _, workers := range []int{1, 2, 3, 4} {
		b, err := backend.Open(d.b.Name(), backend.Options{Workers: workers, Deterministic: true})
		if err != nil {
			d.Errorf("Open with %d workers: %v", workers, err)
			return
		}
		other := &device{failer: d.failer, b: b, step: backend.NewStep(b), open: d.open, rng: d.rng}
		kv := p.load(other)
		for _, shares := range [][]rowsOf{{{0, 1199, 1}}, {{0, 700, 1}}, {{0, 0, 1200}}, {{0, 1180, 5}}, p.batch(d, 16)} {
			check(other, kv, fmt.Sprintf("%d workers", workers), shares)
		}
		other.release()
		other.step.Close()
		if err := b.Close(); err != nil {
			d.Errorf("Close: %v", err)
		}
	}
	d.release()
}

// batch returns shares of n sequences: the last row of most, and chunks.
func (p *attentionProblem) batch(d *device, n int) []rowsOf {
	var shares []rowsOf
	for i := range n {
		rows := 1
		if i%3 == 1 {
			rows = 1 + d.rng.IntN(p.length(i))
		}
		shares = append(shares, rowsOf{i, p.length(i) - rows, rows})
	}
	slices.Reverse(shares)
	return shares
}
