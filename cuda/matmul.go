// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import "github.com/zenlm/zen/tensor"

// zen_gemv takes rows in groups, two at most.
const (
	gemvGroup  = 4
	gemvGroups = 2
)

// gemvKernels are one kernel for a row, one for a group and one for two.
type gemvKernels [1 + gemvGroups]byType

// of returns the kernel for rows of in inputs. That of one row is for whole eights of them.
func (k *gemvKernels) of(rows, in int, dtype tensor.DType) uint64 {
	if rows == 1 && in%8 == 0 {
		return k[0][dtype]
	}
	return k[blocks(rows, gemvGroup)][dtype]
}

// has reports whether there are kernels for a type.
func (k *gemvKernels) has(dtype tensor.DType) bool { return k[0][dtype] != 0 }

// product is one matrix product with what is fused to it.
//
//	dst [n, out] = x·weightᵀ + bias + residual
type product struct {
	dst          uint64
	x            *tensor.Tensor // [n, in]
	x16          halves         // x as F16, where somebody has made it
	weight, bias *tensor.Tensor // [out, in], and [out] or nil
	residual     uint64         // dst or 0
	unit         float32        // see product16; 0 where the product may go elsewhere
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
		b.slices(p)
	default:
		b.gemm(p)
	}
}

// Measured on an H100: zen_gemm takes as long as zen_gemv for this many outputs, for
// every wave of its blocks, as long as rows are few. Fewer outputs than the least
// take no less time.
const (
	gemmOutputs  = 15000
	leastOutputs = 1700
	gemmTile     = 128 // outputs of a block of zen_gemm
)

// streams reports whether n rows are multiplied a few at a time, reading the weight
// for each few, rather than all on tensor cores, which by zen_gemm are as slow for few
// as for many.
func (b *Backend) streams(n int, weight *tensor.Tensor) bool {
	rows, out := b.gemvRows(weight), weight.Dim(0)
	if !b.kernels.gemv.has(weight.DType) {
		return false
	}
	if n <= rows || weight.Dim(1)%8 != 0 || b.invariant {
		return true
	}
	if weight.Quantized() || b.blas != nil {
		return false
	}
	limit := gemmOutputs * blocks(blocks(out, gemmTile), b.device.info.multiprocessors)
	return blocks(n, rows)*max(out, leastOutputs) <= limit
}

// fitsGemv reports whether one launch of zen_gemv takes n rows, or several are to take
// them.
func (b *Backend) fitsGemv(n int, weight *tensor.Tensor) bool {
	return (n <= b.gemvRows(weight) || b.invariant) && (weight.Quantized() || weight.Dim(1)%8 == 0)
}

// groupInputs is up to how many inputs two groups of rows pay: every block brings all
// rows into its shared memory. Measured on an H100, 3584 do and 11008 do not.
const groupInputs = 5120

// gemvRows returns the rows that zen_gemv takes at once: no more than its shared memory
// has room for.
func (b *Backend) gemvRows(weight *tensor.Tensor) int {
	rows := gemvGroups * gemvGroup
	if weight.Dim(1) > groupInputs {
		rows = gemvGroup
	}
	for rows > 1 && gemvShared(rows, 2, weight) > b.device.info.shared {
		rows--
	}
	return rows
}

// gemvShared returns the bytes of shared memory for rows of x and a ring of stages.
func gemvShared(rows, stages int, weight *tensor.Tensor) int {
	padded, groups := (weight.Dim(1)+255)&^255, blocks(rows, gemvGroup)
	row, scales, stage, together := 2*(padded+64), padded/16, 18432, 2 // two bytes of each input
	switch weight.DType {
	case tensor.F16:
		row, stage, together = 4*(padded+32), 16384, 1
	case tensor.Q4:
		scales, together = padded/8, 4
	}
	return 4096*max(groups, together) + 128*groups + rows*row + 128*blocks(rows*scales, 128) + stages*stage
}

// shape is how zen_gemv is launched: blocks to four multiprocessors, or 0 for one to a
// tile of 16 outputs within one and two to a multiprocessor, and stages of the ring. The
// figures were the fastest in whole steps on an H100 and an H200: what counts most is
// which kernels fit on a multiprocessor together.
type shape struct{ blocks, stages int }

// The roles of a product in a step.
type role int

