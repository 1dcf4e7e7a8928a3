// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import "github.com/zenlm/zen/tensor"

// qgemmColumns are the rows of x that variants of zen_qgemm take at most.
var qgemmColumns = [...]int{8, 16, 32, 64}

const (
	qgemmTile   = 128 // outputs
	qgemmChunk  = 256 // inputs
	qgemmStages = 4   // of the ring at most, and two at least
)

// qgemmLaunch is how a variant of zen_qgemm is launched.
type qgemmLaunch struct {
	variant, columns int
	blocks           int
	shared           int // bytes of dynamic shared memory
}

// qgemmStage returns the bytes of a stage for rows of x.
func qgemmStage(dtype tensor.DType, columns int) int {
	if dtype == tensor.Q4 {
		return qgemmTile*(qgemmChunk/2+16) + columns*(2*qgemmChunk+64)
	}
	return qgemmTile*(qgemmChunk+8) + columns*(2*qgemmChunk+64)
}

// qgemmFixed returns the bytes of shared memory beside the stages.
func qgemmFixed(columns int) int { return 4 * qgemmTile / 2 * columns }

// qgemmRows returns the most rows of a launch of zen_qgemm: those of which two stages
// fit its shared memory. It is 0 where there is no kernel for the weight.
func (b *Backend) qgemmRows(dtype tensor.DType) int {
	rows := 0
	for i, columns := range qgemmColumns {
		if b.kernels.qgemm[i][dtype] != 0 && qgemmFixed(columns)+2*qgemmStage(dtype, columns) <= b.device.qgemmShared() {
			rows = columns
		}
	}
	return rows
}

// qgemmShared returns the most dynamic shared memory of zen_qgemm, which has a little
// of its own.
func (d *device) qgemmShared() int { return d.info.shared - 256 }

// halfShared returns what each of two blocks may have where one may have room: the driver
// takes 1 KiB of each block's.
func halfShared(room int) int { return (room+1024)/2 - 1024 }

// qgemmShape chooses the least variant for n rows, no more than qgemmRows, and two
// blocks to a multiprocessor where two stages of each fit: a block that waits leaves
// the other its time. A block has two chunks at least where there are blocks enough.
func (b *Backend) qgemmShape(n int, weight *tensor.Tensor) qgemmLaunch {
	s := qgemmLaunch{}
	for qgemmColumns[s.variant] < n {
		s.variant++
	}
	s.columns = qgemmColumns[s.variant]
	stage, fixed := qgemmStage(weight.DType, s.columns), qgemmFixed(s.columns)
	room, perProcessor := b.device.qgemmShared(), 1
	if half := halfShared(room); s.columns < 64 && fixed+2*stage <= half {
		room, perProcessor = half, 2
	}
	s.shared = fixed + min(qgemmStages, (room-fixed)/stage)*stage
	chunks := blocks(weight.Dim(0), qgemmTile) * blocks(weight.Dim(1), qgemmChunk)
	s.blocks = min(perProcessor*b.device.info.multiprocessors, blocks(chunks, 2))
	return s
}

// Measured on an H100: up to this many rows zen_qgemm is faster than widening a weight,
// any weight or one of so many elements, for cuBLASLt.
const (
	qgemmAlways = 32
	qgemmLarge  = 128
	largeWeight = 48 << 20
)

// readsOnce reports whether n rows are multiplied by the bytes of a quantised weight,
// rather than by the weight widened in memory.
func (b *Backend) readsOnce(n int, weight *tensor.Tensor) bool {
	if !weight.Quantized() || weight.Dim(1)%8 != 0 {
		return false
	}
	most := qgemmAlways
	if b.blas == nil || weight.Dim(0)*weight.Dim(1) >= largeWeight {
		most = qgemmLarge
	}
	rows := b.qgemmRows(weight.DType)
	return rows > 0 && n <= min(most, 2*rows)
}

// qgemmRoom returns the address of memory for the parts of tiles: two for each block,
// of which there are two to a multiprocessor for half of the largest variant's rows.
func (b *Backend) qgemmRoom() uint64 {
	return b.room(&b.partialTiles, 2*4*b.device.info.multiprocessors*qgemmTile*qgemmColumns[len(qgemmColumns)-1])
}

// qgemm multiplies by a quantised weight whose values are widened in registers, as
// many rows at a time as zen_qgemm takes. q is as for product16, without weight.
func (b *Backend) qgemm(weight *tensor.Tensor, q product16) {
	step := b.qgemmRows(weight.DType)
	for first := 0; first < q.n && !b.failed(); first += step {
		b.qgemmSlice(weight, q, first, min(step, q.n-first))
	}
}

// qgemmSlice multiplies n rows of q.x from first on.
func (b *Backend) qgemmSlice(weight *tensor.Tensor, q product16, first, n int) {
	s := b.qgemmShape(n, weight)
	partial := b.qgemmRoom()
	counters := b.zeroed(&b.tileCounters, 4*blocks(q.out, qgemmTile))
	if b.failed() {
		return
	}
	residual, rowScale := q.residual, q.x.rowScale
	if residual != 0 {
		residual += uint64(4 * first * q.stride)
	}
	if rowScale != 0 {
		rowScale += uint64(4 * first)
	}
	l := b.launch(b.kernels.qgemm[s.variant][weight.DType], true, threads, s.blocks)
	l.shared = uint32(s.shared)
	l.pointer(q.dst + uint64(4*first*q.stride)).pointer(q.x.address + uint64(2*first*q.in)).
		pointer(address(weight)).pointer(scales(weight)).pointer(q.bias).pointer(residual).pointer(rowScale).
		pointer(partial).pointer(counters).int(n).int(q.in).int(q.out).int(q.stride).float(q.x.scale).int(0)
}
