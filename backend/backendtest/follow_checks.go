// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"math"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

func followChecks() []check {
	return []check{{"Follow", (*device).follow}, {"Follow/products", (*device).followProducts}}
}

// follow searches rows of values in steps that follow one another, each of which embeds what
// the one before found.
func (d *device) follow() {
	f, ok := d.b.(backend.Follower)
	if !ok {
		return
	}
	const steps, width = 5, 8
	for _, columns := range []int{1, 2, 127, 129, 1000, 4097, 151936} {
		table, embedded := d.weight(tensor.F32, false, columns, width)
		for _, rows := range []int{1, 4} {
			var values [steps][]float64
			var x, dst [steps]*tensor.Tensor
			for s := range steps {
				values[s] = d.searched(s, rows, columns)
				x[s], dst[s] = d.input(values[s], rows, columns), d.output(rows, width)
			}
			d.begin(rows)
			f.Search(x[0])
			for s := range steps {
				label := fmt.Sprintf("%d rows of %d, step %d", rows, columns, s)
				if s+1 < steps {
					d.step.Follow(f, following(rows, s+1))
					d.step.Embed(dst[s+1], table)
					f.Search(x[s+1])
				}
				got := make([]backend.Candidates, rows)
				f.Found(got)
				for i := range rows {
					d.firstLargest(fmt.Sprintf("%s, row %d", label, i), got[i], values[s][i*columns:][:columns])
				}
			}
			for s := 1; s < steps; s++ {
				got := d.read(dst[s])
				for i := range rows {
					of := rows - 1 - i
					if token := firstLargest(values[s-1][of*columns:][:columns]); token >= 0 {
						d.equal(fmt.Sprintf("%d rows of %d, token %d of step %d", rows, columns, i, s),
							got[i*width:][:width], embedded[token*width:][:width])
					}
				}
			}
			d.release()
		}
		d.b.Free(table)
	}
}

// following returns a batch of rows whose tokens are those of the rows before, backward.
func following(rows, position int) *backend.Batch {
	var b backend.Batch
	for i := range rows {
		b.Append([]int32{int32(i - rows)}, position+1, []int32{int32(i)})
	}
	return &b
}

// searched returns rows of values for a step: distinct ones, many equal ones, infinities, and
// in the third step a row that has NaN, one that has +Inf, and one of nothing finite.
func (d *device) searched(step, rows, columns int) []float64 {
	values := make([]float64, rows*columns)
	for i := range values {
		switch v := d.rng.NormFloat64(); step {
		case 1:
			values[i] = math.Round(2 * v)
		case 3:
			values[i] = math.Log(math.Max(0, v))
		default:
			values[i] = v - 3
		}
	}
	if step == 2 {
		for i, special := range []float64{math.NaN(), math.Inf(1)} {
			if i+1 < rows {
				values[(i+1)*columns+columns*2/3] = special
			}
		}
		if rows > 3 {
			for i := range columns {
				values[3*columns+i] = math.Inf(-1)
			}
		}
	}
	return narrowed(values)
}

// firstLargest returns the column of the first largest element, or -1 where the row has NaN or
// +Inf or nothing finite.
func firstLargest(row []float64) int {
	at := -1
	for i, v := range row {
		if !(v <= math.MaxFloat32) {
			return -1
		}
		if v >= -math.MaxFloat32 && (at < 0 || v > row[at]) {
			at = i
		}
	}
	return at
}

// firstLargest compares what was found of a row with what the host finds.
func (d *device) firstLargest(label string, got backend.Candidates, row []float64) {
	d.Helper()
	at := firstLargest(row)
	switch {
	case at < 0 && len(got.IDs) == 0:
	case at < 0 || len(got.IDs) != 1 || len(got.Values) != 1:
		d.Errorf("%s: %d candidates and %d values, want the first largest, %d", label, len(got.IDs), len(got.Values), at)
	case int(got.IDs[0]) != at || float64(got.Values[0]) != row[at] || got.Floor != got.Values[0]:
		d.Errorf("%s: %v %v from %v, want %d %v", label, got.IDs, got.Values, got.Floor, at, row[at])
	}
}

// followProducts searches a product as soon as it is launched, the way of logits.
func (d *device) followProducts() {
	f, ok := d.b.(backend.Follower)
	if !ok {
		return
	}
	const in = 256
	for _, dtype := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16, tensor.Q8, tensor.Q4} {
		for _, out := range []int{5, 300, 4096 + 24} {
			weight, _ := d.weight(dtype, false, out, in)
			for _, rows := range []int{1, 3} {
				for again := range 4 { // the third time as a graph
					x := uniform(d.rng, rows*in)
					if again == 2 {
						x[17] = math.NaN()
					}
					from, dst := d.input(x, rows, in), d.output(rows, out)
					d.begin(rows)
					d.step.MatMul(dst, from, weight, nil)
					f.Search(dst)
					got := make([]backend.Candidates, rows)
					f.Found(got)
					values := d.read(dst)
					for i := range rows {
						d.firstLargest(fmt.Sprintf("%v [%d, %d], row %d of %d, time %d", dtype, out, in, i, rows, again),
							got[i], values[i*out:][:out])
					}
					d.release()
				}
			}
			d.b.Free(weight)
		}
	}
}
