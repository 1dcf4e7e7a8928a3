// SPDX-License-Identifier: Apache-2.0

package loops

import "github.com/zenlm/zen/cpu/internal/simd"

//go:generate sh -c "cd _gen && go run . -out ../loops_amd64.s -stubs ../loops_stubs_amd64.go -pkg loops && sed -i '1i // SPDX-License-Identifier: Apache-2.0' ../loops_amd64.s ../loops_stubs_amd64.go"

// A set is an instruction set for which there are float32 loops.
type set int

const (
	generic set = iota
	avx2
	avx512
)

// kernels are a set's routines; one that is nil is plain Go. All sets give the
// same bits, except that a NaN may be another one.
type kernels struct {
	set   set
	name  string
	rows  int // of a tile
	cols  int // of a tile
	tile  func(c *float32, stride uintptr, a, b *float32, k, rows int, alpha float32)
	packs []packKernel // most rows first
}

type packKernel struct {
	rows int
	pack func(dst *float32, dstStride uintptr, src *float32, srcStride uintptr, columns int)
}

// chosen are the best of variants.
var chosen = variants()[0]

// plain are the plain Go loops.
func plain() kernels { return kernels{name: "generic", rows: 4, cols: 16} }

// Accelerated reports whether the float32 loops are in assembly.
func Accelerated() bool { return chosen.tile != nil }

// Each calls f with the name of every variant of the float32 loops that the
// processor has, while that one is in use. It is for tests.
func Each(f func(name string)) {
	defer func(k kernels) { chosen = k }(chosen)
	for _, k := range variants() {
		chosen = k
		f(k.name)
	}
}

// TileSize returns the size of Tile's result.
func TileSize() (rows, cols int) { return chosen.rows, chosen.cols }

// Tile adds a product to a tile of c:
//
//	for r := range rows {
//		for j := range cols {
//			sum := 0
//			for i := range k {
//				sum = fma(a[i, r], b[i, j], sum)
//			}
//			c[r, j] = fma(alpha, sum, c[r, j])
//		}
//	}
//
//	c  [rows, cols]      rows stride apart
//	a  [k, TileSize rows]
//	b  [k, cols]
//
// rows is at most TileSize's.
func Tile(c []float32, stride int, a, b []float32, k, rows int, alpha float32) {
	s := &chosen
	if k <= 0 || rows <= 0 || rows > s.rows || stride < s.cols {
		panic("loops: Tile: wrong size")
	}
	if len(c) < (rows-1)*stride+s.cols || len(a) < k*s.rows || len(b) < k*s.cols {
		panic("loops: Tile: an operand is too short")
	}
	if s.tile == nil {
		tileGeneric(c, stride, a, b, k, rows, alpha)
		return
	}
	s.tile(&c[0], uintptr(4*stride), &a[0], &b[0], k, rows, alpha)
}

func tileGeneric(c []float32, stride int, a, b []float32, k, rows int, alpha float32) {
	tileRows, cols := TileSize()
	for r := range rows {
		for j := range cols {
			sum := float32(0)
			for i := range k {
				sum = simd.FMA(a[i*tileRows+r], b[i*cols+j], sum)
			}
			c[r*stride+j] = simd.FMA(alpha, sum, c[r*stride+j])
		}
	}
}

// Pack transposes a matrix:
//
//	for j := range columns {
//		for r := range rows {
//			dst[j, r] = src[r, j]
//		}
//	}
//
//	dst  [columns, rows]  rows width apart
//	src  [rows, columns]  rows stride apart
func Pack(dst []float32, width int, src []float32, stride, rows, columns int) {
	if rows <= 0 || columns <= 0 || width < rows || stride < columns {
		panic("loops: Pack: wrong size")
	}
	if len(dst) < (columns-1)*width+rows || len(src) < (rows-1)*stride+columns {
		panic("loops: Pack: an operand is too short")
	}
	done, whole := 0, columns&^3
	for _, k := range chosen.packs {
		for whole > 0 && rows-done >= k.rows {
			k.pack(&dst[done], uintptr(4*width), &src[done*stride], uintptr(4*stride), whole)
			packGeneric(dst[done:], width, src[done*stride:], stride, k.rows, whole, columns)
			done += k.rows
		}
	}
	packGeneric(dst[done:], width, src[min(done*stride, len(src)):], stride, rows-done, 0, columns)
}

// packGeneric transposes columns [from, to).
func packGeneric(dst []float32, width int, src []float32, stride, rows, from, to int) {
	for r := range rows {
		for j, v := range src[r*stride+from : r*stride+to] {
			dst[(from+j)*width+r] = v
		}
	}
}
