// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/quant"
	"github.com/zenlm/zen/tensor"
)

// device is a backend under test and the tensors that a check has made on it.
type device struct {
	failer
	b       backend.Backend
	step    *backend.Step
	open    func() backend.Backend // another one
	rng     *rand.Rand
	tensors []*guarded

	widensI8 tensor.DType // see WidensI8
}

// multiplies returns the type in which attention multiplies a cache's elements.
func (d *device) multiplies(cache tensor.DType) tensor.DType {
	if cache == tensor.I8 {
		return d.widensI8
	}
	return cache
}

// guarded is a tensor inside a larger one.
type guarded struct {
	view, whole *tensor.Tensor
	data        []byte // what whole was set to
	written     bool   // view may have changed
}

// guardRows returns the rows of guard before and after a tensor. They are at
// least 16 elements and leave rows of an odd width unaligned.
func guardRows(shape []int) int { return 16/max(tensor.Elements(shape[1:]), 1) + 1 }

//go:norace
//go:nocheckptr
func poisoned(dtype tensor.DType, n int) []byte {
	pattern := []byte{0x80} // integers know no NaN; the lowest value is out of use
	switch dtype {
	case tensor.F32:
		pattern = []byte{0xef, 0xbe, 0xed, 0x7f}
	case tensor.F16, tensor.BF16:
		pattern = []byte{0xed, 0x7f}
	}
	out := make([]byte, n*dtype.Size())
	for i := copy(out, pattern); i > 0 && i < len(out); i *= 2 {
		copy(out[i:], out[:i])
	}
	return out
}

// make returns a tensor of data, or of poison when data is nil, in guards.
func (d *device) make(dtype tensor.DType, data []byte, shape ...int) *tensor.Tensor {
	d.Helper()
	guard := guardRows(shape)
	outer := append([]int{shape[0] + 2*guard}, shape[1:]...)
	whole, err := d.b.Alloc(dtype, outer...)
	if err != nil {
		panic(err)
	}
	g := &guarded{whole: whole, view: whole.Rows(guard, shape[0]), written: data == nil}
	g.data = poisoned(dtype, tensor.Elements(outer))
	copy(g.data[guard*len(g.data)/outer[0]:], data)
	d.b.Upload(whole, g.data)
	d.tensors = append(d.tensors, g)
	return g.view
}

// input returns an F32 tensor that no operation may change.
func (d *device) input(values []float64, shape ...int) *tensor.Tensor {
	d.Helper()
	return d.make(tensor.F32, encode(tensor.F32, values), shape...)
}

// inout returns an F32 tensor that operations may change.
func (d *device) inout(values []float64, shape ...int) *tensor.Tensor {
	d.Helper()
	t := d.input(values, shape...)
	d.tensors[len(d.tensors)-1].written = true
	return t
}

// output returns an F32 tensor of poison.
func (d *device) output(shape ...int) *tensor.Tensor {
	d.Helper()
	return d.make(tensor.F32, nil, shape...)
}

// bytes returns what t holds now, after Sync.
func (d *device) bytes(t *tensor.Tensor) []byte {
	d.Helper()
	if err := d.step.Sync(); err != nil {
		d.Errorf("Sync: %v", err)
	}
	data := make([]byte, t.Bytes())
	d.b.Download(data, t)
	return data
}

// read returns the elements of a floating-point tensor or of an I8 cache.
func (d *device) read(t *tensor.Tensor) []float64 {
	d.Helper()
	if t.DType == tensor.I8 {
		return dequantize(d.bytes(t), d.read(t.Scales), t.Dim(-1))
	}
	return decode(t.DType, d.bytes(t))
}

// release checks that nothing was written where nothing may be, and frees.
//
//go:norace
//go:nocheckptr
func (d *device) release() {
	d.Helper()
	for _, g := range d.tensors {
		now := d.bytes(g.whole)
		if g.written { // the guards remain
			from := g.view.Offset - g.whole.Offset
			copy(now[from:from+g.view.Bytes()], g.data[from:])
		}
		if !bytes.Equal(now, g.data) {
			d.Errorf("memory outside the results has changed: %v %v", g.view.DType, g.view.Shape)
		}
		d.b.Free(g.whole)
	}
	d.tensors = nil
}

// weight returns a weight of random values, and the values. Its host memory
// begins at an address that is 1 modulo 2 when odd is set.
func (d *device) weight(dtype tensor.DType, odd bool, shape ...int) (*tensor.Tensor, []float64) {
	d.Helper()
	host, values := hostWeight(d.rng, dtype, odd, shape...)
	t, err := d.b.Weight(host)
	if err != nil {
		panic(err)
	}
	return t, values
}

