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

	dotBytes = 512 << 10 // of activations that stay in the second-level cache
	dotShare = 4         // rows at most that share what is loaded of the weights
	dotFew   = 8         // rows at most whose weights come from memory

	dotMany      = 12        // rows at least that are worth packing the weights for tiles
	dotPiece     = 44        // blocks of 16 inputs at most, of which a tile and four outputs stay in the first-level cache
	dotTileBytes = 192 << 10 // of a piece of activations, which stays in the second-level cache
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

	Rounded []uint16 // [Rows, In] X as Round leaves it, in place of X; for BF16 where HasPairs

	Scratch []float32 // grown where it is too short, for the next product to use

	few [dotFew][dotOutputs]float32
}

// dotKernels are an instruction set's routines; all are nil in plain Go.
type dotKernels struct {
	name      string
	f32       func(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *float32, wStride uintptr, blocks, rows int)
	f16, bf16 func(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)

	tile   dotTile // of many rows, or none
	shares bool    // many rows are multiplied as few are
}

// A dotTile multiplies tiles of a few rows with four outputs, as dotTileAVX2 does.
type dotTile struct {
	rows int // of a tile
	run  func(dst *float32, dstStride uintptr, x *float32, xStride uintptr, w *float32, wStride uintptr,
		blocks, tiles int, sums *float32, sumsStride uintptr, first, last bool)
}

// sums returns the words of a tile's sums.
func (k *dotTile) sums() int { return k.rows * dotOutputs * dotLanes }

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
	case p.Rounded != nil && (p.BF16 == nil || !HasPairs(p.Out, p.In)):
		panic("simd: Dots: activations are rounded")
	case max(len(p.X), len(p.Rounded)) < p.Rows*p.In || max(len(p.F32), len(p.F16), len(p.BF16)) < p.Out*p.In:
		panic("simd: Dots: an operand is too short")
	}
}

// Dots sets dst = x·Wᵀ. With activations that are not Rounded a sum has 16 lanes, input k in lane
// k%16, in the order of the inputs, each product added with one rounding; then the lanes are
// added up as
//
//	u[i] = lane[i] + lane[i+8]
//	((u[0] + u[1]) + (u[2] + u[3])) + ((u[4] + u[5]) + (u[6] + u[7]))
func Dots(p *DotProduct) {
	p.check()
	if dotsChosen.f32 == nil {
		dotsGeneric(p)
		return
	}
	if p.Rows >= dotMany && dotsChosen.tile.run != nil {
		p.tiles()
		return
	}
	given := p.F32
	if p.Rows >= dotMany && p.F32 == nil && !dotsChosen.shares { // widened once for all rows
		p.Scratch = grown(p.Scratch, p.Out*p.In)
		p.widen(p.Scratch, 0, p.Out*p.In)
		p.F32 = p.Scratch
	}
	rows := max(dotShare, dotBytes/(4*p.In)/dotShare*dotShare)
	if p.Rows <= dotFew {
		rows = dotFew
	}
	for row := 0; row < p.Rows; row += rows {
		if n := min(rows, p.Rows-row); n > dotFew {
			p.outputs(row, n)
		} else {
			p.quarters(row, n)
		}
	}
	p.F32 = given
}

// tiles computes many rows. The inputs go in pieces, so that a piece of four rows of weights
// stays in the first-level cache for all tiles and one of the activations in the second for
// all outputs.
func (p *DotProduct) tiles() {
	k := &dotsChosen.tile
	blocks := p.In / dotLanes
	pieces := (blocks + dotPiece - 1) / dotPiece
	width := dotLanes * ((blocks + pieces - 1) / pieces)
	share := min(p.Rows/k.rows, max(1, dotTileBytes/(4*k.rows*width)))
	groups := (p.Out + dotOutputs - 1) / dotOutputs
	weights := groups * dotOutputs * p.In
	p.Scratch = grown(p.Scratch, weights+groups*share*k.sums())
	packed, sums := p.Scratch[:weights], p.Scratch[weights:]
	p.pack(packed, width)
	row, last := 0, p.Rows-k.rows
	for ; row <= last; row += share * k.rows {
		p.share(row, min(share, (p.Rows-row)/k.rows), packed, width, sums)
	}
	if p.Rows%k.rows != 0 {
		p.share(last, 1, packed, width, sums) // some of these rows are done
	}
}

