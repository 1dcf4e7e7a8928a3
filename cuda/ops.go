// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// threads is the size of most kernels' blocks.
const threads = 256

// launch returns the next launch of a kernel with that grid; the caller appends the
// parameters. A kernel that waits for the one before it by itself is launched
// early, but for one that may read the step's arrays before it waits for them.
func (b *Backend) launch(kernel uint64, early bool, block int, grid ...int) *launch {
	b.settle()
	l := b.stream.next(kernel)
	l.grid, l.block = [3]uint32{1, 1, 1}, [3]uint32{uint32(block), 1, 1}
	for i, n := range grid {
		l.grid[i] = uint32(n)
	}
	if early && !b.step.arriving && b.device.info.hopper() {
		l.early = 1
	}
	b.step.arriving = false
	return l
}

// failed reports whether operations do nothing any more.
func (b *Backend) failed() bool { return b.stream.err != nil }

// Embed sets dst to the table's rows of the batch's tokens.
func (b *Backend) Embed(dst, table *tensor.Tensor) {
	if b.failed() || dst.Len() == 0 {
		return
	}
	scale := b.scaleOf(table)
	b.step.arriving = false // it waits before it reads, and before it lets others start
	b.launch(b.kernels.embed[table.DType], true, threads, dst.Dim(0)).
		pointer(address(dst)).pointer(address(table)).pointer(scales(table)).pointer(b.step.at(stepTokens)).
		int(dst.Dim(1)).float(scale)
}

// scales returns the address of a quantised matrix's scales, or 0.
func scales(t *tensor.Tensor) uint64 {
	if t.Scales == nil {
		return 0
	}
	return address(t.Scales)
}

// RMSNorm sets each row of dst to x / sqrt(mean(x²) + eps) · weight.
func (b *Backend) RMSNorm(dst, x, weight *tensor.Tensor, eps float32) {
	if !b.failed() && x.Len() > 0 {
		b.norm(address(dst), 0, 1, x, weight, eps)
		b.normed = normed{address(dst), x.Len(), normUnit(weight)}
	}
}

// norm writes the normalised rows as float32 and, times unit, as F16, where the address is
// not 0. A product that x is still waiting for is added first.
func (b *Backend) norm(dst, dst16 uint64, unit float32, x, weight *tensor.Tensor, eps float32) {
	var p due
	if d := b.due; d.x == address(x) && d.rows == x.Dim(0) && d.width == x.Dim(1) && dst != d.x {
		p, b.due = d, due{}
	}
	b.launch(b.kernels.rmsNorm, true, 2*threads, x.Dim(0)).
		pointer(dst).pointer(dst16).pointer(address(x)).pointer(p.product).pointer(p.rowScale).pointer(p.bias).
		pointer(address(weight)).int(x.Dim(1)).float(eps).float(unit)
}

// SwiGLU sets dst = silu(gate) · up.
func (b *Backend) SwiGLU(dst, gate, up *tensor.Tensor) {
	if !b.failed() && dst.Len() > 0 {
		b.launch(b.kernels.swiGLU, true, threads, blocks(dst.Len(), 1024)).
			pointer(address(dst)).pointer(address(gate)).pointer(address(up)).pointer(uint64(dst.Len()))
	}
}

// Add sets dst = a + b.
func (b *Backend) Add(dst, x, y *tensor.Tensor) {
	if b.failed() || dst.Len() == 0 {
		return
	}
	b.launch(b.kernels.add, true, threads, blocks(dst.Len(), 1024)).
		pointer(address(dst)).pointer(address(x)).pointer(address(y)).pointer(uint64(dst.Len()))
}

// SelectRows sets dst to the rows of x that the batch's OutputRows name.
func (b *Backend) SelectRows(dst, x *tensor.Tensor) {
	if b.failed() || dst.Len() == 0 {
		return
	}
	b.launch(b.kernels.selectRows, true, threads, dst.Dim(0)).
		pointer(address(dst)).pointer(address(x)).pointer(b.step.at(stepOutputs)).int(x.Dim(1))
}

// RotaryAppend rotates q and k by their rows' positions and writes k and v into the
// cache at those positions.
func (b *Backend) RotaryAppend(q, k, v, table *tensor.Tensor, kv backend.KV) {
	if b.failed() || q.Len() == 0 {
		return
	}
	b.appendRotary(q, address(k), address(v), table, kv)
}

// appendRotary launches the kernel for the type of the cache.
func (b *Backend) appendRotary(q *tensor.Tensor, k, v uint64, table *tensor.Tensor, kv backend.KV) {
	l := b.launch(b.kernels.rotaryAppend[kv.K.DType], true, 64, q.Dim(0), q.Dim(1)+2*kv.K.Dim(1))
	b.rotary(l, address(q), k, v, table, kv, q.Dim(1), 0)
	if kv.K.DType == tensor.I8 {
		l.pointer(scales(kv.K)).pointer(scales(kv.V))
	}
}

// rotary appends RotaryParams for the batch's rows from first on.
func (b *Backend) rotary(l *launch, q, k, v uint64, table *tensor.Tensor, kv backend.KV, heads, first int) {
	l.pointer(q).pointer(k).pointer(v).pointer(address(table)).pointer(address(kv.K)).pointer(address(kv.V)).
		pointer(b.step.at(stepPositions) + uint64(4*first)).pointer(b.step.at(stepSequences) + uint64(4*first)).
		pointer(b.step.at(stepPages)).
		int(b.step.pageStride).int(heads).int(kv.K.Dim(1)).int(kv.K.Dim(3)).int(kv.K.Dim(2)).int(0)
}

func blocks(n, size int) int { return (n + size - 1) / size }
