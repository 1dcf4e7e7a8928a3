// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// schedule is a way to spread sequences over steps.
type schedule struct {
	name     string
	pageSize int
	fork     bool // the second sequence begins on the first one's pages
	// rows returns the rows that a sequence with so many tokens left gives to a
	// step, 0 for none yet.
	rows func(step, sequence, left int) int
}

func schedules() []schedule {
	return []schedule{
		{"token by token", 5, false, func(_, _, left int) int { return min(1, left) }},
		{"whole prompts in one step", 5, false, func(_, _, left int) int { return left }},
		{"chunks of 7", 5, false, func(_, _, left int) int { return min(7, left) }},
		{"chunks of 64", 5, false, func(_, _, left int) int { return min(64, left) }},
		{"prefill beside decoding", 5, false, func(step, i, left int) int {
			return min(max(0, step-3*i), left) // a row more each step, sequences one after the other
		}},
		{"pages of 1", 1, false, func(_, _, left int) int { return min(50, left) }},
		{"pages of 16", 16, false, func(_, _, left int) int { return min(50, left) }},
		{"pages of 64", 64, false, func(_, _, left int) int { return left }},
		{"fork", 5, true, func(step, i, left int) int {
			if i != 0 && step < 4 {
				return 0
			}
			return min(40, left)
		}},
	}
}

// decoder is one layer of a decoder and its head: every operation of a model.
type decoder struct {
	hidden, heads, kvHeads, headDim, inner, vocab int
	window                                        int
	cache                                         tensor.DType
	fused                                         bool // by what a Fuser does at once

	host    []*tensor.Tensor
	weights []*tensor.Tensor // on the device, as host
	table   []float64
}

const forked = 65 // tokens that the first two sequences share: a multiple of the page size 5

func newDecoder(d *device, weight, cache tensor.DType, window int, fused bool) *decoder {
	m := &decoder{hidden: 70, heads: 6, kvHeads: 2, headDim: 10, inner: 131, vocab: 40,
		window: window, cache: cache, fused: fused}
	if !isFloat(weight) || fused {
		m.hidden, m.heads, m.headDim, m.inner = 128, 8, 16, 192
	}
	q, kv := m.heads*m.headDim, m.kvHeads*m.headDim
	for _, shape := range [][]int{{m.vocab, m.hidden}, {q, m.hidden}, {kv, m.hidden}, {kv, m.hidden},
		{m.hidden, q}, {m.inner, m.hidden}, {m.inner, m.hidden}, {m.hidden, m.inner}} {
		t, _ := hostWeight(d.rng, weight, false, shape...)
		m.host = append(m.host, t)
	}
	for _, n := range []int{m.hidden, q} {
		t, _ := hostWeight(d.rng, tensor.F32, false, n)
		m.host = append(m.host, t)
	}
	m.table = rotaryTable(200, m.headDim)
	return m
}

// forward returns the logits of every row of the batch.
func (m *decoder) forward(d *device, table *tensor.Tensor, kv backend.KV, batch *backend.Batch) []float64 {
	s, w, n := d.step, m.weights, batch.Rows()
	for i := range n {
		batch.OutputRows = append(batch.OutputRows, int32(i))
	}
	s.Begin(batch)
	x := s.Tensor(n, m.hidden)
	s.Embed(x, w[0])
	if m.fused {
		m.fusedLayer(s, x, table, kv)
	} else {
		m.layer(s, x, table, kv)
	}
	h := s.Tensor(n, m.hidden)
	s.SelectRows(h, x)
	logits := s.Tensor(n, m.vocab)
	s.MatMul(logits, h, w[0], nil)
	return d.read(logits)
}

func (m *decoder) fusedLayer(s *backend.Step, x, table *tensor.Tensor, kv backend.KV) {
	w, n := m.weights, x.Dim(0)
	q, o := s.Tensor(n, m.heads, m.headDim), s.Tensor(n, m.heads, m.headDim)
	s.QKVAppend(q, x, backend.QKV{Norm: w[8], Eps: 1e-6, Q: backend.Projection{Weight: w[1], Bias: w[9]},
		K: backend.Projection{Weight: w[2]}, V: backend.Projection{Weight: w[3]}, Rotary: table, KV: kv})
	s.Attention(o, q, kv, 0.3, m.window)
	s.MatMulAdd(x, s.View(o, n, m.heads*m.headDim), backend.Projection{Weight: w[4]})
	s.MLPAdd(x, backend.Gated{Norm: w[8], Eps: 1e-6, Gate: backend.Projection{Weight: w[5]},
		Up: backend.Projection{Weight: w[6]}}, backend.Projection{Weight: w[7]})
}

func (m *decoder) layer(s *backend.Step, x, table *tensor.Tensor, kv backend.KV) {
	w, n := m.weights, x.Dim(0)
	h := s.Tensor(n, m.hidden)
	s.RMSNorm(h, x, w[8], 1e-6)
	q, k := s.Tensor(n, m.heads, m.headDim), s.Tensor(n, m.kvHeads, m.headDim)
	v, o := s.Tensor(n, m.kvHeads, m.headDim), s.Tensor(n, m.heads, m.headDim)
	wide := m.heads * m.headDim
	s.MatMul(s.View(q, n, wide), h, w[1], w[9])
	s.MatMul(s.View(k, n, m.kvHeads*m.headDim), h, w[2], nil)
	s.MatMul(s.View(v, n, m.kvHeads*m.headDim), h, w[3], nil)
	s.RotaryAppend(q, k, v, table, kv)
	s.Attention(o, q, kv, 0.3, m.window)
	s.MatMul(h, s.View(o, n, wide), w[4], nil)
	s.Add(x, x, h)
	s.RMSNorm(h, x, w[8], 1e-6)
	gate, up := s.Tensor(n, m.inner), s.Tensor(n, m.inner)
	s.MatMul(gate, h, w[5], nil)
	s.MatMul(up, h, w[6], nil)
	s.SwiGLU(gate, gate, up)
	s.MatMul(h, gate, w[7], nil)
	s.Add(x, x, h)
}

