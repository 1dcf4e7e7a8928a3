// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"slices"

	"github.com/zenlm/zen/tensor"
)

var (
	floatTypes  = []tensor.DType{tensor.F32, tensor.F16, tensor.BF16}
	weightTypes = append([]tensor.DType{tensor.I8, tensor.Q8, tensor.Q4}, floatTypes...)
)

func isFloat(dtype tensor.DType) bool { return slices.Contains(floatTypes, dtype) }

type matMulCase struct {
	weight     tensor.DType
	n, in, out int
	bias       bool
	odd        bool // host memory at an odd address
}

func (c matMulCase) String() string {
	return fmt.Sprintf("weight=%v/n=%d/in=%d/out=%d/bias=%v", c.weight, c.n, c.in, c.out, c.bias)
}

// matMulChecks go around the sizes at which loops are unrolled and tiled: 4, 8,
// 16, 64, 128.
func matMulChecks() []check {
	var all []check
	for _, weight := range weightTypes {
		all = append(all, check{fmt.Sprintf("MatMul/weight=%v", weight), func(d *device) {
			for _, c := range matMulCases(weight) {
				d.matMulCase(c)
			}
		}})
	}
	return all
}

func matMulCases(weight tensor.DType) []matMulCase {
	ins := []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 255, 384, 1023}
	if weight == tensor.I8 {
		ins = []int{64, 128, 192, 448, 1024}
	}
	if weight == tensor.Q8 || weight == tensor.Q4 {
		ins = []int{33, 63, 64, 65, 100, 255, 384, 1023}
	}
	var all []matMulCase
	for i, in := range ins {
		for j, out := range []int{1, 3, 4, 5, 17, 64, 67} {
			n := []int{1, 2, 3, 4, 5, 8, 9, 17}[(i+j)%8]
			all = append(all, matMulCase{weight, n, in, out, (i+j)%3 == 0, false})
		}
	}
	for _, n := range []int{0, 1, 127, 128, 129, 200} {
		all = append(all, matMulCase{weight, n, 64, 130, n%2 == 1, false})
	}
	for _, n := range []int{16, 24, 31, 32, 33, 48, 63, 64, 65, 100} {
		all = append(all, matMulCase{weight, n, 576, 137, n%2 == 1, false})
	}
	return append(all, matMulCase{weight, 3, 4096, 33, true, false}, matMulCase{weight, 1, 64, 1000, true, false})
}

func (d *device) matMulCase(c matMulCase) {
	d.Helper()
	x := uniform(d.rng, c.n*c.in)
	weight, w := d.weight(c.weight, c.odd, c.out, c.in)
	defer d.b.Free(weight)
	var bias *tensor.Tensor
	var added []float64
	if c.bias {
		dtype := c.weight
		if !isFloat(dtype) {
			dtype = tensor.F32
		}
		bias, added = d.weight(dtype, c.odd, c.out)
		defer d.b.Free(bias)
	}
	d.begin(max(c.n, 1))
	dst := d.output(c.n, c.out)
	d.step.MatMul(dst, d.input(x, c.n, c.in), weight, bias)
	want, size := matMulReference(x, w, added, c.n, c.in, c.out)
	d.compare(c.String(), d.read(dst), want, size, matMulTolerance(c.weight, c.in))
	d.release()
}
