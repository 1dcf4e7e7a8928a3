// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"math"
	"unsafe"
)

//go:generate sh -c "cd _gen && go run . -set bf16 -out ../bf16_amd64.s -stubs ../bf16_stubs_amd64.go -pkg simd && sed -i '1i // SPDX-License-Identifier: Apache-2.0' ../bf16_amd64.s ../bf16_stubs_amd64.go"

// Matrix products with weights of bfloat16, in the arithmetic of AMX's TDPBF16PS.
// Activations are the sum of two bfloat16,
//
//	hi = x without its lower 16 bits, lo = x - hi, rounded
//
// which leaves an error of 2⁻¹⁶. A sum over the inputs goes by blocks of 32: the
// products with hi of the even inputs are added up in their order, those of the odd
// ones too, both together, and that to the sum; then lo likewise. Every addition
// is rounded to float32, and what is below 2⁻¹²⁶ is 0. One row gives the bits that it
// gives among others.
//
// What comes out does not depend on where a sum is stored and taken up again, so
// inputs are cut into passes whose activations stay in the first-level cache.
const (
	tileInputs = 32 // a block
	tileRows   = 16 // of activations or weights a tile
	pairRows   = 32 // of two tiles
	passBlocks = 512 / tileInputs
	passRows   = 512 // whose sums are kept
	packRows   = 128 // from which on weights are copied into tiles
	tileWords  = tileRows * tileRows

	pieceBlocks = 8 // at most, of few rows at a time
)

// A BF16Product is the operands of MultiplyBF16.
type BF16Product struct {
	Rows, In, Out int
	Dst           []float32 // [Rows, Out], rows Stride apart
	Stride        int
	W             []uint16 // [Out, In] bfloat16
	X             []uint16 // Rows rows as SplitRows leaves them
}

func (p *BF16Product) check(scratch int) {
	switch {
	case p.Rows <= 0 || p.In <= 0 || p.Out <= 0:
		panic("simd: MultiplyBF16: no rows, inputs or outputs")
	case p.Stride < p.Out || len(p.Dst) < (p.Rows-1)*p.Stride+p.Out:
		panic("simd: MultiplyBF16: dst is too short")
	case len(p.W) < p.Out*p.In || len(p.X) < SplitLen(p.Rows, p.In):
		panic("simd: MultiplyBF16: an operand is too short")
	case scratch < BF16Scratch(p.Rows, p.In, p.Out):
		panic("simd: MultiplyBF16: scratch is too short")
	}
}

// blocks returns how many blocks of inputs there are, the last one perhaps short.
func tileBlocks(in int) int { return (in + tileInputs - 1) / tileInputs }

// SplitLen returns the length of rows of activations that SplitRows has split.
func SplitLen(rows, in int) int { return 2 * rows * tileBlocks(in) * tileInputs }

// BF16Scratch returns the words of scratch that MultiplyBF16 needs.
func BF16Scratch(rows, in, out int) int {
	pairs, stripes := ceil(min(rows, passRows), pairRows), ceil(out, pairRows)
	weights := stripes * pairRows * tileInputs / 2
	if rows >= packRows {
		weights *= passBlocks
	}
	return pairs*stripes*4*tileWords + weights
}

// SplitScratch returns the words of scratch that SplitRows needs.
func SplitScratch(in int) int { return tileRows * tileBlocks(in) * tileInputs }

func ceil(n, multiple int) int { return (n + multiple - 1) / multiple }

// bf16Kernels are an instruction set's routines; all are nil in plain Go.
type bf16Kernels struct {
	name      string
	split     func(dst *uint16, x *float32, blocks int)
	transpose func(dst *uint32, dstStride, dstStep uintptr, src *uint32, srcStride, srcStep uintptr, n int)
	multiply  func(p *BF16Product, scratch []float32)
}

// bf16Chosen are the best of bf16Variants.
var bf16Chosen = bf16Variants()[0]

// HasBF16 reports whether MultiplyBF16 is more than a plain loop.
func HasBF16() bool { return bf16Chosen.multiply != nil }

