// SPDX-License-Identifier: Apache-2.0

package simd

//go:generate sh -c "cd _gen && go run . -set tiles -out ../tiles_amd64.s -stubs ../tiles_stubs_amd64.go -pkg simd && sed -i '1i // SPDX-License-Identifier: Apache-2.0' ../tiles_amd64.s ../tiles_stubs_amd64.go"

// A TileProduct is the operands of MultiplyTile: matrices small enough for the
// caches next to the processor.
type TileProduct struct {
	C       []float32 // [Lines, Columns], rows CStride apart
	A       []float32 // [Lines, Inner], rows AStride apart
	B       []float32 // [Inner, Columns], rows BStride apart
	CStride int
	AStride int
	BStride int
	Lines   int
	Inner   int
	Columns int  // a multiple of TileColumns
	Add     bool // to what C holds
}

// TileColumns divides the columns of a product.
const TileColumns = 32

// tileKernels are an instruction set's routines; all are nil in plain Go.
type tileKernels struct {
	name      string
	lanes     int
	multiply  func(c, a, b *float32, cStride, aStride, bStride uintptr, lines, inner, columns int, add bool)
	transpose func(dst, src *float32, dstStride, srcStride uintptr, blocks, groups int)
}

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
	if k := tileChosen.multiply; k != nil {
		k(&p.C[0], &p.A[0], &p.B[0], uintptr(4*p.CStride), uintptr(4*p.AStride), uintptr(4*p.BStride),
			p.Lines, p.Inner, p.Columns/(2*tileChosen.lanes), p.Add)
		return
	}
	multiplyTileGeneric(p)
}

func (p *TileProduct) check() {
	switch {
	case p.Columns%TileColumns != 0:
		panic("simd: MultiplyTile: columns are no multiple of TileColumns")
	case p.CStride < p.Columns || p.AStride < p.Inner || p.BStride < p.Columns:
		panic("simd: MultiplyTile: rows overlap")
	case len(p.C) < (p.Lines-1)*p.CStride+p.Columns || len(p.A) < (p.Lines-1)*p.AStride+p.Inner ||
		len(p.B) < (p.Inner-1)*p.BStride+p.Columns:
		panic("simd: MultiplyTile: an operand is too short")
	}
}

func multiplyTileGeneric(p *TileProduct) {
	for i := range p.Lines {
		c, a := p.C[i*p.CStride:][:p.Columns], p.A[i*p.AStride:][:p.Inner]
		if !p.Add {
			clear(c)
		}
		k := 0
		for ; k+4 <= p.Inner; k += 4 { // a sum is loaded and stored once for four
			a0, a1, a2, a3 := a[k], a[k+1], a[k+2], a[k+3]
			b0, b1 := p.B[k*p.BStride:][:len(c)], p.B[(k+1)*p.BStride:][:len(c)]
			b2, b3 := p.B[(k+2)*p.BStride:][:len(c)], p.B[(k+3)*p.BStride:][:len(c)]
			for j := range c {
				c[j] = c[j] + a0*b0[j] + a1*b1[j] + a2*b2[j] + a3*b3[j]
			}
		}
		for ; k < p.Inner; k++ {
			for j, b := range p.B[k*p.BStride:][:p.Columns] {
				c[j] += a[k] * b
			}
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