const (
	plainRole role = iota // also down and head
	qkvRole               // three weights and the cache
	gatedRole             // two weights
)

// gemvShape chooses for rows, a weight and the outputs of the launch.
func (b *Backend) gemvShape(r role, rows int, weight *tensor.Tensor, outputs int) shape {
	if rows == 1 && weight.Quantized() {
		if s := b.quantizedShape(r, weight, outputs); s != (shape{}) {
			return s
		}
	}
	s := b.groupShape(r, weight, outputs)
	if rows <= gemvGroup {
		return s
	}
	switch quantized := weight.Quantized(); {
	case r == gatedRole && quantized:
		return shape{4, 4}
	case r == gatedRole || quantized || b.manyTiles(outputs):
		return s
	}
	s.stages = 2
	return s
}

// quantizedShape is gemvShape where one row of a quantised weight was faster with another
// shape than groupShape's, on an H200, or zero.
func (b *Backend) quantizedShape(r role, weight *tensor.Tensor, outputs int) shape {
	tiles, processors := blocks(outputs, 16), b.device.info.multiprocessors
	q4, wide := weight.DType == tensor.Q4, weight.Dim(1) > 2*outputs
	switch {
	case r == gatedRole: // two blocks to a multiprocessor have room for two tiles each
		if oneStep(weight) {
			return shape{8, 2}
		}
		return shape{8, 4}
	case r == qkvRole && q4 && tiles > processors && tiles <= 2*processors:
		return shape{3, 2}
	case r == plainRole && q4 && !wide && !b.manyTiles(outputs): // o
		if tiles <= processors {
			return shape{4, 4}
		}
		return shape{2, 6}
	}
	return shape{}
}

// manyTiles reports whether there are more than two tiles to a multiprocessor, as head has.
func (b *Backend) manyTiles(outputs int) bool {
	return blocks(outputs, 16) > 2*b.device.info.multiprocessors
}

// groupShape is gemvShape for a group of rows, within 4 % of the best, and for one.
func (b *Backend) groupShape(r role, weight *tensor.Tensor, outputs int) shape {
	dtype, tiles, processors := weight.DType, blocks(outputs, 16), b.device.info.multiprocessors
	switch r {
	case qkvRole:
		return qkvShape(dtype, tiles, processors)
	case gatedRole:
		return gatedShape(dtype, tiles, processors)
	}
	switch many, wide := b.manyTiles(outputs), weight.Dim(1) > 2*outputs; {
	case many && dtype == tensor.Q8: // head
		return shape{4, 6}
	case many && dtype == tensor.Q4:
		return shape{8, 2}
	case many:
		return shape{4, 8}
	case dtype == tensor.Q4, dtype == tensor.Q8 && wide: // o and down
		return shape{4, 6}
	case dtype == tensor.Q8:
		return shape{4, 4}
	case wide: // down
		return shape{4, 8}
	case tiles <= processors:
		return shape{6, 4}
	}
	return shape{0, 4}
}

func qkvShape(dtype tensor.DType, tiles, processors int) shape {
	quantized := dtype == tensor.Q8 || dtype == tensor.Q4
	switch several := tiles > processors && tiles <= 3*processors; {
	case several && tiles <= 2*processors:
		return shape{0, 2}
	case several && quantized:
		return shape{6, 2}
	case several:
		return shape{6, 4}
	case dtype == tensor.Q8:
		return shape{4, 6}
	}
	return shape{4, 8}
}

func gatedShape(dtype tensor.DType, tiles, processors int) shape {
	s := shape{8, 2}
	if waste(tiles, 3*processors/2) < waste(tiles, 2*processors) {
		s.blocks = 6
	}
	switch dtype {
	case tensor.Q4:
		return s
	case tensor.Q8:
		s.stages = 4
		return s
	}
	return shape{4, 8}
}

// waste returns how many more tiles the blocks could take in as many waves.
func waste(tiles, grid int) int { return blocks(tiles, grid)*grid - tiles }

// gemvGrid returns the blocks of a launch: no more than tiles where those are not divided.
func (b *Backend) gemvGrid(s shape, weight *tensor.Tensor, outputs int) int {
	tiles, processors := blocks(outputs, 16), b.device.info.multiprocessors
	grid := s.blocks * processors / 4
	if s.blocks == 0 {
		grid = min(2*processors, max(processors, tiles))
	}
	if weight.Quantized() {
		grid = min(grid, tiles)
	}
	return grid
}

