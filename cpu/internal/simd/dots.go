// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"unsafe"

	"github.com/zenlm/zen/tensor"
)

//go:generate sh -c "cd _gen && go run . -set dots -out ../dots_amd64.s -stubs ../dots_stubs_amd64.go -pkg simd && sed -i '1i // SPDX-License-Identifier: Apache-2.0' ../dots_amd64.s ../dots_stubs_amd64.go"

const (
	dotOutputs = 4  // that one load of x serves
	dotLanes   = 16 // of a sum

	dotBytes = 256 << 10 // of activations that stay in the second-level cache
)

// A DotProduct is the operands of Dots: weights of F32, F16 or BF16 as they lie in a
// file.
type DotProduct struct {
	Rows, In, Out int       // In is a multiple of 16, Out at least 4
	Dst           []float32 // [Rows, Out], rows Stride apart
	Stride        int
	X             []float32 // [Rows, In]
	F32           []float32 // [Out, In], or
	F16           []uint16  // [Out, In], or
	BF16          []uint16  // [Out, In]

	last [dotOutputs]float32
}

// dotKernels are an instruction set's routines; all are nil in plain Go.
type dotKernels struct {
	name      string
	f32       func(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *float32, wStride uintptr, blocks, rows int)
	f16, bf16 func(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)
}

// dotsChosen are the best of dotVariants.
var dotsChosen = dotVariants()[0]

// HasDots reports whether Dots is more than a plain loop and takes weights [out, in].
func HasDots(out, in int) bool {
	return dotsChosen.f32 != nil && in > 0 && in%dotLanes == 0 && out >= dotOutputs
}

func (p *DotProduct) check() {
	switch {
	case p.Rows <= 0 || p.In <= 0 || p.In%dotLanes != 0 || p.Out < dotOutputs:
		panic("simd: Dots: no rows, or a wrong number of inputs or outputs")
	case p.Stride < p.Out || len(p.Dst) < (p.Rows-1)*p.Stride+p.Out:
		panic("simd: Dots: dst is too short")
	case len(p.X) < p.Rows*p.In || max(len(p.F32), len(p.F16), len(p.BF16)) < p.Out*p.In:
		panic("simd: Dots: an operand is too short")
	}
}

// Dots sets dst = x·Wᵀ. A sum has 16 lanes, input k in lane k%16, in the order of the
// inputs, each product added with one rounding; then the lanes are added up as
//
//	u[i] = lane[i] + lane[i+8]
//	((u[0] + u[1]) + (u[2] + u[3])) + ((u[4] + u[5]) + (u[6] + u[7]))
func Dots(p *DotProduct) {
	p.check()
	if dotsChosen.f32 == nil {
		dotsGeneric(p)
		return
	}
	rows := max(1, dotBytes/(4*p.In))
	for row := 0; row < p.Rows; row += rows {
		p.outputs(row, min(rows, p.Rows-row))
	}
}

// outputs computes all outputs of n rows.
func (p *DotProduct) outputs(row, n int) {
	o := 0
	for ; o+dotOutputs <= p.Out; o += dotOutputs {
		p.run(&p.Dst[row*p.Stride+o], o, row, n)
	}
	if o == p.Out {
		return
	}
	for r := row; r < row+n; r++ { // the last four, of which some are done
		p.run(&p.last[0], p.Out-dotOutputs, r, 1)
		copy(p.Dst[r*p.Stride+o:][:p.Out-o], p.last[dotOutputs-(p.Out-o):])
	}
}

// run computes four outputs from o on of n rows.
func (p *DotProduct) run(dst *float32, o, row, n int) {
	x, in, stride := &p.X[row*p.In], uintptr(4*p.In), uintptr(4*p.Stride)
	blocks, at := p.In/dotLanes, o*p.In
	switch {
	case p.F32 != nil:
		dotsChosen.f32(dst, stride, x, in, &p.F32[at], in, blocks, n)
	case p.F16 != nil:
		dotsChosen.f16(dst, stride, x, in, &p.F16[at], in/2, blocks, n)
	default:
		dotsChosen.bf16(dst, stride, x, in, &p.BF16[at], in/2, blocks, n)
	}
}

func dotsGeneric(p *DotProduct) {
	for r := range p.Rows {
		for o := range p.Out {
			var u [dotLanes]float32
			for k := range p.In {
				u[k%dotLanes] = fma(p.X[r*p.In+k], p.weight(o*p.In+k), u[k%dotLanes])
			}
			for i := range dotLanes / 2 {
				u[i] += u[i+dotLanes/2]
			}
			p.Dst[r*p.Stride+o] = ((u[0] + u[1]) + (u[2] + u[3])) + ((u[4] + u[5]) + (u[6] + u[7]))
		}
	}
}

func (p *DotProduct) weight(i int) float32 {
	switch {
	case p.F32 != nil:
		return p.F32[i]
	case p.F16 != nil:
		return tensor.F16ToF32(p.F16[i])
	}
	wide := uint32(p.BF16[i]) << 16
	return *(*float32)(unsafe.Pointer(&wide))
}
