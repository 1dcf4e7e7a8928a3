// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"math"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// unfused hides what a backend fuses.
type unfused struct{ backend.Backend }

// fusedChecks compare what a Fuser does at once with the composition that it stands
// for. For a backend that is none both are the same.
func fusedChecks() []check {
	var all []check
	for _, weight := range weightTypes {
		all = append(all, check{fmt.Sprintf("Fused/weight=%v", weight), func(d *device) {
			for _, n := range []int{1, 3, 4, 5, 8, 16, 40, 130} {
				d.fusedMLP(weight, n)
				d.fusedQKV(weight, tensor.F32, n)
				if d.takes(tensor.I8) {
					d.fusedQKV(weight, tensor.I8, n)
				}
			}
		}})
	}
	return all
}

// both calls op on a step that may fuse and on one that does not.
func (d *device) both(batch *backend.Batch, op func(i int, s *backend.Step)) {
	plain := backend.NewStep(unfused{d.b})
	defer plain.Close()
	for i, s := range []*backend.Step{plain, d.step} {
		s.Begin(batch)
		op(i, s)
		if err := s.Sync(); err != nil {
			d.Errorf("Sync: %v", err)
		}
	}
}

// near compares results relative to the largest of want.
func (d *device) near(label string, got, want []float64, tol float64) {
	d.Helper()
	size := make([]float64, len(want))
	for _, w := range want {
		if a := math.Abs(w); finite(a) {
			size[0] = max(size[0], a)
		}
	}
	for i := range size {
		size[i] = size[0]
	}
	d.compare(label, got, want, size, tol)
}

func (d *device) projection(dtype tensor.DType, out, in int, bias bool) (p backend.Projection) {
	p.Weight, _ = d.weight(dtype, false, out, in)
	if bias {
		p.Bias, _ = d.weight(tensor.F32, false, out)
	}
	return p
}

func (d *device) freeProjections(all ...backend.Projection) {
	for _, p := range all {
		d.b.Free(p.Weight)
		d.b.Free(p.Bias)
	}
}

// fusedMLP is MatMulSwiGLU, MatMulAdd and MLPAdd, each tolerance that of its products
// one after the other.
func (d *device) fusedMLP(weight tensor.DType, n int) {
	d.Helper()
	const hidden, inner = 128, 320
	label, tol := fmt.Sprintf("weight=%v/n=%d", weight, n), 2*matMulTolerance(weight, inner)
	norm, _ := d.weight(tensor.F32, false, hidden)
	gate, up := d.projection(weight, inner, hidden, false), d.projection(weight, inner, hidden, false)
	down := d.projection(weight, hidden, inner, n%2 == 1)
	gated := backend.Gated{Norm: norm, Eps: 1e-6, Gate: gate, Up: up}
	x, h := uniform(d.rng, n*hidden), uniform(d.rng, n*inner)
	var sums, inners, outs [2]*tensor.Tensor
	batch := &backend.Batch{}
	batch.Append(make([]int32, n), n, pageList(1))
	d.both(batch, func(i int, s *backend.Step) {
		in := d.input(x, n, hidden)
		sums[i], inners[i], outs[i] = d.inout(x, n, hidden), d.output(n, inner), d.inout(x, n, hidden)
		s.MatMulAdd(sums[i], d.input(h, n, inner), down)
		s.MatMulSwiGLU(inners[i], in, gated)
		s.MLPAdd(outs[i], gated, down)
	})
	d.near(label+"/MatMulAdd", d.read(sums[1]), d.read(sums[0]), tol)
	d.near(label+"/MatMulSwiGLU", d.read(inners[1]), d.read(inners[0]), 2*tol)
	d.near(label+"/MLPAdd", d.read(outs[1]), d.read(outs[0]), 4*tol)
	d.release()
	d.freeProjections(gate, up, down)
	d.b.Free(norm)
}

// fusedQKV is QKVAppend. An element of an I8 cache may be a step of its scale away,
// besides what its product may be.
func (d *device) fusedQKV(weight, kv tensor.DType, n int) {
	d.Helper()
	const hidden, heads, kvHeads, headDim, pageSize = 128, 4, 2, 64, 32
	label, tol := fmt.Sprintf("weight=%v/cache=%v/n=%d", weight, kv, n), 2*matMulTolerance(weight, hidden)
	cached := tol
	if kv == tensor.I8 {
		cached += 2 * cacheTolerance(kv)
	}
	norm, _ := d.weight(tensor.F32, false, hidden)
	q := d.projection(weight, heads*headDim, hidden, true)
	k, v := d.projection(weight, kvHeads*headDim, hidden, true), d.projection(weight, kvHeads*headDim, hidden, false)
	x, table := uniform(d.rng, n*hidden), rotaryTable(n+3, headDim)
	var queries, keys, values [2]*tensor.Tensor
	batch := &backend.Batch{}
	batch.Append(make([]int32, n), n+2, pageList((n+2+pageSize-1)/pageSize))
	d.both(batch, func(i int, s *backend.Step) {
		cache := d.cache(kv, len(batch.Sequences[0].Pages), kvHeads, pageSize, headDim)
		queries[i], keys[i], values[i] = d.output(n, heads, headDim), cache.kv.K, cache.kv.V
		s.QKVAppend(queries[i], d.input(x, n, hidden), backend.QKV{Norm: norm, Eps: 1e-6, Q: q, K: k, V: v,
			Rotary: d.input(table, n+3, headDim), KV: cache.kv})
	})
	d.near(label+"/queries", d.read(queries[1]), d.read(queries[0]), tol)
	d.near(label+"/keys", d.read(keys[1]), d.read(keys[0]), cached)
	d.near(label+"/values", d.read(values[1]), d.read(values[0]), cached)
	d.release()
	d.freeProjections(q, k, v)
	d.b.Free(norm)
}
