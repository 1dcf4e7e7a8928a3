// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"fmt"
	"testing"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// BenchmarkRows compares the two ways to multiply few rows, on the matrices of two
// models. Weights rotate, so that the cache does not hold them.
func BenchmarkRows(b *testing.B) {
	opened, err := Open(backend.Options{})
	if err != nil {
		b.Skip(err)
	}
	d := opened.(*Backend)
	defer d.Close()
	for _, m := range []struct{ out, in int }{{2048, 2048}, {11008, 2048}, {2048, 11008}, {3584, 3584}, {18944, 3584}, {3584, 18944}} {
		const copies = 8
		var weights [copies]*tensor.Tensor
		for i := range weights {
			weights[i], err = d.Alloc(tensor.BF16, m.out, m.in)
			if err != nil {
				b.Fatal(err)
			}
		}
		x, _ := d.Alloc(tensor.F32, 64, m.in)
		y, _ := d.Alloc(tensor.F32, 64, m.out)
		for _, n := range []int{1, 4, 8, 16, 32, 64} {
			for name, run := range map[string]func(p product){"gemm": d.gemm, "gemv": d.slices} {
				b.Run(fmt.Sprintf("%dx%d/rows=%d/%s", m.out, m.in, n, name), func(b *testing.B) {
					for i := range b.N {
						run(product{dst: address(y), x: x.Rows(0, n), weight: weights[i%copies]})
					}
					if err := d.Sync(); err != nil {
						b.Fatal(err)
					}
				})
			}
		}
		for _, w := range weights {
			d.Free(w)
		}
		d.Free(x)
		d.Free(y)
	}
}
