// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import "github.com/zenlm/zen/tensor"

// gemvRows is the most rows of a launch of zen_gemv.
const gemvRows = 4

// product is one matrix product with what is fused to it.
//
//	dst [n, out] = x·weightᵀ + bias + residual
type product struct {
	dst          uint64
	x            *tensor.Tensor // [n, in]
	x16          uint64         // x in the type of the weight, 0 where nobody has made it
	weight, bias *tensor.Tensor // [out, in], and [out] or nil
	residual     uint64         // dst or 0
}

// MatMul sets dst = x·weightᵀ + bias.
func (b *Backend) MatMul(dst, x, weight, bias *tensor.Tensor) {
	b.matMul(product{dst: address(dst), x: x, weight: weight, bias: bias})
}

func (b *Backend) matMul(p product) {
	n, in, out := p.x.Dim(0), p.x.Dim(1), p.weight.Dim(0)
	switch {
	case b.failed() || n == 0 || out == 0:
	case p.weight.DType == tensor.F32 || !p.weight.Quantized() && in%8 != 0:
		b.launch(b.kernels.matMul[p.weight.DType], false, threads, blocks(out, 64), blocks(n, 64)).
			pointer(p.dst).pointer(address(p.x)).pointer(address(p.weight)).pointer(optional(p.bias)).
			pointer(p.residual).int(n).int(in).int(out)
	case b.streams(n, p.weight):
		for first := 0; first < n; first += b.gemvRows(in) {
			b.gemv(p, first, min(n-first, b.gemvRows(in)))
		}
	default:
		b.gemm(p)
	}
}

// streams reports whether n rows are so few that reading the weight takes the time.
func (b *Backend) streams(n int, weight *tensor.Tensor) bool {
	return b.kernels.gemv[weight.DType] != 0 && (n <= gemvRows || weight.Dim(1)%8 != 0)
}

// fitsGemv reports whether one launch of zen_gemv takes n rows.
func (b *Backend) fitsGemv(n int, weight *tensor.Tensor) bool {
	in := weight.Dim(1)
	return n <= b.gemvRows(in) && (weight.Quantized() || in%8 == 0)
}

// gemvRows returns the rows of in elements that fit zen_gemv's shared memory.
func (b *Backend) gemvRows(in int) int {
	rows := gemvRows
	for rows > 1 && gemvShared(rows, in) > b.device.info.shared {
		rows--
	}
	return rows
}

func gemvShared(rows, in int) int { return 4*rows*((in+127)&^127+32) + 8192 }

// gemvGrid is a block for each multiprocessor, or for 8 outputs.
func (b *Backend) gemvGrid(out int) int { return min(b.device.info.multiprocessors, blocks(out, 8)) }

// gemv multiplies rows of p.x from first on.
func (b *Backend) gemv(p product, first, rows int) {
	in, out := p.x.Dim(1), p.weight.Dim(0)
	skip := uint64(4 * first * out)
	residual := p.residual
	if residual != 0 {
		residual += skip
	}
	l := b.launch(b.kernels.gemv[p.weight.DType], true, threads, b.gemvGrid(out))
	l.shared = uint32(gemvShared(rows, in))
	b.gemvParams(l, gemvOperands{dst: p.dst + skip, x: address(p.x) + uint64(4*first*in), weight: p.weight,
		bias: p.bias, residual: residual}, rows)
}

// gemvOperands are those of zen_gemv and its variants.
type gemvOperands struct {
	dst, x          uint64
	weight, weight2 *tensor.Tensor // [out, in]; weight2 of SwiGLU or nil
	bias, norm      *tensor.Tensor // or nil
	eps             float32
	residual        uint64
}

// gemvParams appends GemvParams.
func (b *Backend) gemvParams(l *launch, o gemvOperands, rows int) {
	l.pointer(o.dst).pointer(o.x).pointer(address(o.weight)).pointer(scales(o.weight))
	if o.weight2 != nil {
		l.pointer(address(o.weight2)).pointer(scales(o.weight2))
	} else {
		l.pointer(0).pointer(0)
	}
	l.pointer(optional(o.bias)).pointer(o.residual).pointer(optional(o.norm)).
		int(rows).int(o.weight.Dim(1)).int(o.weight.Dim(0)).float(o.eps)
}

// gemm multiplies many rows on tensor cores, in the type of the weight or, where it
// is quantised, in bfloat16.
func (b *Backend) gemm(p product) {
	n, in, out := p.x.Dim(0), p.x.Dim(1), p.weight.Dim(0)
	w, dtype := address(p.weight), p.weight.DType
	if p.weight.Quantized() {
		w, dtype = b.dequantized(p.weight), tensor.BF16
	}
	x16, rowScale := p.x16, uint64(0)
	if x16 == 0 {
		x16, rowScale = b.converted(p.x, dtype)
	}
	if b.failed() {
		return
	}
	l := b.launch(b.kernels.gemm[dtype], false, threads, blocks(out, 128), blocks(n, 128))
	l.shared = gemmShared
	l.pointer(p.dst).pointer(0).pointer(x16).pointer(w).pointer(optional(p.bias)).pointer(p.residual).
		pointer(rowScale).int(n).int(in).int(out).int(0)
}

// dequantized returns the address of weight as bfloat16, in memory that the next
// call uses again.
func (b *Backend) dequantized(weight *tensor.Tensor) uint64 {
	out, in := weight.Dim(0), weight.Dim(1)
	dst := b.room(&b.wide, 2*out*in)
	if b.failed() {
		return 0
	}
	b.launch(b.kernels.dequant[weight.DType], false, 32, blocks(in, 256), out).
		pointer(dst).pointer(address(weight)).pointer(scales(weight)).int(in).int(out)
	return dst
}

// converted returns the addresses of x as a 16-bit type and, for float16, of its
// rows' scales, in memory that the next call uses again.
func (b *Backend) converted(x *tensor.Tensor, dtype tensor.DType) (x16, rowScale uint64) {
	n, in := x.Dim(0), x.Dim(1)
	dst := b.room(&b.narrow, rounded(2*n*in)+4*n)
	if b.failed() {
		return 0, 0
	}
	if dtype == tensor.BF16 {
		b.launch(b.kernels.convert[dtype], true, threads, blocks(n*in, 1024)).
			pointer(dst).pointer(address(x)).pointer(uint64(n * in))
		return dst, 0
	}
	rowScale = dst + uint64(rounded(2*n*in))
	b.launch(b.kernels.convert[dtype], true, threads, n).
		pointer(dst).pointer(rowScale).pointer(address(x)).int(in)
	return dst, rowScale
}

// optional returns the address of a tensor that may be nil, or 0.
func optional(t *tensor.Tensor) uint64 {
	if t == nil {
		return 0
	}
	return address(t)
}

// room returns the address of *m, made anew when it has less than n bytes.
func (b *Backend) room(m **memory, n int) uint64 {
	if *m == nil || (*m).size < n {
		grown, err := b.alloc(n)
		if err != nil {
			b.stream.fail(err)
			return 0
		}
		if *m != nil {
			b.memory.free(*m)
		}
		*m = grown
	}
	return (*m).address
}