// lateTiles returns the tiles of each block of the second half, or 0 where all have an even
// share: see Tiles in stream.cuh. Measured on an H200 with five shapes: fewer were faster where
// a warp has more than one step to a tile, of which none had less than six tiles to a block,
// and one more where it has one. Where no kernel starts before another has ended, all blocks
// begin together, and there is nothing to make up for.
func (b *Backend) lateTiles(r role, rows, grid int, weight *tensor.Tensor, outputs int) int {
	tiles, doubled := blocks(outputs, 16), grid == 2*b.device.info.multiprocessors
	switch {
	case r != gatedRole || rows > 1 || weight.DType != tensor.Q4:
		return 0
	case !b.device.info.hopper() || !doubled || tiles < 2*grid:
		return 0
	case oneStep(weight):
		return tiles/grid + 1
	case tiles < 6*grid:
		return 0
	}
	return 4 * tiles / (5 * grid)
}

// oneStep reports whether a warp has at most one step of 128 bytes of a row.
func oneStep(weight *tensor.Tensor) bool {
	steps := weight.Dim(1) / 128
	if weight.DType == tensor.Q4 {
		steps /= 2
	}
	return steps <= 8
}

// gemvRoom returns the shared memory of a launch of grid blocks: with the shape's stages,
// or fewer where they do not fit, of one row beside another block's if there are so many.
func (b *Backend) gemvRoom(s shape, grid, rows int, weight *tensor.Tensor) int {
	room, stages := b.device.info.shared, s.stages
	if rows == 1 && grid > b.device.info.multiprocessors {
		room = halfShared(room)
	}
	for stages > 2 && gemvShared(rows, stages, weight) > room {
		stages -= 2
	}
	return gemvShared(rows, stages, weight)
}

// launchGemv returns the launch of one of kernels for rows of x and a number of outputs,
// with GemvParams appended.
func (b *Backend) launchGemv(kernels *gemvKernels, r role, rows, outputs int, o gemvOperands) *launch {
	s := b.gemvShape(r, rows, o.weight, outputs)
	grid := b.gemvGrid(s, o.weight, outputs)
	shared := b.gemvRoom(s, grid, rows, o.weight)
	scale, scale2, address2, scales2 := b.scaleOf(o.weight), float32(1), uint64(0), uint64(0)
	if o.weight2 != nil {
		scale2, address2, scales2 = b.scaleOf(o.weight2), address(o.weight2), scales(o.weight2)
	}
	l := b.launch(kernels.of(rows, o.weight.Dim(1), o.weight.DType), true, threads, grid)
	l.shared = uint32(shared)
	return l.pointer(o.dst).pointer(o.x).pointer(address(o.weight)).pointer(scales(o.weight)).
		pointer(address2).pointer(scales2).pointer(optional(o.bias)).pointer(o.residual).pointer(optional(o.norm)).
		int(rows).int(o.weight.Dim(1)).int(o.weight.Dim(0)).int(b.lateTiles(r, rows, grid, o.weight, outputs)).
		float(o.eps).float(scale).float(scale2)
}

// slices multiplies as many rows at a time as zen_gemv takes.
func (b *Backend) slices(p product) {
	n, step := p.x.Dim(0), b.gemvRows(p.weight)
	for first := 0; first < n; first += step {
		b.gemv(p, first, min(n-first, step))
	}
}

// gemv multiplies rows of p.x from first on.
func (b *Backend) gemv(p product, first, rows int) {
	in, out := p.x.Dim(1), p.weight.Dim(0)
	skip := uint64(4 * first * out)
	residual := p.residual
	if residual != 0 {
		residual += skip
	}
	b.launchGemv(&b.kernels.gemv, plainRole, rows, out, gemvOperands{dst: p.dst + skip,
		x: address(p.x) + uint64(4*first*in), weight: p.weight, bias: p.bias, residual: residual})
}

// gemvOperands are those of zen_gemv and its variants.
type gemvOperands struct {
	dst, x          uint64
	weight, weight2 *tensor.Tensor // [out, in]; weight2 of SwiGLU or nil
	bias, norm      *tensor.Tensor // or nil
	eps             float32
	residual        uint64
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
