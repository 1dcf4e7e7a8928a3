// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"bytes"
	"math"
	"slices"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

func memoryChecks() []check {
	return []check{
		{"memory/registered under its name", isRegistered},
		{"memory/fresh memory is zero", allocIsZero},
		{"memory/what is uploaded comes back", roundTrip},
		{"memory/too much is an error", allocTooMuch},
		{"memory/a weight needs no aligned host memory", weightUnaligned},
		{"memory/free of nothing does nothing", func(d *device) { d.b.Free(nil) }},
		{"memory/sync before any operation", func(d *device) { d.bytes(d.output(1)) }},
	}
}

func isRegistered(d *device) {
	if !slices.Contains(backend.Registered(), d.b.Name()) {
		d.Errorf("%q is not among %q", d.b.Name(), backend.Registered())
	}
}

func allocIsZero(d *device) {
	// The second round finds memory that was in use.
	for range 2 {
		for _, n := range []int{0, 1, 63, 4097, 1 << 20} {
			t, err := d.b.Alloc(tensor.U8, n)
			if err != nil {
				d.Errorf("Alloc of %d bytes: %v", n, err)
				continue
			}
			if t.DType != tensor.U8 || !slices.Equal(t.Shape, []int{n}) {
				d.Errorf("Alloc of %d bytes is %v %v", n, t.DType, t.Shape)
			}
			if data := d.bytes(t); bytes.ContainsFunc(data, func(r rune) bool { return r != 0 }) {
				d.Errorf("Alloc of %d bytes is not zero", n)
			}
			d.b.Upload(t, bytes.Repeat([]byte{0xff}, n))
			d.b.Free(t)
		}
	}
}

func roundTrip(d *device) {
	for _, dtype := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16, tensor.I8, tensor.I32} {
		whole, err := d.b.Alloc(dtype, 5, 3, 7)
		if err != nil {
			d.Errorf("Alloc: %v", err)
			return
		}
		want := make([]byte, whole.Bytes())
		for i := range want {
			want[i] = byte(d.rng.Uint32())
		}
		d.b.Upload(whole, want)
		if got := d.bytes(whole); !bytes.Equal(got, want) {
			d.Errorf("%v: other bytes came back", dtype)
		}
		view := whole.Rows(2, 2)
		part := bytes.Repeat([]byte{7}, view.Bytes())
		d.b.Upload(view, part)
		copy(want[view.Offset-whole.Offset:], part)
		if got := d.bytes(whole); !bytes.Equal(got, want) {
			d.Errorf("%v: Upload to a view changed other bytes than the view's", dtype)
		}
		if got := d.bytes(view); !bytes.Equal(got, part) {
			d.Errorf("%v: Download of a view is not the view", dtype)
		}
		d.b.Free(whole)
	}
}

func allocTooMuch(d *device) {
	shapes := [][]int{{math.MaxInt, 2}, {-1}}
	if math.MaxInt > math.MaxInt32 { // with 32 bits there may be as much
		shapes = append(shapes, []int{math.MaxInt / 8})
	}
	for _, shape := range shapes {
		if t, err := d.b.Alloc(tensor.F32, shape...); err == nil {
			d.Errorf("Alloc of %v succeeds", shape)
			d.b.Free(t)
		}
	}
	if d.bytes(d.output(3)); d.step.Sync() != nil {
		d.Errorf("a failed Alloc sticks: %v", d.step.Sync())
	}
}

func weightUnaligned(d *device) {
	const n, in, out = 2, 128, 5
	for _, dtype := range weightTypes {
		d.matMulCase(matMulCase{dtype, n, in, out, true, true})
	}
}
