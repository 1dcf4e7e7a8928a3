// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/zenlm/zen/tensor"
)

const (
	block = tensor.QuantBlock
	half  = block / 2
	rows  = tensor.PanelRows
)

// Quantize returns the host matrix in a block format. Its memory comes from alloc,
// which returns n zeroed bytes, aligned to 64. Workers goroutines share the work and
// call done, one at a time, with the bytes of host they have read. ctx ends it.
//
//	host    [out, in] F32, F16, BF16 or I8 with Scales
//	format  tensor.Q8 or tensor.Q4
func Quantize(ctx context.Context, format tensor.DType, host *tensor.Tensor, workers int,
	alloc func(n int) ([]byte, error), done func(bytes int)) (*tensor.Tensor, error) {
	out, in := host.Dim(0), host.Dim(1)
	shape, scalesShape := tensor.PanelShape(format, host.Shape), tensor.PanelScalesShape(format, host.Shape)
	quants, err := alloc(tensor.Elements(shape))
	if err != nil {
		return nil, err
	}
	scaleBytes, err := alloc(2 * tensor.Elements(scalesShape))
	if err != nil {
		return nil, err
	}
	scales := &tensor.Tensor{DType: tensor.F16, Shape: scalesShape, Storage: tensor.Memory(scaleBytes)}
	scale := tensor.Slice[uint16](scales)

	var next atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			row := make([]float32, shape[1]*block)
			for ctx.Err() == nil {
				p := int(next.Add(1)) - 1
				if p >= shape[0] {
					return
				}
				q, s := shape[1]*shape[2], scalesShape[1]*scalesShape[2]
				Panel(format, quants[p*q:][:q], scale[p*s:][:s], Matrix{host}, p, out, in, row)
				mu.Lock()
				done(host.Bytes() / shape[0])
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return tensor.Panels(format, out, in, quants, scales), nil
}

// Rows is a matrix that is read row by row.
type Rows interface {
	// Row writes row i, as float32, to dst [in].
	Row(dst []float32, i int)
}

// Panel quantises outputs panel·PanelRows and following of a matrix into a block
// format, whose arrays hold that one panel.
//
//	format  tensor.Q8 or tensor.Q4
//	quants  [blocks, ...]byte    as tensor.PanelShape says
//	scales  [blocks, ...]uint16  F16, as tensor.PanelScalesShape says
//	row     [blocks·QuantBlock] scratch
//
// A weight that is NaN or infinite makes its scale NaN, so that it shows in every
// result that it has a part in.
func Panel(format tensor.DType, quants []byte, scales []uint16, m Rows, panel, out, in int, row []float32) {
	clear(quants)
	clear(scales)
	if format == tensor.Q4 { // the offset of a weight of zero
		for i := range quants {
			quants[i] = 0x88
		}
	}
	clear(row[in:])
	for o := range min(rows, out-panel*rows) {
		m.Row(row[:in], panel*rows+o)
		switch format {
		case tensor.Q8:
			rowQ8(quants, scales, row, o)
		case tensor.Q4:
			rowQ4(quants, scales, row, o)
		default:
			panic(fmt.Sprintf("quant: Panel: %v is not a block format", format))
		}
	}
}

// rowQ8 quantises one row into its place o of a panel.
//
//	row  [blocks·block]
func rowQ8(quants []byte, scales []uint16, row []float32, o int) {
	var q [block]int8
	for b := range len(row) / block {
		scales[b*rows+o] = blockQ8(&q, (*[block]float32)(row[b*block:]))
		panel := quants[b*rows*block+o*4:]
		for j := range block / 4 {
			*(*[4]int8)(unsafe.Pointer(&panel[j*rows*4])) = [4]int8(q[4*j:])
		}
	}
}

// rowQ4 quantises one row into its place o of a panel.
//
//	row  [blocks·block]
func rowQ4(quants []byte, scales []uint16, row []float32, o int) {
	var lo, hi [half]int8
	for b := range len(row) / block {
		scales[2*b*rows+o] = blockQ4(&lo, (*[half]float32)(row[b*block:]))
		scales[(2*b+1)*rows+o] = blockQ4(&hi, (*[half]float32)(row[b*block+half:]))
		panel := quants[b*rows*half+o*4:]
		for i := range half {
			panel[(i/4)*rows*4+i%4] = byte(lo[i]+8) | byte(hi[i]+8)<<4
		}
	}
}

// Matrix is a host matrix in rows, as Rows.
type Matrix struct{ *tensor.Tensor } // [out, in] F32, F16, BF16 or I8 with Scales

// Row writes row i of the matrix, as float32, to dst.
func (m Matrix) Row(dst []float32, i int) {
	in := m.Dim(1)
	lo, hi := i*in, (i+1)*in
	switch m.DType {
	case tensor.F32:
		copy(dst, tensor.Slice[float32](m.Tensor)[lo:hi])
	case tensor.F16:
		for j, h := range tensor.Slice[uint16](m.Tensor)[lo:hi] {
			dst[j] = tensor.F16ToF32(h)
		}
	case tensor.BF16:
		for j, h := range tensor.Slice[uint16](m.Tensor)[lo:hi] {
			dst[j] = tensor.BF16ToF32(h)
		}
	case tensor.I8:
		q, scales := tensor.Slice[int8](m.Tensor)[lo:hi], tensor.Slice[uint16](m.Scales)
		for j, v := range q {
			dst[j] = float32(v) * tensor.F16ToF32(scales[(lo+j)/block])
		}
	default:
		panic("quant: Matrix: " + m.DType.String() + " is not a row format")
	}
}

// Dequantize writes row i of a Q8 or Q4 matrix [out, in] to dst [in].
func Dequantize(dst []float32, t *tensor.Tensor, i int) {
	quants, scales := t.HostBytes(), tensor.Slice[uint16](t.Scales)
	blocks := tensor.PanelShape(t.DType, t.Shape)[1]
	panel, o := i/rows, i%rows
	for j := range dst[:t.Dim(1)] {
		b, k := panel*blocks+j/block, j%block
		switch t.DType {
		case tensor.Q8:
			q := int8(quants[b*rows*block+(k/4)*rows*4+o*4+k%4])
			dst[j] = float32(q) * tensor.F16ToF32(scales[b*rows+o])
		case tensor.Q4:
			h, k := k/half, k%half
			q := int(quants[b*rows*half+(k/4)*rows*4+o*4+k%4]>>(4*h)&15) - 8
			dst[j] = float32(q) * tensor.F16ToF32(scales[(2*b+h)*rows+o])
		}
	}
}
