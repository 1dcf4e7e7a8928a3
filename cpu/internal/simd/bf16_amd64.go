// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package simd

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// bf16Variants returns what the processor has, the fastest first.
func bf16Variants() []bf16Kernels {
	x := &cpu.X86
	var ks []bf16Kernels
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL &&
		x.HasAMXTile && x.HasAMXBF16 && requestAMX() {
		ks = append(ks, bf16Kernels{"AMX", splitBF16AVX512, transposeAVX512, bf16AMX})
	}
	return append(ks, bf16Kernels{name: "generic"})
}

// tileShape is the configuration of the tile registers (Intel's Software Developer's
// Manual, LDTILECFG).
type tileShape struct {
	palette, start uint8
	_              [14]uint8
	bytes          [16]uint16 // of a row
	rows           [16]uint8
}

var _ [64]byte = [unsafe.Sizeof(tileShape{})]byte{}

// tileShapes returns the configuration for two tiles of weights with outs rows and two
// of activations with xs rows each, as _gen/bf16.go lays them out.
func tileShapes(outs, xs [2]int) (s tileShape) {
	s.palette = 1
	for i := range 4 {
		s.rows[i], s.bytes[i] = uint8(outs[i/2]), uint16(4*xs[i%2])
	}
	for i := range 2 {
		s.rows[4+i], s.bytes[4+i] = uint8(outs[i]), 64
		s.rows[6+i], s.bytes[6+i] = tileRows, uint16(4*xs[i])
	}
	return s
}

// bf16Pass is the inputs from block first on of a product.
type bf16Pass struct {
	*BF16Product
	row, rows     int // of the product
	first, blocks int
	w             []uint16 // [Out, stride] from the first block on
	stride        int
	sums          []float32 // [pairs, stripes, 2, 2, 16, 16]
	memory        []uint16  // for packed
	packed        []uint16
}

// bf16AMX is bf16Generic's twin.
func bf16AMX(p *BF16Product, scratch []float32) {
	whole := p.In / tileInputs
	for row := 0; row < p.Rows; row += passRows {
		t := bf16Pass{BF16Product: p, row: row, rows: min(passRows, p.Rows-row), w: p.W, stride: p.In, sums: scratch}
		sums := ceil(t.rows, pairRows) * ceil(p.Out, pairRows) * 4 * tileWords
		t.memory = unsafe.Slice((*uint16)(unsafe.Pointer(&scratch[sums])), 2*len(scratch[sums:]))
		blocks := passBlocks
		if t.rows <= pairRows {
			blocks = max(whole, 1) // nothing is read twice
		}
		for ; t.first < whole; t.first += t.blocks {
			t.blocks = min(blocks, whole-t.first)
			t.w = p.W[t.first*tileInputs:]
			t.multiply()
		}
		if p.In%tileInputs != 0 {
			t.blocks, t.stride = 1, tileInputs
			t.w = lastBlock(p, t.memory)
			t.multiply()
		}
		t.finish()
	}
}

// lastBlock returns the inputs of W's last block, which is short, followed by zeros.
//
//	result  [Out, 32]; in memory
func lastBlock(p *BF16Product, memory []uint16) []uint16 {
	w := memory[:p.Out*tileInputs]
	clear(w)
	from := p.In / tileInputs * tileInputs
	for o := range p.Out {
		copy(w[o*tileInputs:], p.W[o*p.In+from:(o+1)*p.In])
	}
	return w
}

// group returns the activations of a group of 16 rows from the pass's first block on,
// and how many rows it has.
func (t *bf16Pass) group(row int) (x *byte, rows int) {
	rows = min(tileRows, t.Rows-row)
	at := SplitLen(row, t.In) + t.first*2*tileInputs*rows
	return (*byte)(unsafe.Pointer(&t.X[at])), rows
}

// multiply adds the pass's inputs to the sums.
func (t *bf16Pass) multiply() {
	stripes := ceil(t.Out, pairRows)
	if t.rows >= packRows && t.blocks > 1 && t.Out >= pairRows {
		t.pack()
	}
	for i := 0; i < t.rows; i += pairRows {
		sums := t.sums[i/pairRows*stripes*4*tileWords:]
		if t.rows-i <= tileRows {
			t.few(t.row+i, sums)
			continue
		}
		t.many(t.row+i, sums, 0, t.Out/pairRows)
		if t.Out%pairRows != 0 {
			t.many(t.row+i, sums, t.Out/pairRows, 1)
		}
	}
	t.packed = nil
}