// SplitRows splits up to 16 rows of activations, which MultiplyBF16 takes as one group of 16
// or as the last, smaller one.
//
//	dst      [blocks, 2, 16, rows, 2]  hi and lo of 16 pairs of inputs
//	x        [rows, in]
//	scratch  SplitScratch words; its content is lost
func SplitRows(dst []uint16, x []float32, rows, in int, scratch []float32) {
	if rows <= 0 || rows > tileRows || len(x) < rows*in || len(dst) < SplitLen(rows, in) || len(scratch) < SplitScratch(in) {
		panic("simd: SplitRows: wrong lengths")
	}
	blocks := tileBlocks(in)
	if rows == 1 {
		splitRow(dst, x[:in])
		return
	}
	row := 2 * blocks * tileInputs
	split := unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(scratch))), rows*row)
	for r := range rows {
		splitRow(split[r*row:][:row], x[r*in:][:in])
	}
	words, from := wordsOf(dst[:rows*row]), wordsOf(split)
	if k := bf16Chosen.transpose; k != nil && rows == tileRows {
		k(&words[0], 64, 1024, &from[0], uintptr(2*row), 64, 2*blocks)
		return
	}
	for i := range row / 2 {
		for r := range rows {
			words[i*rows+r] = from[r*row/2+i]
		}
	}
}

// wordsOf returns the pairs of s.
func wordsOf(s []uint16) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(s))), len(s)/2)
}

// splitRow sets dst [blocks, 2, 32] to hi and lo of x, and 0 after its end.
func splitRow(dst []uint16, x []float32) {
	whole := len(x) / tileInputs
	if k := bf16Chosen.split; k != nil && whole > 0 {
		k(&dst[0], &x[0], whole)
	} else {
		splitGeneric(dst, x[:whole*tileInputs])
	}
	if rest := x[whole*tileInputs:]; len(rest) > 0 {
		var padded [tileInputs]float32
		copy(padded[:], rest)
		splitGeneric(dst[2*whole*tileInputs:], padded[:])
	}
}

func splitGeneric(dst []uint16, x []float32) {
	for i, v := range x {
		block := dst[i/tileInputs*2*tileInputs:]
		block[i%tileInputs], block[tileInputs+i%tileInputs] = split(v)
	}
}

// split returns the two parts of x.
func split(x float32) (hi, lo uint16) {
	bits := math.Float32bits(x)
	if x != x {
		bits |= 1 << 22 // a NaN keeps a bit that is set
	}
	rest := x - math.Float32frombits(bits&0xffff0000)
	if rest == rest {
		lo = uint16((math.Float32bits(rest) + 0x8000) >> 16)
	}
	return uint16(bits >> 16), lo
}

// MultiplyBF16 sets dst = x·Wᵀ. scratch has BF16Scratch words, its content is lost.
func MultiplyBF16(p *BF16Product, scratch []float32) {
	p.check(len(scratch))
	if k := bf16Chosen.multiply; k != nil {
		k(p, scratch)
		return
	}
	bf16Generic(p)
}

func bf16Generic(p *BF16Product) {
	blocks := tileBlocks(p.In)
	for r := range p.Rows {
		group := min(tileRows, p.Rows-r/tileRows*tileRows)
		x := p.X[SplitLen(r/tileRows*tileRows, p.In):]
		for o := range p.Out {
			sum := float32(0)
			for i := range 2 * blocks { // a part of a block
				var odd, even float32
				for j := range tileRows {
					k, at := i/2*tileInputs+2*j, 2*((i*tileRows+j)*group+r%tileRows)
					if k < p.In {
						even = fmaFlushed(widened(x[at]), widened(p.W[o*p.In+k]), even)
					}
					if k+1 < p.In {
						odd = fmaFlushed(widened(x[at+1]), widened(p.W[o*p.In+k+1]), odd)
					}
				}
				sum = flushed(sum + flushed(even+odd))
			}
			p.Dst[r*p.Stride+o] = sum
		}
	}
}

// widened returns the value of a bfloat16, 0 for a subnormal one.
func widened(h uint16) float32 { return flushed(math.Float32frombits(uint32(h) << 16)) }

// flushed returns x, or 0 of its sign if it is subnormal.
func flushed(x float32) float32 {
	if x > -0x1p-126 && x < 0x1p-126 {
		return math.Float32frombits(math.Float32bits(x) & (1 << 31))
	}
	return x
}

// fmaFlushed is fma, its result flushed.
func fmaFlushed(a, b, c float32) float32 { return flushed(fma(a, b, c)) }
