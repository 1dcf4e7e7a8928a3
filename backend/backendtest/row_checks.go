// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"math"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// widths go around the sizes at which loops are unrolled.
var widths = []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 255, 257, 1023, 4096}

func rowChecks() []check {
	var all []check
	for _, dtype := range weightTypes {
		all = append(all, check{fmt.Sprintf("Embed/table=%v", dtype), func(d *device) { d.embed(dtype) }})
	}
	for _, dtype := range floatTypes {
		all = append(all, check{fmt.Sprintf("RMSNorm/weight=%v", dtype), func(d *device) { d.norm(dtype) }})
	}
	return append(all,
		check{"SwiGLU", func(d *device) { d.everyWidth((*device).swiGLU) }},
		check{"SwiGLU/large gates", (*device).swiGLULarge},
		check{"Add", func(d *device) { d.everyWidth((*device).add) }},
		check{"SelectRows", func(d *device) { d.everyWidth((*device).selectRows) }},
	)
}

func (d *device) everyWidth(do func(d *device, rows, width int)) {
	for i, width := range widths {
		do(d, 1+i%5, width)
	}
	do(d, 37, 1000)
	do(d, 0, 16)
}

func (d *device) embed(dtype tensor.DType) {
	const vocab = 11
	for _, width := range widths {
		if dtype == tensor.I8 {
			width *= tensor.QuantBlock
		}
		table, values := d.weight(dtype, false, vocab, width)
		tokens := []int32{3, 0, 10, 3, 7}
		var batch backend.Batch
		batch.Append(tokens, len(tokens), pageList(1))
		d.step.Begin(&batch)
		dst := d.output(len(tokens), width)
		d.step.Embed(dst, table)
		var want []float64
		for _, t := range tokens {
			want = append(want, values[int(t)*width:(int(t)+1)*width]...)
		}
		d.equal(fmt.Sprintf("table=%v/width=%d", dtype, width), d.read(dst), want)
		d.release()
		d.b.Free(table)
	}
}

func (d *device) norm(dtype tensor.DType) {
	const eps = 1e-6
	for i, width := range widths {
		rows := 1 + i%5
		weight, w := d.weight(dtype, false, width)
		for name, x := range map[string][]float64{
			"uniform": uniform(d.rng, rows*width),
			"spread":  spread(d.rng, rows*width),
			"zero":    make([]float64, rows*width),
			"tiny":    scaled(1e-6, uniform(d.rng, rows*width)), // eps matters
			"large":   scaled(1e15, uniform(d.rng, rows*width)),
		} {
			d.begin(rows)
			want := normReference(x, w, float64(float32(eps)))
			tol := elementTolerance + sumTolerance(width)
			label := fmt.Sprintf("weight=%v/width=%d/%s", dtype, width, name)
			dst := d.output(rows, width)
			d.step.RMSNorm(dst, d.input(x, rows, width), weight, eps)
			d.compare(label, d.read(dst), want, abs(want), tol)
			same := d.inout(x, rows, width)
			d.step.RMSNorm(same, same, weight, eps)
			d.compare(label+"/in place", d.read(same), want, abs(want), tol)
			d.release()
		}
		d.b.Free(weight)
	}
}

func scaled(factor float64, x []float64) []float64 {
	for i := range x {
		x[i] = float64(float32(x[i] * factor))
	}
	return x
}

func (d *device) swiGLU(rows, width int) {
	n := rows * width
	d.swiGLUValues(rows, width, scaled(20, uniform(d.rng, n)), spread(d.rng, n))
}

// swiGLULarge has gates whose exponential overflows or vanishes.
func (d *device) swiGLULarge() {
	gate := []float64{0, math.Copysign(0, -1), 80, -80, 88.7, -87, 89, 100, 1000, 3e38, -20, 1e-30, -1e-30}
	up := make([]float64, len(gate))
	for i := range up {
		up[i] = 1
	}
	d.swiGLUValues(1, len(gate), scaled(1, gate), up)
}

func (d *device) swiGLUValues(rows, width int, gate, up []float64) {
	d.Helper()
	label := fmt.Sprintf("rows=%d/width=%d", rows, width)
	want := swiGLUReference(gate, up)
	size := abs(want)
	for i := range size {
		size[i] += 1e-30 // below it float32 may round to zero
	}
	d.begin(max(rows, 1))
	dst := d.output(rows, width)
	d.step.SwiGLU(dst, d.input(gate, rows, width), d.input(up, rows, width))
	d.compare(label, d.read(dst), want, size, elementTolerance)
	g := d.inout(gate, rows, width)
	d.step.SwiGLU(g, g, d.input(up, rows, width))
	d.compare(label+"/dst=gate", d.read(g), want, size, elementTolerance)
	u := d.inout(up, rows, width)
	d.step.SwiGLU(u, d.input(gate, rows, width), u)
	d.compare(label+"/dst=up", d.read(u), want, size, elementTolerance)
	d.release()
}

func (d *device) add(rows, width int) {
	label := fmt.Sprintf("rows=%d/width=%d", rows, width)
	x, y := spread(d.rng, rows*width), spread(d.rng, rows*width)
	want, double := make([]float64, len(x)), make([]float64, len(x))
	for i := range x {
		want[i], double[i] = float64(float32(x[i])+float32(y[i])), 2*x[i]
	}
	d.begin(max(rows, 1))
	dst := d.output(rows, width)
	d.step.Add(dst, d.input(x, rows, width), d.input(y, rows, width))
	d.equal(label, d.read(dst), want)
	a := d.inout(x, rows, width)
	d.step.Add(a, a, d.input(y, rows, width))
	d.equal(label+"/dst=a", d.read(a), want)
	b := d.inout(y, rows, width)
	d.step.Add(b, d.input(x, rows, width), b)
	d.equal(label+"/dst=b", d.read(b), want)
	both := d.inout(x, rows, width)
	d.step.Add(both, both, both)
	d.equal(label+"/dst=a=b", d.read(both), double)
	d.release()
}

func (d *device) selectRows(rows, width int) {
	x := uniform(d.rng, rows*width)
	for _, pick := range []func(int) bool{
		func(int) bool { return true },
		func(i int) bool { return i%3 == 1 },
		func(i int) bool { return i == rows-1 },
		func(int) bool { return false },
	} {
		var batch backend.Batch
		if rows > 0 {
			batch.Append(make([]int32, rows), rows, pageList(1))
		}
		var want []float64
		for i := range rows {
			if pick(i) {
				batch.OutputRows = append(batch.OutputRows, int32(i))
				want = append(want, x[i*width:(i+1)*width]...)
			}
		}
		d.step.Begin(&batch)
		dst := d.output(len(batch.OutputRows), width)
		d.step.SelectRows(dst, d.input(x, rows, width))
		d.equal(fmt.Sprintf("rows=%d/width=%d/%v", rows, width, batch.OutputRows), d.read(dst), want)
		d.release()
	}
}
