// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

const (
	splitPositions   = 64 // positions of a sequence that a block of decode attention reads at least
	maxSplits        = 64
	groupChunk       = 16   // query heads of a key/value head in one block
	decodeRows       = 16   // most rows that decode attention takes though they are a prompt's
	clusterSplits    = 8    // blocks of a cluster
	clusterPositions = 2048 // longest sequence at which a cluster is faster than a workspace
)

// Attention sets dst to softmax(q·kᵀ·scale)·v for every query head.
func (b *Backend) Attention(dst, q *tensor.Tensor, kv backend.KV, scale float32, window int) {
	if b.failed() || q.Len() == 0 {
		return
	}
	rows, heads, headDim := q.Dim(0), q.Dim(1), q.Dim(2)
	a := attentionOperands{dst: address(dst), q: address(q), kv: kv, heads: heads, scale: scale, window: window, splits: 1}
	decode, prefill := b.kernels.attentionDecode[headDim], b.kernels.attentionPrefill[headDim]
	paged := kv.K.Dim(2)%32 == 0
	switch {
	case paged && decode != nil && decode[kv.K.DType] != 0 && b.invariant:
		b.attentionAlone(a, rows)
	case paged && decode != nil && decode[kv.K.DType] != 0 && (b.step.decoding || rows <= decodeRows):
		b.attentionDecode(a, rows)
	case paged && prefill != nil && prefill[kv.K.DType] != 0:
		l := b.launch(prefill[kv.K.DType], false, 128, b.step.tiles, heads)
		l.shared = uint32(b.device.prefillShared(headDim))
		b.attentionParams(l, a)
	default:
		b.attentionParams(b.launch(b.kernels.attention[kv.K.DType], true, 128, heads, rows), a)
	}
}

// aloneRows bounds the rows of a launch whose rows are split each by its own length, and
// so the workspace.
const aloneRows = 64

// attentionAlone is decode attention in which how a row is split depends on its own
// length.
func (b *Backend) attentionAlone(a attentionOperands, rows int) {
	kvHeads, headDim, dtype := a.kv.K.Dim(1), a.kv.K.Dim(3), a.kv.K.DType
	chunks := blocks(a.heads/kvHeads, groupChunk)
	a.alone, a.splits = 1, powerOfTwo(min(blocks(max(b.step.longest, 1), splitPositions), maxSplits), 1)
	a.workspace = b.room(&b.partial, 4*min(rows, aloneRows)*a.heads*a.splits*(headDim+2))
	a.counters = b.zeroed(&b.counters, 4*min(rows, aloneRows)*kvHeads*chunks)
	dst, q := a.dst, a.q
	for ; a.first < rows && !b.failed(); a.first += aloneRows {
		a.dst, a.q = dst+uint64(4*a.first*a.heads*headDim), q+uint64(4*a.first*a.heads*headDim)
		l := b.launch(b.kernels.attentionDecode[headDim][dtype], true, 128,
			kvHeads*chunks, min(rows-a.first, aloneRows), a.splits)
		l.shared = uint32(attentionShared[headDim])
		b.attentionParams(l, a)
	}
}

// attentionDecode splits long sequences over blocks, which join their parts in a
// cluster's shared memory or in a workspace.
func (b *Backend) attentionDecode(a attentionOperands, rows int) {
	kvHeads, headDim, dtype := a.kv.K.Dim(1), a.kv.K.Dim(3), a.kv.K.DType
	chunks, processors := blocks(a.heads/kvHeads, groupChunk), b.device.info.multiprocessors
	groups, block, shared := rows*kvHeads*chunks, 128, attentionShared[headDim]
	kernel := b.kernels.attentionCluster[headDim][dtype]
	if kernel != 0 && b.step.longest <= clusterPositions && groups <= processors {
		a.splits = clusterSplits
		if groups*a.splits <= processors {
			kernel, block, shared = b.kernels.attentionWide[headDim][dtype], 256, 2*shared
		}
	} else {
		kernel = b.kernels.attentionDecode[headDim][dtype]
		a.splits = b.splits(rows * kvHeads)
		a.workspace = b.room(&b.partial, 4*rows*a.heads*a.splits*(headDim+2))
		a.counters = b.zeroed(&b.counters, 4*rows*kvHeads*chunks)
	}
	if b.failed() {
		return
	}
	l := b.launch(kernel, true, block, kvHeads*chunks, rows, a.splits)
	l.shared = uint32(shared)
	if groups*a.splits <= processors {
		l.shared = uint32(b.device.decodeShared(shared))
	}
	b.attentionParams(l, a)
}

// splits returns the parts that the batch's sequences are cut into when groups of
// heads are to be computed: a power of two, so that steps of many lengths are
// launched alike, and no more than occupy the device.
func (b *Backend) splits(groups int) int {
	n := powerOfTwo(min(blocks(max(b.step.longest, 1), splitPositions), maxSplits), 1)
	for n > 1 && groups*n > 4*b.device.info.multiprocessors {
		n /= 2
	}
	return n
}

// zeroed is room of zeroed memory.
func (b *Backend) zeroed(m **memory, n int) uint64 {
	had := *m
	p := b.room(m, max(n, 1<<16))
	if *m != had {
		size := (*m).size
		b.stream.do(func() error { return b.device.clear(p, size) })
	}
	return p
}

type attentionOperands struct {
	dst, q              uint64
	kv                  backend.KV
	workspace, counters uint64
	heads               int
	first, alone        int // the first row; 1 to split rows each by its own length
	window, splits      int
	scale               float32
}

// attentionParams appends AttentionParams.
func (b *Backend) attentionParams(l *launch, a attentionOperands) {
	k, settled := a.kv.K, 0
	if b.step.decoding { // a sequence appends one position in a step
		settled = 1
	}
	l.pointer(a.dst).pointer(0).pointer(a.q).pointer(address(k)).pointer(address(a.kv.V)).
		pointer(b.step.at(stepPositions) + uint64(4*a.first)).pointer(b.step.at(stepSequences) + uint64(4*a.first)).
		pointer(b.step.at(stepPages)).pointer(a.workspace).pointer(a.counters).pointer(b.step.at(stepTiles)).
		pointer(scales(k)).pointer(scales(a.kv.V)).
		int(b.step.pageStride).int(a.heads).int(k.Dim(1)).int(k.Dim(3)).int(k.Dim(2)).
		int(a.window).int(a.splits).float(a.scale).int(a.alone).int(settled)
}
