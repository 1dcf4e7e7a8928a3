// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import "github.com/zenlm/zen/tensor"

// halves are rows [n, in] as F16, and what they are to be multiplied by.
type halves struct {
	address  uint64
	rowScale uint64  // [n], or 0
	scale    float32 // all of them
}

// product16 is a product of many rows on tensor cores: operands in F16, sums and results
// in float32.
//
//	dst [n, out] = x.rowScale·x.scale·wScale·(x·weightᵀ) + bias + residual
//
// Where unit is not 0, dst is F16 and unit a factor; there is no bias, residual or rowScale.
type product16 struct {
	dst                    uint64
	x                      halves
	weight, bias, residual uint64 // bias and residual may be 0
	wScale, unit           float32
	n, in, out, stride     int // rows of dst and residual are stride apart
}

// A quantised matrix is widened whole up to wholeBytes, as all but a vocabulary's are, or
// in slices of so many: memory is taken for the largest, and few steps want many logits.
const (
	wholeBytes = 160 << 20
	sliceBytes = 40 << 20
)

// sliceOutputs returns the outputs of a quantised matrix that are widened at a time.
func sliceOutputs(in, out int) int {
	if 2*in*out <= wholeBytes {
		return out
	}
	return min(out, max(gemmTile, sliceBytes/(2*in)/gemmTile*gemmTile))
}

// gemm multiplies many rows on tensor cores.
func (b *Backend) gemm(p product) {
	if b.readsOnce(p.x.Dim(0), p.weight) {
		b.gemmQuantized(p)
	} else {
		b.gemmWide(p)
	}
}

// alpha returns what the sums are to be multiplied by, but for rows' scales.
func (p *product16) alpha() float32 {
	if p.unit != 0 {
		return p.x.scale * p.wScale * p.unit
	}
	return p.x.scale * p.wScale
}

// size returns the bytes of an element of dst.
func (p *product16) size() int {
	if p.unit != 0 {
		return 2
	}
	return 4
}

// product16 returns p for the tensor cores, without its weight.
func (b *Backend) product16(p product) product16 {
	out := p.weight.Dim(0)
	q := product16{dst: p.dst, x: p.x16, residual: p.residual, unit: p.unit, n: p.x.Dim(0), in: p.x.Dim(1), out: out, stride: out}
	if p.bias != nil {
		q.bias = address(p.bias)
	}
	if q.x.address == 0 {
		q.x = b.converted(p.x)
	}
	return q
}

// gemmQuantized widens a quantised weight in registers, which reads its bytes once.
func (b *Backend) gemmQuantized(p product) { b.qgemm(p.weight, b.product16(p)) }

// gemmWide widens a quantised weight in memory.
func (b *Backend) gemmWide(p product) {
	q := b.product16(p)
	slice := q.out
	if p.weight.Quantized() {
		slice = sliceOutputs(q.in, q.out)
	}
	for first := 0; first < q.stride && !b.failed(); first += slice {
		s, skip := q, uint64(4*first)
		s.out = min(slice, q.stride-first)
		s.weight, s.wScale = b.weight16(p.weight, first, s.out)
		s.dst += uint64(s.size() * first)
		if s.bias != 0 {
			s.bias += skip
		}
		if s.residual != 0 {
			s.residual += skip
		}
		b.multiply(s)
	}
}

// multiply goes through cuBLASLt where that is there and takes it, or zen_gemm.
func (b *Backend) multiply(p product16) {
	switch {
	case b.failed():
	case b.blas == nil:
		b.zenGemm(p)
	case p.x.rowScale != 0:
		b.scaledProduct(p)
	case !b.library(p):
		b.zenGemm(p)
	}
}

// library gives p to cuBLASLt, but for x.rowScale, and reports whether that takes it.
func (b *Backend) library(p product16) bool {
	plan := uint64(0)
	if p.dst%16 == 0 && p.residual%16 == 0 { // the others are aligned
		plan = b.blas.plan(p)
	}
	if plan == 0 {
		return false
	}
	b.settle()
	l := b.stream.next(plan)
	l.blas = 1
	l.pointer(p.dst).pointer(p.x.address).pointer(p.weight).pointer(p.bias).pointer(p.residual).
		pointer(b.blas.workspace.address).pointer(blasWorkspace).int(p.n).float(p.alpha())
	return true
}