// share computes all outputs of n tiles of rows.
func (p *DotProduct) share(row, n int, packed []float32, width int, sums []float32) {
	k := &dotsChosen.tile
	for at := 0; at < p.In; at += width {
		width := min(width, p.In-at)
		for g := 0; g*dotOutputs < p.Out; g++ {
			out := min(g*dotOutputs, p.Out-dotOutputs) // as some of these outputs may be
			k.run(&p.Dst[row*p.Stride+out], uintptr(4*p.Stride), &p.X[row*p.In+at], uintptr(4*p.In),
				&packed[0], uintptr(4*width), width/dotLanes, n,
				&sums[g*n*k.sums()], uintptr(4*k.sums()), at == 0, at+width == p.In)
			packed = packed[dotOutputs*width:]
		}
	}
}

// pack widens the weights and puts together what tiles multiplies at a time: rows that lie a
// power of two apart would share a few places of the first-level cache with the activations.
//
//	dst  [pieces, groups, 4, width]  width less in the last piece
func (p *DotProduct) pack(dst []float32, width int) {
	for at := 0; at < p.In; at += width {
		n := min(width, p.In-at)
		for o := 0; o < p.Out; o += dotOutputs {
			out := min(o, p.Out-dotOutputs)
			for r := range dotOutputs {
				p.widen(dst[:n], (out+r)*p.In+at, n)
				dst = dst[n:]
			}
		}
	}
}

// widen sets dst to n weights from lo on.
func (p *DotProduct) widen(dst []float32, lo, n int) {
	switch {
	case p.F32 != nil:
		copy(dst[:n], p.F32[lo:])
	case p.F16 != nil:
		WidenF16(dst[:n], p.F16[lo:lo+n])
	default:
		WidenBF16(dst[:n], p.BF16[lo:lo+n])
	}
}

// grown returns n words of s or of a longer slice.
func grown(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}

// outputs computes all outputs of n rows.
func (p *DotProduct) outputs(row, n int) {
	for o := 0; o < p.Out; o += dotOutputs {
		out := min(o, p.Out-dotOutputs)
		p.run(&p.Dst[row*p.Stride+out], p.Stride, out, 1, row, n)
	}
}

// quarters computes all outputs of a few rows. The four whose weights are read side by side
// lie a quarter of all apart: memory comes faster in long pieces.
func (p *DotProduct) quarters(row, n int) {
	quarter := p.Out / dotOutputs
	for o := range quarter {
		p.run(&p.few[0][0], dotOutputs, o, quarter, row, n)
		for r := range n {
			dst := p.Dst[(row+r)*p.Stride+o:]
			for i, v := range p.few[r] {
				dst[i*quarter] = v
			}
		}
	}
	if out := p.Out - dotOutputs; out%dotOutputs != 0 { // the last four, of which some are done
		p.run(&p.Dst[row*p.Stride+out], p.Stride, out, 1, row, n)
	}
}

// run computes outputs o, o+step, o+2·step and o+3·step of n rows. In dst they are
// neighbours.
func (p *DotProduct) run(dst *float32, dstStride, o, step, row, n int) {
	stride, at, apart := uintptr(4*dstStride), o*p.In, uintptr(step*p.In)
	if p.Rounded != nil {
		pairsChosen.dots(dst, stride, &p.Rounded[row*p.In], uintptr(2*p.In), &p.BF16[at], 2*apart, p.In/pairInputs, n)
		return
	}
	x, xStride, blocks := &p.X[row*p.In], uintptr(4*p.In), p.In/dotLanes
	switch {
	case p.F32 != nil:
		dotsChosen.f32(dst, stride, x, xStride, &p.F32[at], 4*apart, blocks, n)
	case p.F16 != nil:
		dotsChosen.f16(dst, stride, x, xStride, &p.F16[at], 2*apart, blocks, n)
	default:
		dotsChosen.bf16(dst, stride, x, xStride, &p.BF16[at], 2*apart, blocks, n)
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
