// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"math"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// specials are the values that must show in every result they contribute to, and
// in no other.
var specials = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}

func nonFiniteChecks() []check {
	return []check{
		{"NaN and infinity/MatMul", (*device).matMulNonFinite},
		{"NaN and infinity/RMSNorm", (*device).normNonFinite},
		{"NaN and infinity/SwiGLU", (*device).swiGLUNonFinite},
		{"NaN and infinity/Add", (*device).addNonFinite},
		{"NaN and infinity/Attention", (*device).attentionNonFinite},
		{"NaN and infinity/RotaryAppend", (*device).rotaryNonFinite},
	}
}

// matMulNonFinite also multiplies infinity by zero, which is NaN.
func (d *device) matMulNonFinite() {
	const n, in, out = 3, 70, 9
	for _, dtype := range floatTypes {
		for _, special := range specials {
			for _, zero := range []bool{false, true} {
				x, w := uniform(d.rng, n*in), rounded(dtype, uniform(d.rng, out*in))
				x[1*in+33] = special
				w[4*in+50] = special
				if zero {
					for i := range out {
						w[i*in+33] = 0
					}
					for i := range n {
						x[i*in+50] = 0
					}
				}
				weight, err := d.b.Weight(hostTensor(dtype, encode(dtype, w), false, out, in))
				if err != nil {
					panic(err)
				}
				d.begin(n)
				dst := d.output(n, out)
				d.step.MatMul(dst, d.input(x, n, in), weight, nil)
				want, size := matMulReference(x, w, nil, n, in, out)
				d.compare(fmt.Sprintf("weight=%v/%v/zero=%v", dtype, special, zero),
					d.read(dst), want, size, matMulTolerance(dtype, in))
				d.b.Free(weight)
				d.release()
			}
		}
	}
}

func (d *device) normNonFinite() {
	const n, hidden = 3, 33
	weight, w := d.weight(tensor.F32, false, hidden)
	for _, special := range specials {
		x := uniform(d.rng, n*hidden)
		x[1*hidden+20] = special
		want := normReference(x, w, 1e-6)
		d.begin(n)
		dst := d.output(n, hidden)
		d.step.RMSNorm(dst, d.input(x, n, hidden), weight, 1e-6)
		got := d.read(dst)
		// x / infinity is 0 or, where the scale is multiplied, 0 too; a NaN taints the row.
		d.compare(fmt.Sprint(special), got, want, abs(want), elementTolerance+sumTolerance(hidden))
	}
}

func (d *device) swiGLUNonFinite() {
	var gate, up []float64
	for _, special := range specials {
		gate = append(gate, special, 1, special, 0, -1)
		up = append(up, 1, special, special, special, special)
	}
	d.begin(1)
	dst := d.output(1, len(gate))
	d.step.SwiGLU(dst, d.input(gate, 1, len(gate)), d.input(up, 1, len(gate)))
	want, got := swiGLUReference(gate, up), d.read(dst)
	for i := range want {
		// silu(-Inf) is NaN by the formula and 0 in the limit.
		if math.IsInf(gate[i], -1) && finite(up[i]) {
			continue
		}
		d.compare(fmt.Sprintf("gate=%v/up=%v", gate[i], up[i]), got[i:i+1], want[i:i+1], abs(want[i:i+1]), elementTolerance)
	}
}

func (d *device) addNonFinite() {
	x := []float64{math.NaN(), math.Inf(1), math.Inf(1), math.Inf(-1), 3e38, 1, 1}
	y := []float64{1, 1, math.Inf(-1), 1, 3e38, math.NaN(), 2}
	x, y = scaled(1, x), scaled(1, y)
	d.begin(1)
	dst := d.output(1, len(x))
	d.step.Add(dst, d.input(x, 1, len(x)), d.input(y, 1, len(x)))
	want := make([]float64, len(x))
	for i := range x {
		want[i] = float64(float32(x[i]) + float32(y[i]))
	}
	d.equal("sum", d.read(dst), want)
}

// attentionNonFinite puts a special value into one key, value or query of one
// sequence of a batch: rows before it, other heads and other sequences must not
// see it.
func (d *device) attentionNonFinite() {
	const heads, kvHeads, headDim, pageSize, length = 4, 2, 6, 4, 90
	for _, dtype := range cacheTypes {
		if !d.takes(dtype) {
			continue
		}
		for _, special := range specials {
			for _, where := range []string{"key", "value", "query"} {
				cache := d.cache(dtype, 50, kvHeads, pageSize, headDim)
				var batch backend.Batch
				for i := range 2 {
					pages := cache.take(length)
					k, v := uniform(d.rng, length*kvHeads*headDim), uniform(d.rng, length*kvHeads*headDim)
					at := (70*kvHeads+1)*headDim + 3
					if i == 0 && where == "key" {
						k[at] = special
					}
					if i == 0 && where == "value" {
						v[at] = special
					}
					d.store(cache, cache.kv.K, pages, k)
					d.store(cache, cache.kv.V, pages, v)
					batch.Append(make([]int32, 60), length, pages)
				}
				n := batch.Rows() * heads * headDim
				q := uniform(d.rng, n)
				if where == "query" {
					q[(17*heads+2)*headDim+1] = special
				}
				d.step.Begin(&batch)
				dst := d.output(batch.Rows(), heads, headDim)
				d.step.Attention(dst, d.input(q, batch.Rows(), heads, headDim), cache.kv, 0.4, 0)
				d.compareAttention(fmt.Sprintf("cache=%v/%s=%v", dtype, where, special),
					d.read(dst), q, cache, &batch, 0.4, 0)
				d.release()
			}
		}
	}
}

func (d *device) rotaryNonFinite() {
	const heads, headDim = 1, 4
	for _, dtype := range floatTypes {
		for _, special := range specials {
			cache := d.cache(dtype, 2, heads, 2, headDim)
			var batch backend.Batch
			batch.Append(make([]int32, 2), 2, cache.take(2))
			v := []float64{1, special, 2, 3, 4, 5, 6, 7}
			k := []float64{1, 2, 3, 4, 5, 6, 7, special}
			d.step.Begin(&batch)
			d.step.RotaryAppend(d.inout(make([]float64, 8), 2, heads, headDim), d.inout(k, 2, heads, headDim),
				d.input(v, 2, heads, headDim), d.input(rotaryTable(2, headDim), 2, headDim), cache.kv)
			keys, values := d.read(cache.kv.K), d.read(cache.kv.V)
			at := cache.index(batch.Sequences[0].Pages, 0, 0)
			d.equal("value", values[at:at+headDim], v[:headDim])
			at = cache.index(batch.Sequences[0].Pages, 1, 0)
			if finite(keys[at+3]) || !finite(keys[at]) {
				d.Errorf("key of %v: %v", special, keys[at:at+headDim])
			}
			d.release()
		}
	}
}
