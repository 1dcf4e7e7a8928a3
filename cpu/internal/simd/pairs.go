// SPDX-License-Identifier: Apache-2.0

package simd

//go:generate sh -c "cd _gen && go run . -set pairs -out ../pairs_amd64.s -stubs ../pairs_stubs_amd64.go -pkg simd && sed -i '1i // SPDX-License-Identifier: Apache-2.0' ../pairs_amd64.s ../pairs_stubs_amd64.go"

// Weights of bfloat16 multiplied with activations rounded to bfloat16, in the arithmetic of
// VDPBF16PS, which does the work of two fused operations on float32. A sum has sixteen lanes, of
// which each takes two of 32 inputs, the second first:
//
//	lane[i] = fma(x[2i], w[2i], fma(x[2i+1], w[2i+1], lane[i]))
//
// What is below 2⁻¹²⁶ is 0, operand or result. In the end the lanes are added up as Dots does.
const (
	pairInputs = 32 // a block: a line of the cache
	pairTall   = 6  // rows of a tile
)

// pairKernels are an instruction set's routines; all are nil in plain Go, which would gain nothing
// by rounding.
type pairKernels struct {
	name string
	few  func(dst *float32, dstStride uintptr, x *uint16, xStride uintptr, w *uint16, wStride uintptr, blocks, rows int)
	tile func(dst *float32, dstStride uintptr, x, w *uint16, blocks, groups int, ahead *uint16, aheadStep uintptr)

	round func(dst *uint16, dstStep uintptr, src *float32, blocks int)
	pack  func(dst, src *uint16, srcStride uintptr, blocks int)
}

// pairsChosen are the best of pairVariants.
var pairsChosen = pairVariants()[0]

// HasPairs reports whether Dots takes rounded activations for weights of BF16 [out, in].
func HasPairs(out, in int) bool {
	return pairsChosen.few != nil && in%pairInputs == 0 && HasDots(out, in)
}

// RoundedTile returns how many of so many rows of activations RoundTile rounds at a time.
func RoundedTile(rows int) int {
	if rows <= dotFew {
		return 1
	}
	return pairTall
}

// RoundedLen returns the length of rounded rows: whole tiles, of which the last is the last rows, some of
// them perhaps in another one too.
func RoundedLen(rows, in int) int { return ceil(rows, RoundedTile(rows)) * RoundedTile(rows) * in }

// RoundTile rounds a tile of so many rows of activations to bfloat16.
//
//	dst  [in/32, tile, 32]
//	x    [tile, in]
func RoundTile(dst []uint16, x []float32, tile, in int) {
	if tile <= 0 || in <= 0 || in%pairInputs != 0 || len(dst) < tile*in || len(x) < tile*in {
		panic("simd: RoundTile: wrong lengths")
	}
	for r := range tile {
		pairsChosen.round(&dst[r*pairInputs], uintptr(2*tile*pairInputs), &x[r*in], in/pairInputs)
	}
}

// pairs computes many rows. The weights stay in the second-level cache for all of them; meanwhile
// what is likely to come next is fetched into it.
func (p *DotProduct) pairs() {
	blocks, groups := p.In/pairInputs, p.Out/dotOutputs
	last := p.Out - dotOutputs // the outputs of one more group, of which some are in another
	packed := grown(p.Scratch.packed, (groups+1)*dotOutputs*p.In)
	p.Scratch.packed = packed
	for g := range groups + 1 {
		out := min(g*dotOutputs, last)
		pairsChosen.pack(&packed[g*dotOutputs*p.In], &p.BF16[out*p.In], uintptr(2*p.In), blocks)
	}
	for tile := 0; tile*pairTall < p.Rows; tile++ {
		dst := p.Dst[min(tile*pairTall, p.Rows-pairTall)*p.Stride:]
		x, stride := &p.Rounded[tile*pairTall*p.In], uintptr(4*p.Stride)
		ahead, step := x, uintptr(0)
		if lines := groups * p.In; (tile+1)*lines <= len(p.Next) { // a line for each block of each group
			ahead, step = &p.Next[tile*lines], 2*pairInputs
		}
		pairsChosen.tile(&dst[0], stride, x, &packed[0], blocks, groups, ahead, step)
		if p.Out%dotOutputs != 0 {
			pairsChosen.tile(&dst[last], stride, x, &packed[groups*dotOutputs*p.In], blocks, 1, x, 0)
		}
	}
}
