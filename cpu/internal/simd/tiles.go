// SPDX-License-Identifier: Apache-2.0

package simd

import "unsafe"

//go:generate sh -c "cd _gen && go run . -set tiles -out ../tiles_amd64.s -stubs ../tiles_stubs_amd64.go -pkg simd && sed -i '1i // SPDX-License-Identifier: Apache-2.0' ../tiles_amd64.s ../tiles_stubs_amd64.go"

// A TileProduct is the operands of MultiplyTile: matrices small enough for the
// caches next to the processor.
type TileProduct struct {
	C       []float32 // [Lines, Columns], rows CStride apart
	A       []float32 // [Lines, Inner], rows AStride apart
	B       []float32 // [Inner, Columns], rows BStride apart; or
	B16     []uint16  // the same of F16, or of BF16 where it says so
	BF16    bool
	CStride int
	AStride int
	BStride int
	Lines   int
	Inner   int
	Columns int  // a multiple of TileColumns
	Add     bool // to what C holds

	// Ahead is what is read after the product, Inner · Columns elements or none. A
	// product of few lines, as fast as memory, fetches it on the way: a processor's
	// own prefetching ends with every page of a cache.
	Ahead []uint16
}

// TileColumns divides the columns of a product.
const TileColumns = 32

// tileKernels are an instruction set's routines; all are nil in plain Go.
type tileKernels struct {
	name     string
	lanes    int
	multiply func(c, a, b *float32, cStride, aStride, bStride uintptr, lines, inner, columns int, add bool,
		ahead *uint16, aheadStep uintptr)
	multiplyF16    multiplyTile16
	multiplyBF16   multiplyTile16
	transpose      func(dst, src *float32, dstStride, srcStride uintptr, blocks, groups int)
	transposeWords func(dst, src *uint16, dstStride, srcStride uintptr, blocks int)
}

type multiplyTile16 func(c, a *float32, b *uint16, cStride, aStride, bStride uintptr, lines, inner, columns int, add bool,
	ahead *uint16, aheadStep uintptr)

// tileChosen are the best of tileVariants.
var tileChosen = tileVariants()[0]

// MultiplyTile sets C = A·B, or adds it to C. Each sum is one chain in the order of
// the inner dimension, begun with what C holds, so that its bits depend on its own
// row of A and column of B alone. Assembly fuses products and sums.
func MultiplyTile(p *TileProduct) {
	if p.Lines <= 0 || p.Inner <= 0 || p.Columns <= 0 {
		return
	}
	p.check()
	k := &tileChosen
	if k.multiply == nil {
		multiplyTileGeneric(p)
		return
	}
	c, a, b := uintptr(4*p.CStride), uintptr(4*p.AStride), uintptr(4*p.BStride)
	columns := p.Columns / (2 * k.lanes)
	ahead, step := unsafe.SliceData(p.Ahead), uintptr(64*2*k.lanes/TileColumns)
	if len(p.Ahead) < p.Inner*p.Columns {
		ahead, step = (*uint16)(unsafe.Pointer(&p.C[0])), 0
	}
	switch {
	case p.B != nil:
		k.multiply(&p.C[0], &p.A[0], &p.B[0], c, a, b, p.Lines, p.Inner, columns, p.Add, ahead, step)
	case p.BF16:
		k.multiplyBF16(&p.C[0], &p.A[0], &p.B16[0], c, a, b/2, p.Lines, p.Inner, columns, p.Add, ahead, step)
	default:
		k.multiplyF16(&p.C[0], &p.A[0], &p.B16[0], c, a, b/2, p.Lines, p.Inner, columns, p.Add, ahead, step)
	}
}

func (p *TileProduct) check() {
	switch {
	case p.Columns%TileColumns != 0:
		panic("simd: MultiplyTile: columns are no multiple of TileColumns")
	case p.CStride < p.Columns || p.AStride < p.Inner || p.BStride < p.Columns:
		panic("simd: MultiplyTile: rows overlap")
	case len(p.C) < (p.Lines-1)*p.CStride+p.Columns || len(p.A) < (p.Lines-1)*p.AStride+p.Inner ||
		max(len(p.B), len(p.B16)) < (p.Inner-1)*p.BStride+p.Columns:
		panic("simd: MultiplyTile: an operand is too short")
	case p.B != nil && p.B16 != nil:
		panic("simd: MultiplyTile: two types of B")
	}
}