// run returns the logits [sequence][token · vocab] under a schedule.
func (m *decoder) run(d *device, tokens [][]int32, sch schedule) [][]float64 {
	m.weights = nil
	for _, h := range m.host {
		t, err := d.b.Weight(h)
		if err != nil {
			panic(err)
		}
		defer d.b.Free(t)
		m.weights = append(m.weights, t)
	}
	table := d.input(m.table, 200, m.headDim)
	cache := d.cache(m.cache, 3*200/sch.pageSize+20, m.kvHeads, sch.pageSize, m.headDim)
	pages, done := make([][]int32, len(tokens)), make([]int, len(tokens))
	logits := make([][]float64, len(tokens))
	for i := range tokens {
		pages[i] = cache.take(len(tokens[i]))
	}
	if sch.fork {
		copy(pages[1], pages[0][:forked/sch.pageSize])
		done[1] = forked
	}
	for step := 1; ; step++ {
		var batch backend.Batch
		var members, rows []int
		left := false
		for i, t := range tokens {
			n := sch.rows(step, i, len(t)-done[i])
			left = left || done[i] < len(t)
			if n > 0 {
				members, rows = append(members, i), append(rows, n)
				batch.Append(t[done[i]:done[i]+n], done[i]+n, pages[i])
				done[i] += n
			}
		}
		if !left {
			break
		}
		if len(members) == 0 {
			continue
		}
		out := m.forward(d, table, cache.kv, &batch)
		for j, i := range members {
			n := rows[j] * m.vocab
			logits[i] = append(logits[i], out[:n]...)
			out = out[n:]
		}
	}
	d.release()
	if sch.fork {
		logits[1] = append(append([]float64(nil), logits[0][:forked*m.vocab]...), logits[1]...)
	}
	return logits
}

func determinismChecks() []check {
	var all []check
	for _, c := range []struct {
		weight, cache tensor.DType
		window        int
		fused         bool
	}{{tensor.F32, tensor.F32, 0, false}, {tensor.BF16, tensor.F16, 37, false}, {tensor.F16, tensor.BF16, 0, false},
		{tensor.I8, tensor.F32, 3, false}, {tensor.Q8, tensor.F16, 0, false}, {tensor.Q4, tensor.F32, 0, false},
		{tensor.BF16, tensor.I8, 20, false}, {tensor.BF16, tensor.F16, 0, true}, {tensor.F16, tensor.F32, 0, true},
		{tensor.Q8, tensor.F32, 0, true}, {tensor.Q4, tensor.BF16, 0, true}} {
		name := fmt.Sprintf("weight=%v/cache=%v/window=%d/fused=%t", c.weight, c.cache, c.window, c.fused)
		all = append(all,
			check{"Deterministic/schedules/" + name, func(d *device) {
				d.schedules(newDecoder(d, c.weight, c.cache, c.window, c.fused))
			}},
			check{"Deterministic/workers/" + name, func(d *device) {
				d.workers(newDecoder(d, c.weight, c.cache, c.window, c.fused))
			}})
	}
	return all
}

// sequences returns prompts, the first two of which begin alike. A third has one
// token and the fourth is long enough to cross tiles.
func (d *device) sequences(vocab int) [][]int32 {
	tokens := make([][]int32, 4)
	for i, n := range []int{70, 90, 1, 170} {
		for range n {
			tokens[i] = append(tokens[i], int32(d.rng.IntN(vocab)))
		}
	}
	copy(tokens[1], tokens[0][:forked])
	return tokens
}

func (d *device) schedules(m *decoder) {
	if !d.b.Deterministic() || !d.takes(m.cache) {
		return
	}
	tokens := d.sequences(m.vocab)
	var want [][]float64
	for i := range tokens {
		alone := m.run(d, tokens[i:i+1], schedules()[0])
		want = append(want, alone[0])
	}
	for _, sch := range schedules() {
		for i, got := range m.run(d, tokens, sch) {
			d.equal(fmt.Sprintf("%s: sequence %d", sch.name, i), got, want[i])
		}
	}
}

// workers compares other numbers of workers, where the backend is registered
// under its name, and two backends open at once.
func (d *device) workers(m *decoder) {
	if !d.b.Deterministic() || !d.takes(m.cache) {
		return
	}
	tokens, sch := d.sequences(m.vocab), schedules()[3]
	want := m.run(d, tokens, sch)
	for _, workers := range []int{1, 2, 3, 8} {
		b, err := backend.Open(d.b.Name(), backend.Options{Workers: workers, Deterministic: true})
		if err != nil {
			d.Errorf("Open with %d workers: %v", workers, err)
			return
		}
		other := &device{failer: d.failer, b: b, step: backend.NewStep(b), open: d.open, rng: d.rng}
		for i, got := range m.run(other, tokens, sch) {
			d.equal(fmt.Sprintf("%d workers: sequence %d", workers, i), got, want[i])
		}
		other.step.Close()
		if err := b.Close(); err != nil {
			d.Errorf("Close: %v", err)
		}
	}
}
