// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"hash/maphash"
	"sync/atomic"
	"unsafe"
)

// vocab holds the texts of all tokens in one buffer and finds ids by text. In a byte-level
// tokenizer the texts are the bytes themselves, not their spelling in letters.
type vocab struct {
	arena   []byte
	spans   []vocabSpan // by id
	slots   []vocabSlot // open addressing, at most half full
	seed    maphash.Seed
	longest int // bytes of the longest text that can be found
}

// vocabSpan is arena[start:start+size]; size is -1 for an id without a token.
type vocabSpan struct {
	start uint32
	size  int32
}

type vocabSlot struct {
	hash uint32
	id   int32 // -1 when empty
}

// prepare makes room to index n tokens.
func (v *vocab) prepare(n int) {
	size := 16
	for size < 2*n {
		size *= 2
	}
	v.slots, v.seed = make([]vocabSlot, size), maphash.MakeSeed()
	for i := range v.slots {
		v.slots[i].id = -1
	}
}

// define gives id its text. It reports false when id has one already.
func (v *vocab) define(id int32, text []byte) bool {
	for int(id) >= len(v.spans) {
		v.spans = append(v.spans, vocabSpan{size: -1})
	}
	if v.spans[id].size >= 0 {
		return false
	}
	v.spans[id] = vocabSpan{uint32(len(v.arena)), int32(len(text))}
	v.arena = append(v.arena, text...)
	return true
}

// index makes a defined id findable by its text. It reports false when the text is taken.
func (v *vocab) index(id int32) bool {
	text := v.text(id)
	i, found := v.slot(text, v.hash(text))
	if found {
		return false
	}
	v.slots[i] = vocabSlot{uint32(v.hash(text)), id}
	v.longest = max(v.longest, len(text))
	return true
}

func (v *vocab) hash(text []byte) uint64 { return maphash.Bytes(v.seed, text) }

// slot returns the slot of text, or the empty one where it belongs.
func (v *vocab) slot(text []byte, hash uint64) (int, bool) {
	mask := uint64(len(v.slots) - 1)
	for i := hash >> 32; ; i++ {
		s := &v.slots[i&mask]
		if s.id < 0 {
			return int(i & mask), false
		}
		if s.hash == uint32(hash) && string(v.text(s.id)) == string(text) {
			return int(i & mask), true
		}
	}
}

// find returns the id of text, whose hash is given.
func (v *vocab) find(text string, hash uint64) (int32, bool) {
	if len(text) > v.longest {
		return 0, false
	}
	i, found := v.slot(unsafe.Slice(unsafe.StringData(text), len(text)), hash)
	return v.slots[i].id, found
}

// lookup is find for callers without a hash.
func (v *vocab) lookup(text []byte) (int32, bool) {
	if len(text) > v.longest {
		return 0, false
	}
	i, found := v.slot(text, v.hash(text))
	return v.slots[i].id, found
}

// text returns the text of id, nil when there is no such token.
func (v *vocab) text(id int32) []byte {
	if uint(id) >= uint(len(v.spans)) || v.spans[id].size < 0 {
		return nil
	}
	s := v.spans[id]
	end := s.start + uint32(s.size)
	return v.arena[s.start:end:end]
}

// wordCache remembers the tokens of recent words. It holds one word for each slot, so that its
// size is bounded, and needs no lock: an entry never changes once it is stored.
type wordCache struct {
	slots []atomic.Pointer[cachedWord]
}

type cachedWord struct {
	word string
	ids  []int32
}

const (
	cacheSlots   = 1 << 14
	cacheLongest = 48 // bytes of the longest word that is kept
)

func newWordCache() *wordCache {
	return &wordCache{slots: make([]atomic.Pointer[cachedWord], cacheSlots)}
}

func (c *wordCache) find(word string, hash uint64) []int32 {
	if e := c.slots[hash%cacheSlots].Load(); e != nil && e.word == word {
		return e.ids
	}
	return nil
}

func (c *wordCache) store(word string, hash uint64, ids []int32) {
	c.slots[hash%cacheSlots].Store(&cachedWord{string([]byte(word)), append([]int32(nil), ids...)})
}