// scaledProduct scales rows after the product, beside dst where that has a residual.
func (b *Backend) scaledProduct(p product16) {
	plain := p
	plain.bias, plain.residual = 0, 0
	if p.residual != 0 {
		plain.dst = b.room(&b.unscaled, 4*p.n*p.stride)
	}
	if b.failed() {
		return
	}
	if !b.library(plain) {
		b.zenGemm(p)
		return
	}
	d := due{x: p.dst, product: plain.dst, rowScale: p.x.rowScale, bias: p.bias, residual: p.residual,
		rows: p.n, width: p.out, stride: p.stride}
	if p.residual == p.dst && p.out == p.stride {
		b.due = d
	} else {
		b.scaleRows(d)
	}
}

// due is a product whose rows are to be scaled and to be added to others:
//
//	x [rows, width] = rowScale·product + bias + residual
//
// Where that is x itself it can wait for a norm of x, the next launch as a rule.
type due struct {
	x, product, rowScale, bias, residual uint64
	rows, width, stride                  int // rows of x, product and residual are stride apart
}

// settle does what is due, before anything else is done.
func (b *Backend) settle() {
	b.normed = normed{}
	if d := b.due; d.x != 0 {
		b.due = due{}
		b.scaleRows(d)
	}
}

func (b *Backend) scaleRows(d due) {
	b.launch(b.kernels.scaleRows, true, threads, d.rows, blocks(d.width, 1024)).
		pointer(d.x).pointer(d.product).pointer(d.rowScale).pointer(d.bias).pointer(d.residual).int(d.width).int(d.stride)
}

// zenGemm is the kernel of package kernels.
func (b *Backend) zenGemm(p product16) {
	l := b.launch(b.kernels.gemm, false, threads, blocks(p.out, gemmTile), blocks(p.n, gemmTile))
	l.shared = gemmShared
	l.pointer(p.dst).pointer(p.x.address).pointer(p.weight).pointer(p.bias).pointer(p.residual).
		pointer(p.x.rowScale).int(p.n).int(p.in).int(p.out).int(p.stride).float(p.alpha()).int(int(flag(p.unit != 0)))
}

// weight16 returns the address of rows of weight in F16, of a quantised one in memory that
// the next call uses again, and what products with them are to be multiplied by.
func (b *Backend) weight16(weight *tensor.Tensor, first, rows int) (address16 uint64, scale float32) {
	in := weight.Dim(1)
	if !weight.Quantized() {
		return address(weight) + uint64(2*first*in), b.scaleOf(weight)
	}
	dst, unit := b.room(&b.wide, 2*rows*in), b.unitOf(weight)
	if b.failed() {
		return 0, 1
	}
	layout := layoutOf(weight.DType, in)
	b.launch(b.kernels.dequant[weight.DType], false, threads, b.sweep(rows*in)).
		pointer(dst).pointer(address(weight) + uint64(first*layout.rowBytes)).
		pointer(scales(weight) + uint64(2*first*layout.scales)).int(in).int(rows).float(unit)
	return dst, 1 / unit
}

// normed is rows that RMSNorm has just written, n elements, and their unit or 0: while
// nothing has been launched since, they need no scales of their own.
type normed struct {
	address uint64
	n       int
	unit    float32
}

// converted returns x as F16, in memory that the next call uses again.
func (b *Backend) converted(x *tensor.Tensor) halves {
	n, in := x.Dim(0), x.Dim(1)
	h := halves{address: b.room(&b.narrow, 2*n*in), scale: 1}
	unit := float32(1)
	if b.normed == (normed{address(x), n * in, b.normed.unit}) && b.normed.unit != 0 {
		unit = b.normed.unit
		h.scale = 1 / unit
	} else {
		h.rowScale = b.room(&b.units, 4*n)
	}
	if !b.failed() {
		b.launch(b.kernels.convert, true, threads, n).
			pointer(h.address).pointer(h.rowScale).pointer(address(x)).int(in).float(unit)
	}
	return h
}