func multiplyTileGeneric(p *TileProduct) {
	for i := range p.Lines {
		c := p.C[i*p.CStride:][:p.Columns]
		if !p.Add {
			clear(c)
		}
		if p.B == nil {
			addRows16(c, p.A[i*p.AStride:][:p.Inner], p)
		} else {
			addRows(c, p.A[i*p.AStride:][:p.Inner], p.B, p.BStride)
		}
	}
}

// addRows adds a[k] times row k of b for all k, in order.
func addRows(c, a, b []float32, stride int) {
	for ; len(a) >= 4; a, b = a[4:], b[min(4*stride, len(b)):] { // a sum is loaded and stored once for four
		a0, a1, a2, a3 := a[0], a[1], a[2], a[3]
		b0, b1, b2, b3 := b[:len(c)], b[stride:][:len(c)], b[2*stride:][:len(c)], b[3*stride:][:len(c)]
		for j := range c {
			c[j] = c[j] + a0*b0[j] + a1*b1[j] + a2*b2[j] + a3*b3[j]
		}
	}
	for k, v := range a {
		for j, w := range b[k*stride:][:len(c)] {
			c[j] += v * w
		}
	}
}

func addRows16(c, a []float32, p *TileProduct) {
	var row [TileColumns]float32
	for j := 0; j < len(c); j += TileColumns {
		for k := range a {
			b := p.B16[k*p.BStride+j:][:TileColumns]
			if p.BF16 {
				widenBF16Generic(row[:], b)
			} else {
				widenF16Generic(row[:], b)
			}
			addRows(c[j:][:TileColumns], a[k:k+1], row[:], TileColumns)
		}
	}
}

// TransposeTile sets dst[i, j] = src[j, i].
//
//	dst  [columns, 64], rows TileScores apart
//	src  [64, columns], rows stride apart; columns is a multiple of 4
func TransposeTile(dst, src []float32, stride, columns int) {
	if columns%4 != 0 || columns > stride || len(dst) < TileScores*columns ||
		len(src) < (TileScores-1)*stride+columns {
		panic("simd: TransposeTile: wrong lengths")
	}
	if k := tileChosen.transpose; k != nil && columns > 0 {
		k(&dst[0], &src[0], 4*TileScores, uintptr(4*stride), columns/4, TileScores/tileChosen.lanes)
		return
	}
	transposeTileGeneric(dst, src, stride, columns)
}

func transposeTileGeneric(dst, src []float32, stride, columns int) {
	for j := range TileScores {
		for i, v := range src[j*stride:][:columns] {
			dst[i*TileScores+j] = v
		}
	}
}

// TransposeWords sets dst[i, j] = src[j, i] for WordRows rows of src.
//
//	dst  [columns, WordRows], rows TileScores apart
//	src  [WordRows, columns]; columns is a multiple of 8
func TransposeWords(dst, src []uint16, columns int) {
	if columns%8 != 0 || columns > 0 && len(dst) < TileScores*(columns-1)+WordRows || len(src) < WordRows*columns {
		panic("simd: TransposeWords: wrong lengths")
	}
	k := tileChosen.transposeWords
	if k == nil || columns == 0 {
		transposeWordsGeneric(dst, src, columns)
		return
	}
	rows := 2 * tileChosen.lanes
	for j := 0; j < WordRows; j += rows {
		k(&dst[j], &src[j*columns], 2*TileScores, uintptr(2*columns), columns/8)
	}
}

// WordRows is the rows that TransposeWords transposes.
const WordRows = 32

func transposeWordsGeneric(dst, src []uint16, columns int) {
	for j := range WordRows {
		for i, v := range src[j*columns:][:columns] {
			dst[i*TileScores+j] = v
		}
	}
}
