// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/zenlm/zen/backend"
)

func candidateChecks() []check {
	return []check{{"Largest", (*device).largest}, {"Largest/rows without", (*device).noLargest}}
}

// largest compares the largest elements of rows with what the host finds.
func (d *device) largest() {
	sifter, ok := d.b.(backend.Sifter)
	if !ok {
		return
	}
	for _, columns := range []int{1, 2, 127, 128, 129, 1000, 4097, 32768, 151936} {
		for _, rows := range []int{1, 3} {
			for name, change := range map[string]func(float64) float64{
				"distinct":     func(x float64) float64 { return x },
				"negative":     func(x float64) float64 { return x - 100 },
				"equals":       func(x float64) float64 { return math.Round(64*x) / 64 },
				"mostly -Inf":  func(x float64) float64 { return math.Log(math.Max(0, x)) },
				"zero and -0":  func(x float64) float64 { return math.Copysign(math.Max(0, math.Abs(x)-3.5), x) },
				"rising order": nil,
			} {
				values := make([]float64, rows*columns)
				for i := range values {
					values[i] = float64(i % columns)
					if change != nil {
						values[i] = change(d.rng.NormFloat64())
					}
				}
				values = narrowed(values)
				x, got := d.input(values, rows, columns), make([]backend.Candidates, rows)
				for _, enough := range map[int][]int{1: {0, 1}, 3: {0, 20}}[rows] {
					for i := range got { // a middle row is not asked for its parts
						got[i].Temperature = []float32{0.7, 0, 3}[i]
					}
					sifter.Largest(got, x, enough)
					least := 1
					if name == "distinct" || name == "negative" {
						least = max(1, min(columns/1024, cmp.Or(enough, 100)))
					} else if name != "rising order" || enough != 1 { // more may not fit
						least = 0
					}
					for i, c := range got {
						label := fmt.Sprintf("%s of %d, %d are enough: row %d of %d", name, columns, enough, i, rows)
						d.candidates(label, c, values[i*columns:][:columns], least)
						d.parts(label, c, values[i*columns:][:columns], []float32{0.7, 0, 3}[i])
					}
				}
				d.release()
			}
		}
	}
}

// narrowed returns what is left of values in float32.
func narrowed(values []float64) []float64 {
	for i, v := range values {
		values[i] = float64(float32(v))
	}
	return values
}

// candidates checks that all elements from the floor up are there and no others, and
// that there are at least so many.
func (d *device) candidates(label string, got backend.Candidates, row []float64, least int) {
	d.Helper()
	if len(got.IDs) != len(got.Values) {
		d.Errorf("%s: %d ids, %d values", label, len(got.IDs), len(got.Values))
		return
	}
	if len(got.IDs) < least {
		d.Errorf("%s: %d candidates, want at least %d", label, len(got.IDs), least)
	}
	if len(got.IDs) == 0 {
		return
	}
	at := 0
	for id, x := range row {
		if !(x >= float64(got.Floor)) {
			continue
		}
		if at == len(got.IDs) || int(got.IDs[at]) != id ||
			math.Float32bits(got.Values[at]) != math.Float32bits(float32(x)) {
			d.Errorf("%s: element %d, which is %v, is not candidate %d of %d from %v up",
				label, id, x, at, len(got.IDs), got.Floor)
			return
		}
		at++
	}
	if at != len(got.IDs) {
		d.Errorf("%s: %d candidates, want %d from %v up", label, len(got.IDs), at, got.Floor)
	}
}

// parts checks that the masses of the row's parts are as near as a sampler asks for.
func (d *device) parts(label string, got backend.Candidates, row []float64, temperature float32) {
	d.Helper()
	if given := len(got.IDs) > 0 && temperature > 0; got.Temperature != temperature || given != (len(got.Parts) > 0) {
		d.Errorf("%s: %d parts at a temperature of %v, want %v", label, len(got.Parts), got.Temperature, temperature)
		return
	}
	top, total, wrong := slices.Max(row), 0.0, 0.0
	for i, part := range got.Parts {
		size := (len(row) + len(got.Parts) - 1) / len(got.Parts)
		want := 0.0
		for _, x := range row[min(i*size, len(row)):min((i+1)*size, len(row))] {
			want += math.Exp((x - top) / float64(temperature))
		}
		total += want
		wrong += math.Abs(float64(part) - want)
	}
	if !(wrong <= 1e-5*total) {
		d.Errorf("%s: parts %v at %v are off by %v together, of %v", label, got.Parts, temperature, wrong, total)
	}
}

// noLargest gives rows that have no candidates beside one that has.
func (d *device) noLargest() {
	sifter, ok := d.b.(backend.Sifter)
	if !ok {
		return
	}
	const rows, columns = 6, 3000
	values := make([]float64, rows*columns)
	for i := range values {
		values[i] = d.rng.NormFloat64()
	}
	row := func(i int) []float64 { return values[i*columns:][:columns] }
	row(1)[2999] = math.NaN()
	row(2)[0] = math.Inf(1)
	for i := range columns {
		row(3)[i], row(4)[i] = math.Inf(-1), 2
	}
	row(5)[17] = math.Inf(-1)
	values = narrowed(values)
	got := make([]backend.Candidates, rows)
	sifter.Largest(got, d.input(values, rows, columns), 0)
	for i, c := range got {
		label := fmt.Sprintf("row %d", i)
		if i == 0 || i == 5 {
			d.candidates(label, c, row(i), max(1, min(columns/1024, 100)))
		} else if len(c.IDs) != 0 {
			d.Errorf("%s: %d candidates, want none", label, len(c.IDs))
		}
	}
}