// pack copies the weights of whole stripes into tiles, which many row groups read. They
// lie at lines of the cache there, and do not drive each other out of it.
//
//	packed  [stripes, 2, blocks, 16, 32]
func (t *bf16Pass) pack() {
	t.packed = t.memory[:t.Out/pairRows*pairRows*t.blocks*tileInputs]
	for o := 0; o < t.Out/pairRows*pairRows; o += tileRows {
		packTilesAVX512((*byte)(unsafe.Pointer(&t.packed[o*t.blocks*tileInputs])),
			(*byte)(unsafe.Pointer(&t.w[o*t.stride])), uintptr(2*t.stride), t.blocks)
	}
}

// outputs returns the weights of a stripe, and how many rows its two tiles have. One
// that would have none is the first again, whose sums nobody reads.
func (t *bf16Pass) outputs(stripe int) (w0, w1 *byte, outs [2]int) {
	o := stripe * pairRows
	outs = [2]int{min(tileRows, t.Out-o), min(tileRows, t.Out-o-tileRows)}
	w0 = (*byte)(unsafe.Pointer(&t.w[o*t.stride]))
	w1 = w0
	if outs[1] <= 0 {
		outs[1] = outs[0]
	} else {
		w1 = (*byte)(unsafe.Pointer(&t.w[(o+tileRows)*t.stride]))
	}
	return w0, w1, outs
}

func (t *bf16Pass) many(row int, sums []float32, stripe, stripes int) {
	if stripes == 0 {
		return
	}
	w0, w1, outs := t.outputs(stripe)
	x0, n0 := t.group(row)
	x1, n1 := t.group(row + tileRows)
	shape := tileShapes(outs, [2]int{n0, n1})
	stride, step, next := uintptr(2*t.stride), uintptr(64), uintptr(2*pairRows*t.stride)
	if t.packed != nil && stripe == 0 {
		stride, step, next = 64, 1024, uintptr(2*1024*t.blocks)
		w0 = (*byte)(unsafe.Pointer(&t.packed[0]))
		w1 = (*byte)(unsafe.Pointer(&t.packed[tileRows*tileInputs*t.blocks]))
	}
	tilesManyAMX(&sums[stripe*4*tileWords], w0, w1, stride, step, next, x0, x1, uintptr(4*n0), uintptr(4*n1),
		t.blocks, stripes, t.first, (*byte)(unsafe.Pointer(&shape)))
}

func (t *bf16Pass) few(row int, sums []float32) {
	x, n := t.group(row)
	piece := ceil(t.blocks, ceil(t.blocks, pieceBlocks))
	for stripe := range ceil(t.Out, pairRows) {
		w0, w1, outs := t.outputs(stripe)
		shape := tileShapes(outs, [2]int{n, n})
		shape.rows[1], shape.bytes[1] = uint8(outs[1]), uint16(4*n)
		ahead := uintptr(unsafe.Pointer(w0)) + uintptr(2*pairRows*t.stride)
		tilesFewAMX(&sums[stripe*4*tileWords], w0, w1, uintptr(2*t.stride), x, uintptr(4*n), t.blocks, piece, t.first,
			ahead, (*byte)(unsafe.Pointer(&shape)))
	}
}

// finish writes the sums, in which rows lie side by side, to dst.
func (t *bf16Pass) finish() {
	stripes := ceil(t.Out, pairRows)
	for i := 0; i < t.rows; i += tileRows {
		n := min(tileRows, t.rows-i)
		single := t.rows-i/pairRows*pairRows <= tileRows // the sums are those of few
		for o := 0; o < t.Out; o += tileRows {
			tile := o / tileRows % 2
			if !single {
				tile = 2*tile + i/tileRows%2
			}
			at := (i/pairRows*stripes+o/pairRows)*4 + tile
			t.store(t.sums[at*tileWords:][:tileWords], t.Dst[(t.row+i)*t.Stride+o:], n, min(tileRows, t.Out-o))
		}
	}
}

// store sets n rows of outs outputs of dst to the columns of a tile of sums.
func (t *bf16Pass) store(sums, dst []float32, n, outs int) {
	if n == tileRows && outs == tileRows {
		transposeAVX512((*uint32)(unsafe.Pointer(&dst[0])), uintptr(4*t.Stride), 0,
			(*uint32)(unsafe.Pointer(&sums[0])), 64, 0, 1)
		return
	}
	for r := range n {
		row := dst[r*t.Stride:][:outs]
		for o := range row {
			row[o] = sums[o*tileRows+r]
		}
	}
}
