// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"bytes"
	"fmt"
	"math"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

type rotaryCase struct {
	cache          tensor.DType
	heads, kvHeads int
	headDim        int
	pageSize       int
}

func rotaryChecks() []check {
	var all []check
	for _, dtype := range cacheTypes {
		all = append(all, check{fmt.Sprintf("RotaryAppend/cache=%v", dtype), func(d *device) {
			for i, headDim := range []int{2, 4, 6, 10, 14, 16, 18, 30, 64, 66, 128, 256} {
				pageSize := []int{1, 3, 8, 16, 64}[i%5]
				d.rotaryCase(rotaryCase{dtype, 2 * (1 + i%4), 2, headDim, pageSize})
			}
			d.rotaryCase(rotaryCase{dtype, 1, 1, 8, 4})
			if dtype == tensor.I8 {
				d.quantizedCache()
			}
		}})
		all = append(all, check{fmt.Sprintf("CopyPage/cache=%v", dtype), func(d *device) {
			d.copyPage(dtype)
		}})
	}
	return all
}

// rotaryTable returns cos and sin of p·θᵢ, rounded to float32.
//
//	result  [positions, headDim]
func rotaryTable(positions, headDim int) []float64 {
	table := make([]float64, 0, positions*headDim)
	half := headDim / 2
	for p := range positions {
		for i := range headDim {
			angle := float64(p) * math.Pow(1e6, -float64(i%half)/float64(half))
			f := math.Cos
			if i >= half {
				f = math.Sin
			}
			table = append(table, float64(float32(f(angle))))
		}
	}
	return table
}

func (d *device) rotaryCase(c rotaryCase) {
	d.Helper()
	if !d.takes(c.cache) {
		return
	}
	const positions = 40
	label := fmt.Sprintf("%+v", c)
	var batch backend.Batch
	cache := d.cache(c.cache, 3+len(mixed)*positions/c.pageSize+len(mixed), c.kvHeads, c.pageSize, c.headDim)
	for _, s := range mixed {
		batch.Append(make([]int32, s.rows), s.length, cache.take(s.length))
	}
	rows := batch.Rows()
	table := rotaryTable(positions, c.headDim)
	q := spread(d.rng, rows*c.heads*c.headDim)
	k, v := spread(d.rng, rows*c.kvHeads*c.headDim), spread(d.rng, rows*c.kvHeads*c.headDim)
	qt := d.inout(q, rows, c.heads, c.headDim)
	d.step.Begin(&batch)
	d.step.RotaryAppend(qt, d.inout(k, rows, c.kvHeads, c.headDim), d.input(v, rows, c.kvHeads, c.headDim),
		d.input(table, positions, c.headDim), cache.kv)

	got, keys, values := d.read(qt), d.read(cache.kv.K), d.read(cache.kv.V)
	untouched := map[int]bool{}
	for i := 0; i < len(keys); i += c.headDim {
		untouched[i] = true
	}
	row := 0
	for _, s := range batch.Sequences {
		for i := range s.Rows {
			d.rotaryRow(label, c, row+i, q, got, table[(s.Start()+i)*c.headDim:][:c.headDim], 2*ulpF32)
			for h := range c.kvHeads {
				at := cache.index(s.Pages, s.Start()+i, h)
				delete(untouched, at)
				from := ((row+i)*c.kvHeads + h) * c.headDim
				want, size := rotateReference(k[from:from+c.headDim], table[(s.Start()+i)*c.headDim:][:c.headDim])
				v := v[from : from+c.headDim]
				if c.cache == tensor.I8 {
					copy(size, blockSizes(want))
				}
				for j := range size { // below 2⁻¹⁴ the values of F16 are as far apart as at it
					size[j] = max(size[j], 1./(1<<14))
				}
				d.compare(label+": key", keys[at:at+c.headDim], want, size, 2*ulpF32+cacheTolerance(c.cache))
				if c.cache == tensor.I8 {
					d.compare(label+": value", values[at:at+c.headDim], v, blockSizes(v), cacheTolerance(c.cache))
				} else {
					d.equal(label+": value", values[at:at+c.headDim], rounded(c.cache, v))
				}
			}
		}
		row += s.Rows
	}
	for at := range untouched {
		for i := range c.headDim {
			if keys[at+i] == keys[at+i] || values[at+i] == values[at+i] {
				d.Errorf("%s: cache row %d was written to", label, at/c.headDim)
				break
			}
		}
	}
	d.release()
}

// rotaryRow compares all query heads of a row.
func (d *device) rotaryRow(label string, c rotaryCase, row int, q, got, angles []float64, tol float64) {
	d.Helper()
	for h := range c.heads {
		from := (row*c.heads + h) * c.headDim
		want, size := rotateReference(q[from:from+c.headDim], angles)
		d.compare(fmt.Sprintf("%s: query row %d", label, row), got[from:from+c.headDim], want, size, tol)
	}
}

// blockSizes returns for each element of a position the largest of its block in an
// I8 cache, and what bounds a subnormal scale.
func blockSizes(row []float64) []float64 {
	sizes := make([]float64, len(row))
	for j := range row {
		from := j / backend.KVBlock * backend.KVBlock
		for _, v := range row[from:min(from+backend.KVBlock, len(row))] {
			sizes[j] = max(sizes[j], math.Abs(v))
		}
		sizes[j] += 1. / (1 << 14)
	}
	return sizes
}

func (d *device) copyPage(dtype tensor.DType) {
	if !d.takes(dtype) {
		return
	}
	const pages, kvHeads, pageSize, headDim = 5, 2, 3, 6
	cache := d.cache(dtype, pages, kvHeads, pageSize, headDim)
	tensors := []*tensor.Tensor{cache.kv.K, cache.kv.V}
	if dtype == tensor.I8 {
		tensors = append(tensors, cache.kv.K.Scales, cache.kv.V.Scales)
	}
	want := make([][]byte, len(tensors))
	for i, t := range tensors {
		want[i] = make([]byte, t.Bytes())
		for j := range want[i] {
			want[i][j] = byte(d.rng.Uint32())
		}
		d.b.Upload(t, want[i])
	}
	d.begin(1)
	for _, p := range [][2]int{{4, 1}, {0, 4}, {2, 3}} {
		d.b.CopyPage(cache.kv, p[0], p[1])
		for i := range want {
			page := len(want[i]) / pages
			copy(want[i][p[0]*page:(p[0]+1)*page], want[i][p[1]*page:])
		}
	}
	for i, t := range tensors {
		if !bytes.Equal(d.bytes(t), want[i]) {
			d.Errorf("CopyPage: %v: wrong pages", []string{"K", "V", "K's scales", "V's scales"}[i])
		}
	}
}
