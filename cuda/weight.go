// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"fmt"
	"unsafe"

	"github.com/zenlm/zen/tensor"
)

// Weight copies host to the device. Vectors become F32; matrices of BF16 become F16 times
// a power of two, where rows are multiples of 16 bytes; quantised matrices are laid out for
// the kernels, I8 as Q8:
//
//	Q8  [out, inPad]    bytes, inPad = in rounded up to 128; scales [out, inPad/64]
//	Q4  [out, inPad/2]  bytes, inPad = in rounded up to 256; scales [out, inPad/32]
func (b *Backend) Weight(host *tensor.Tensor) (t *tensor.Tensor, err error) {
	switch {
	case host.Quantized():
		t, err = b.quantizedWeight(host)
	case len(host.Shape) == 1:
		data := widened(host)
		if t, err = b.hostTensor(tensor.F32, host.Shape, data); err == nil {
			t.Storage.(*memory).largest = largestOf(data)
		}
	case host.DType.Size() == 2 && len(host.Shape) == 2 && host.Dim(1)%8 == 0 && host.Len() > 0:
		t, err = b.halfMatrix(host)
	default:
		t, err = b.hostTensor(host.DType, host.Shape, host.HostBytes())
	}
	if err == nil && b.failed() {
		b.Free(t)
		t, err = nil, b.stream.err
	}
	return t, err
}

// hostTensor returns a copy of data on the device.
func (b *Backend) hostTensor(dtype tensor.DType, shape []int, data []byte) (*tensor.Tensor, error) {
	m, err := b.alloc(len(data))
	if err != nil {
		return nil, err
	}
	b.upload(m.address, data)
	return &tensor.Tensor{DType: dtype, Shape: append([]int(nil), shape...), Storage: m}, nil
}

// widened returns a vector's elements as float32 bytes.
func widened(host *tensor.Tensor) []byte {
	data := host.HostBytes()
	if host.DType == tensor.F32 {
		return data
	}
	out := make([]float32, host.Len())
	for i := range out {
		half := uint16(data[2*i]) | uint16(data[2*i+1])<<8
		if host.DType == tensor.BF16 {
			out[i] = tensor.BF16ToF32(half)
		} else {
			out[i] = tensor.F16ToF32(half)
		}
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(out))), 4*len(out))
}

// blockLayout is how a block format lies on the device.
type blockLayout struct {
	dtype            tensor.DType
	rowBytes, scales int // of one output
	grid             int // of the kernel, over the inputs
}

func layoutOf(dtype tensor.DType, in int) blockLayout {
	if dtype == tensor.Q4 {
		padded := 256 * blocks(in, 256)
		return blockLayout{tensor.Q4, padded / 2, padded / 32, padded / 128}
	}
	padded := 128 * blocks(in, 128)
	return blockLayout{tensor.Q8, padded, padded / 64, padded / 64}
}

// quantizedWeight uploads a matrix piece by piece and lets the device lay it out.
func (b *Backend) quantizedWeight(host *tensor.Tensor) (*tensor.Tensor, error) {
	out, in := host.Dim(0), host.Dim(1)
	layout := layoutOf(host.DType, in)
	quants, err := b.alloc(out * layout.rowBytes)
	if err != nil {
		return nil, err
	}
	scaleBytes := (2*out*layout.scales + 15) &^ 15
	scales, err := b.weightMemory(scaleBytes)
	if err != nil {
		b.memory.free(quants)
		return nil, err
	}
	if scaleBytes > 0 {
		b.stream.do(func() error { return b.device.clear(scales.address+uint64(scaleBytes-16), 16) })
	}
	t := &tensor.Tensor{DType: layout.dtype, Shape: []int{out, in}, Storage: quants,
		Scales: &tensor.Tensor{DType: tensor.F16, Shape: []int{out, layout.scales}, Storage: scales}}
	if err := b.repack(t, host, layout); err != nil {
		b.Free(t)
		return nil, err
	}
	b.findMagnitude(scales, scaleBytes/2, infinityF16)
	// Taken now, so that a device too small for it fails a load and not a request.
	b.room(&b.wide, 2*in*sliceOutputs(in, out))
	b.qgemmRoom()
	return t, nil
}

// pieceBytes bounds the quants of a matrix that are uploaded at a time.
const pieceBytes = 32 << 20

// repack fills t from host, in pieces of whole panels.
func (b *Backend) repack(t, host *tensor.Tensor, layout blockLayout) error {
	out, in := host.Dim(0), host.Dim(1)
	panels := blocks(out, tensor.PanelRows)
	quants, scales := host.HostBytes(), host.Scales.HostBytes()
	if host.DType == tensor.I8 && (len(quants) != out*in || in%tensor.QuantBlock != 0) {
		return fmt.Errorf("cuda: I8 of %d bytes, want [%d %d]", len(quants), out, in)
	}
	// A panel of I8 is 16 rows, and the last may have fewer.
	panelQuants, panelScales := blocks(len(quants), panels), blocks(len(scales), panels)
	if host.DType == tensor.I8 {
		panelQuants, panelScales = tensor.PanelRows*in, 2*tensor.PanelRows*in/tensor.QuantBlock
	}
	step := max(1, pieceBytes/panelQuants)
	kernel := b.kernels.repack[host.DType]
	for first := 0; first < panels; first += step {
		q := slice(quants, first, step, panelQuants)
		s := slice(scales, first, step, panelScales)
		// The scales lie behind the quants.
		raw := b.room(&b.raw, rounded(min(step, panels)*panelQuants)+min(step, panels)*panelScales)
		if b.failed() {
			return b.stream.err
		}
		rawScales := raw + uint64(rounded(len(q)))
		b.upload(raw, q)
		b.upload(rawScales, s)
		row := first * tensor.PanelRows
		rows := min(step*tensor.PanelRows, out-row)
		b.launch(kernel, false, threads, layout.grid, blocks(rows, tensor.PanelRows)).
			pointer(address(t)).pointer(address(t.Scales)).pointer(raw).pointer(rawScales).
			int(in).int(rows).int(row)
	}
	return nil
}

// slice returns count items of size bytes from item first on, as far as there are.
func slice(data []byte, first, count, size int) []byte {
	lo := min(first*size, len(data))
	return data[lo:min(lo+count*size, len(data))]
}
