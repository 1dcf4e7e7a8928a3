// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"math"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// The I8 cache by its definition in backend.KV, through float64.

// cacheTypes are the types of a cache; a backend need not take I8.
var cacheTypes = []tensor.DType{tensor.F32, tensor.F16, tensor.BF16, tensor.I8}

// takes reports whether the backend has caches of that type.
func (d *device) takes(cache tensor.DType) bool {
	return cache != tensor.I8 || backend.QuantizesKV(d.b)
}

// quantizeRows returns rows of values as I8 and their scales. A block that holds a
// NaN or an infinity has a scale of NaN.
//
//	values  [rows, headDim]
//
//go:norace
//go:nocheckptr
func quantizeRows(values []float64, headDim int) (q, scales []byte) {
	var all []float64
	for row := 0; row < len(values); row += headDim {
		for j := 0; j < headDim; j += backend.KVBlock {
			block := values[row+j : row+min(j+backend.KVBlock, headDim)]
			scale := blockScale(block)
			all = append(all, scale)
			for _, v := range block {
				n := 0
				if scale > 0 {
					n = int(math.RoundToEven(v / scale))
				}
				q = append(q, byte(int8(n)))
			}
		}
	}
	return q, encode(tensor.F16, all)
}

// blockScale returns the least binary16 not below max|x| / 127.
//
//go:norace
//go:nocheckptr
func blockScale(block []float64) float64 {
	largest := 0.
	for _, v := range block {
		if !finite(v) {
			return math.NaN()
		}
		largest = max(largest, math.Abs(v))
	}
	f := formats[tensor.F16]
	h := f.bits(largest / 127)
	if f.value(h) < largest/127 {
		h++
	}
	return f.value(h)
}

// dequantize returns q · scales.
//
//	q       [rows, headDim]
//	scales  [rows, KVScales(headDim)]
//
//go:norace
//go:nocheckptr
func dequantize(q []byte, scales []float64, headDim int) []float64 {
	out := make([]float64, len(q))
	for i, v := range q {
		row, j := i/headDim, i%headDim
		out[i] = float64(int8(v)) * scales[row*backend.KVScales(headDim)+j/backend.KVBlock]
	}
	return out
}

// quantizedCache appends to an I8 cache and compares what it holds with what was
// appended, scales and all.
func (d *device) quantizedCache() {
	if !d.takes(tensor.I8) {
		return
	}
	const pageSize, kvHeads = 4, 2
	for _, headDim := range []int{2, 10, 32, 34, 64, 96, 128} {
		rows := 9
		c := d.cache(tensor.I8, 5, kvHeads, pageSize, headDim)
		var batch backend.Batch
		batch.Append(make([]int32, rows), rows, c.take(rows))
		v := spread(d.rng, rows*kvHeads*headDim)
		clear(v[3*headDim : 4*headDim])      // a scale of 0
		scaled(1e-7, v[5*headDim:6*headDim]) // a subnormal one
		v[7*headDim] = math.Inf(1)
		d.step.Begin(&batch)
		zero := func() *tensor.Tensor { return d.inout(make([]float64, len(v)), rows, kvHeads, headDim) }
		table := d.input(rotaryTable(rows, headDim), rows, headDim)
		d.step.RotaryAppend(zero(), zero(), d.input(v, rows, kvHeads, headDim), table, c.kv)
		got, scales := d.read(c.kv.V), d.read(c.kv.V.Scales)
		for i := 0; i < len(v); i += headDim {
			at := c.index(batch.Sequences[0].Pages, i/headDim/kvHeads, i/headDim%kvHeads)
			d.quantizedRow(fmt.Sprintf("headDim=%d: row %d", headDim, i/headDim), v[i:i+headDim],
				got[at:at+headDim], scales[at/headDim*backend.KVScales(headDim):])
		}
		d.release()
	}
}

// quantizedRow compares a row: its scales are exact, its elements within half of one.
func (d *device) quantizedRow(label string, want, got, scales []float64) {
	d.Helper()
	for j := 0; j < len(want); j += backend.KVBlock {
		end := min(j+backend.KVBlock, len(want))
		scale := blockScale(want[j:end])
		d.equal(label+": scale", scales[j/backend.KVBlock:][:1], []float64{scale})
		for i := j; i < end; i++ {
			if !within(got[i], want[i]+scale-scale, 0.5001*scale) {
				d.Errorf("%s: element %d is %v, want %v with a scale of %v", label, i, got[i], want[i], scale)
				return
			}
		}
	}
}
