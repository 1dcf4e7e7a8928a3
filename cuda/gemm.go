// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import "github.com/zenlm/zen/tensor"

// product16 is a product of many rows on tensor cores: operands in 16 bits, sums and
// results in float32.
//
//	dst [n, out] = rowScale·(x·weightᵀ) + bias + residual
type product16 struct {
	dst, x, weight, bias, residual uint64 // bias and residual may be 0
	rowScale                       uint64 // [n], or 0
	n, in, out, stride             int    // rows of dst and residual are stride apart
	dtype                          tensor.DType
}

// sliceBytes bounds the part of a quantised matrix that is widened at a time: all
// but a vocabulary's fit.
const sliceBytes = 160 << 20

// sliceOutputs returns the outputs of a quantised matrix that are widened at a time.
func sliceOutputs(in, out int) int {
	return min(out, max(gemmTile, sliceBytes/(2*in)/gemmTile*gemmTile))
}

// gemm multiplies many rows on tensor cores, in the type of the weight or, where it
// is quantised, in bfloat16.
func (b *Backend) gemm(p product) {
	if b.readsOnce(p.x.Dim(0), p.weight) {
		b.gemmQuantized(p)
	} else {
		b.gemmWide(p)
	}
}

// gemmQuantized widens a quantised weight in registers, which reads its bytes once.
func (b *Backend) gemmQuantized(p product) {
	q := product16{dst: p.dst, x: p.x16, residual: p.residual, n: p.x.Dim(0), in: p.x.Dim(1),
		out: p.weight.Dim(0), stride: p.weight.Dim(0), dtype: tensor.BF16}
	if p.bias != nil {
		q.bias = address(p.bias)
	}
	if q.x == 0 {
		q.x, _ = b.converted(p.x, tensor.BF16)
	}
	b.qgemm(p.weight, q)
}

// gemmWide widens a quantised weight in memory.
func (b *Backend) gemmWide(p product) {
	n, in, out := p.x.Dim(0), p.x.Dim(1), p.weight.Dim(0)
	q := product16{x: p.x16, n: n, in: in, stride: out, dtype: p.weight.DType}
	slice := out
	if p.weight.Quantized() {
		q.dtype = tensor.BF16
		slice = sliceOutputs(in, out)
	}
	if q.x == 0 {
		q.x, q.rowScale = b.converted(p.x, q.dtype)
	}
	for first := 0; first < out && !b.failed(); first += slice {
		q.out = min(slice, out-first)
		q.weight = b.weight16(p.weight, first, q.out)
		q.dst = p.dst + uint64(4*first)
		if p.bias != nil {
			q.bias = address(p.bias) + uint64(4*first)
		}
		if p.residual != 0 {
			q.residual = p.residual + uint64(4*first)
		}
		b.product16(q)
	}
}

// product16 goes through cuBLASLt where that is there and takes it, or zen_gemm.
func (b *Backend) product16(p product16) {
	switch {
	case b.failed():
	case b.blas == nil:
		b.zenGemm(p)
	case p.rowScale != 0:
		b.scaledProduct(p)
	case !b.multiply(p):
		b.zenGemm(p)
	}
}

// multiply gives p, which has no rowScale, to cuBLASLt and reports whether that takes
// it.
func (b *Backend) multiply(p product16) bool {
	plan := uint64(0)
	if p.dst%16 == 0 && p.residual%16 == 0 { // the others are aligned
		plan = b.blas.plan(p)
	}
	if plan == 0 {
		return false
	}
	l := b.stream.next(plan)
	l.blas = 1
	l.pointer(p.dst).pointer(p.x).pointer(p.weight).pointer(p.bias).pointer(p.residual).
		pointer(b.blas.workspace.address).pointer(blasWorkspace).int(p.n).int(0)
	return true
}

// scaledProduct scales rows after the product, beside dst where that has a residual.
func (b *Backend) scaledProduct(p product16) {
	plain := product16{dst: p.dst, x: p.x, weight: p.weight, n: p.n, in: p.in, out: p.out, stride: p.stride, dtype: p.dtype}
	if p.residual != 0 {
		plain.dst = b.room(&b.unscaled, 4*p.n*p.stride)
	}
	if b.failed() {
		return
	}
	if !b.multiply(plain) {
		b.zenGemm(p)
		return
	}
	b.launch(b.kernels.scaleRows, true, threads, p.n, blocks(p.out, 1024)).
		pointer(p.dst).pointer(plain.dst).pointer(p.rowScale).pointer(p.bias).pointer(p.residual).int(p.out).int(p.stride)
}

// zenGemm is the kernel of package kernels.
func (b *Backend) zenGemm(p product16) {
	l := b.launch(b.kernels.gemm[p.dtype], false, threads, blocks(p.out, gemmTile), blocks(p.n, gemmTile))
	l.shared = gemmShared
	l.pointer(p.dst).pointer(0).pointer(p.x).pointer(p.weight).pointer(p.bias).pointer(p.residual).
		pointer(p.rowScale).int(p.n).int(p.in).int(p.out).int(p.stride)
}

// weight16 returns the address of rows of weight in 16 bits, of a quantised one in
// memory that the next call uses again.
func (b *Backend) weight16(weight *tensor.Tensor, first, rows int) uint64 {
	in := weight.Dim(1)
	if !weight.Quantized() {
		return address(weight) + uint64(2*first*in)
	}
	dst := b.room(&b.wide, 2*rows*in)
	if b.failed() {
		return 0
	}
	layout := layoutOf(weight.DType, in)
	b.launch(b.kernels.dequant[weight.DType], false, threads, min(blocks(rows*in, 8*threads), 16*b.device.info.multiprocessors)).
		pointer(dst).pointer(address(weight) + uint64(first*layout.rowBytes)).
		pointer(scales(weight) + uint64(2*first*layout.scales)).int(in).int(rows)
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
