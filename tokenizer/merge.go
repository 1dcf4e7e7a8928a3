// SPDX-License-Identifier: Apache-2.0

package tokenizer

import "math"

// Byte-pair merging. A word is a row of symbols; the neighbours whose pair has the lowest rank,
// leftmost first, become one symbol, until no pair has a rank. Short words are searched for the
// lowest rank again after each merge, long ones keep their pairs in a heap, so that a word of n
// symbols costs O(n log n). Both give the same tokens.

// symbol is a part of a word under merging.
type symbol struct {
	id   int32
	size int32 // bytes of the word it stands for
}

// pairValue is what a merge rule gives: its rank and the id of the merged token.
type pairValue struct {
	rank int32 // noRank when there is no rule
	id   int32
}

const (
	noRank    = math.MaxInt32
	shortWord = 40 // symbols up to which the search is cheaper than the heap
)

// pairTable maps two ids to their merge rule: open addressing, linear probing, at most half full.
type pairTable struct {
	slots []pairSlot
	mult  uint64 // odd, random: files cannot choose keys that collide
	shift uint8
}

type pairSlot struct {
	key   uint64 // first id << 32 | second id, plus one; 0 is an empty slot
	value pairValue
}

func newPairTable(n int, random uint64) *pairTable {
	bits := uint8(4)
	for 1<<bits < 2*n {
		bits++
	}
	return &pairTable{slots: make([]pairSlot, 1<<bits), mult: random | 1, shift: 64 - bits}
}

func pairKey(a, b int32) uint64 { return (uint64(uint32(a))<<32 | uint64(uint32(b))) + 1 }

// slot returns the slot of key, or the empty one where it belongs.
func (t *pairTable) slot(key uint64) *pairSlot {
	mask := uint64(len(t.slots) - 1)
	for i := key * t.mult >> t.shift; ; i++ {
		if s := &t.slots[i&mask]; s.key == key || s.key == 0 {
			return s
		}
	}
}

func (t *pairTable) set(a, b int32, v pairValue) {
	s := t.slot(pairKey(a, b))
	s.key, s.value = pairKey(a, b), v
}

func (t *pairTable) find(a, b int32) pairValue {
	if s := t.slot(pairKey(a, b)); s.key != 0 {
		return s.value
	}
	return pairValue{rank: noRank}
}

// merge merges the symbols of one word in place and returns what is left.
func (t *pairTable) merge(syms []symbol, sc *scratch) []symbol {
	if len(syms) <= shortWord {
		return t.mergeShort(syms)
	}
	return t.mergeLong(syms, sc)
}

func (t *pairTable) mergeShort(syms []symbol) []symbol {
	var store [shortWord]pairValue
	pairs := store[:0] // pairs[i] is the rule for syms[i] and syms[i+1]
	for i := 1; i < len(syms); i++ {
		pairs = append(pairs, t.find(syms[i-1].id, syms[i].id))
	}
	for len(pairs) > 0 {
		best := 0
		for i := range pairs {
			if pairs[i].rank < pairs[best].rank {
				best = i
			}
		}
		if pairs[best].rank == noRank {
			break
		}
		syms[best] = symbol{pairs[best].id, syms[best].size + syms[best+1].size}
		syms = append(syms[:best+1], syms[best+2:]...)
		pairs = append(pairs[:best], pairs[best+1:]...)
		if best > 0 {
			pairs[best-1] = t.find(syms[best-1].id, syms[best].id)
		}
		if best < len(pairs) {
			pairs[best] = t.find(syms[best].id, syms[best+1].id)
		}
	}
	return syms
}

// link is a symbol's place in a long word.
type link struct {
	pair       pairValue // the rule with the next symbol
	prev, next int32     // -1 at the ends
}

// mergeLong keeps the symbols in a linked list and the pairs in a heap of rank << 32 | place. An
// entry is stale when its place no longer has a pair of that rank.
func (t *pairTable) mergeLong(syms []symbol, sc *scratch) []symbol {
	links := resize(sc.links, len(syms))
	heap := sc.heap[:0]
	for i := range syms {
		links[i] = link{pairValue{rank: noRank}, int32(i - 1), int32(i + 1)}
		if i+1 == len(syms) {
			links[i].next = -1
		} else if v := t.find(syms[i].id, syms[i+1].id); v.rank != noRank {
			links[i].pair = v
			heap = append(heap, heapEntry(v, int32(i)))
		}
	}
	heapify(heap)
	for len(heap) > 0 {
		var e uint64
		e, heap = pop(heap)
		i := int32(uint32(e))
		if uint64(links[i].pair.rank) != e>>32 {
			continue
		}
		heap = t.join(syms, links, heap, i)
	}
	n := 0
	for i := int32(0); i >= 0; i = links[i].next {
		syms[n] = syms[i]
		n++
	}
	sc.links, sc.heap = links, heap
	return syms[:n]
}

// join merges symbol i with the next one and renews the pairs on both sides.
func (t *pairTable) join(syms []symbol, links []link, heap []uint64, i int32) []uint64 {
	gone := links[i].next
	syms[i] = symbol{links[i].pair.id, syms[i].size + syms[gone].size}
	links[gone].pair.rank = noRank
	next, prev := links[gone].next, links[i].prev
	links[i].next, links[i].pair = next, pairValue{rank: noRank}
	if next >= 0 {
		links[next].prev = i
		if v := t.find(syms[i].id, syms[next].id); v.rank != noRank {
			links[i].pair = v
			heap = push(heap, heapEntry(v, i))
		}
	}
	if prev >= 0 {
		v := t.find(syms[prev].id, syms[i].id)
		links[prev].pair = v
		if v.rank != noRank {
			heap = push(heap, heapEntry(v, prev))
		}
	}
	return heap
}

func heapEntry(v pairValue, i int32) uint64 { return uint64(v.rank)<<32 | uint64(uint32(i)) }

func heapify(h []uint64) {
	for i := len(h)/2 - 1; i >= 0; i-- {
		down(h, i)
	}
}

func push(h []uint64, e uint64) []uint64 {
	h = append(h, e)
	i := len(h) - 1
	for i > 0 && h[(i-1)/2] > e {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = e
	return h
}

func pop(h []uint64) (uint64, []uint64) {
	top, last := h[0], len(h)-1
	h[0] = h[last]
	h = h[:last]
	if last > 0 {
		down(h, 0)
	}
	return top, h
}

func down(h []uint64, i int) {
	e := h[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1] < h[child] {
			child++
		}
		if e <= h[child] {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = e
}

// resize returns s with length n, reallocated only when it is too small. Its content is garbage.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