// hostWeight returns a guarded host tensor of random values, and the values.
func hostWeight(rng *rand.Rand, dtype tensor.DType, odd bool, shape ...int) (*tensor.Tensor, []float64) {
	n := tensor.Elements(shape)
	if dtype == tensor.Q8 || dtype == tensor.Q4 {
		return panelWeight(rng, dtype, shape[0], shape[1])
	}
	if dtype != tensor.I8 {
		data := encode(dtype, uniform(rng, n))
		return hostTensor(dtype, data, odd, shape...), decode(dtype, data)
	}
	values, q := make([]float64, n), make([]byte, n)
	blocks := n / tensor.QuantBlock
	scaleBytes := encode(tensor.F16, uniform(rng, blocks))
	scales := decode(tensor.F16, scaleBytes)
	for i := range q {
		q[i] = byte(rng.IntN(255) - 127)
		values[i] = float64(int8(q[i])) * scales[i/tensor.QuantBlock]
	}
	t := hostTensor(dtype, q, odd, shape...)
	t.Scales = hostTensor(tensor.F16, scaleBytes, odd, shape[0], shape[1]/tensor.QuantBlock)
	return t, values
}

// panelWeight returns a matrix of a block format of random values, and the values.
func panelWeight(rng *rand.Rand, format tensor.DType, out, in int) (*tensor.Tensor, []float64) {
	source := &tensor.Tensor{DType: tensor.F32, Shape: []int{out, in},
		Storage: tensor.Memory(encode(tensor.F32, uniform(rng, out*in)))}
	alloc := func(n int) ([]byte, error) { return make([]byte, n), nil }
	t, err := quant.Quantize(context.Background(), format, source, 1, alloc, func(int) {})
	if err != nil {
		panic(err)
	}
	values, row := make([]float64, 0, out*in), make([]float32, in)
	for i := range out {
		quant.Dequantize(row, t, i)
		for _, v := range row {
			values = append(values, float64(v))
		}
	}
	return t, values
}

func hostTensor(dtype tensor.DType, data []byte, odd bool, shape ...int) *tensor.Tensor {
	guard := poisoned(dtype, 16)
	skip := 0
	if odd {
		skip = 1
	}
	m := append(make([]byte, skip, skip+len(data)+2*len(guard)), guard...)
	m = append(append(m, data...), guard...)
	return &tensor.Tensor{DType: dtype, Shape: shape, Storage: tensor.Memory(m), Offset: skip + len(guard)}
}

// begin starts a step over rows tokens of one sequence.
func (d *device) begin(rows int) {
	b := &backend.Batch{}
	b.Append(make([]int32, rows), rows, pageList(1))
	d.step.Begin(b)
}

func pageList(n int) []int32 {
	pages := make([]int32, n)
	for i := range pages {
		pages[i] = int32(i)
	}
	return pages
}

// compare reports the results that are not within tol · size of want.
func (d *device) compare(label string, got, want, size []float64, tol float64) {
	d.Helper()
	if len(got) != len(want) {
		d.Errorf("%s: %d elements, want %d", label, len(got), len(want))
		return
	}
	bad := 0
	for i, w := range want {
		if within(got[i], w, tol*size[i]) {
			continue
		}
		if bad++; bad == 1 {
			d.Errorf("%s: element %d is %v, want %v ± %.3g", label, i, got[i], w, tol*size[i])
		}
	}
	if bad > 1 {
		d.Errorf("%s: %d of %d elements are wrong", label, bad, len(want))
	}
}

// within reports whether got is within bound of want, or neither is finite.
//
//go:norace
//go:nocheckptr
func within(got, want, bound float64) bool {
	if !finite(want) {
		return !finite(got)
	}
	return math.Abs(got-want) <= bound // false for NaN
}

//go:norace
//go:nocheckptr
func finite(x float64) bool { return math.Abs(x) <= math.MaxFloat64 }

// equal reports the first difference in bits.
func (d *device) equal(label string, got, want []float64) {
	d.Helper()
	if len(got) != len(want) {
		d.Errorf("%s: %d elements, want %d", label, len(got), len(want))
		return
	}
	if i := differ(got, want); i >= 0 {
		d.Errorf("%s: element %d is %v, want the same bits as %v", label, i, got[i], want[i])
	}
}

// differ returns the first element whose bits differ, except those of two NaN, or -1.
//
//go:norace
//go:nocheckptr
func differ(got, want []float64) int {
	for i, w := range want {
		if math.Float64bits(got[i]) != math.Float64bits(w) && (got[i] == got[i] || w == w) {
			return i
		}
	}
	return -1
}
