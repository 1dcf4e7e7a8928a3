// SPDX-License-Identifier: Apache-2.0

package kvcache

import (
	"hash/maphash"
	"math/bits"
)

// prefixes is a radix tree of published pages. A page stands for PageSize tokens
// after the page before it, so the children of a page are keyed by it and by their
// tokens, all in one hash table, whose chains run through the pages so that it never
// grows. Pages that no sequence holds are idle and lie in a list by their last use.
//
// A sequence that holds a published page holds all those before it, and drops them
// last. So the descendants of an idle page are idle and less recently used, and
// the least recently used page has none: giving it up leaves a tree.
type prefixes struct {
	seed    maphash.Seed
	buckets []int32  // [a power of two of at least pages] first page of a chain, or noPage
	chain   []int32  // [pages] next page of the same bucket, or noPage
	keys    []prefix // [pages]; after is unpublishedPage where the page is not in the tree

	older, newer   []int32 // [pages] neighbours in the list, noPage at its ends
	oldest, newest int32
	idle           int // pages in the list
}

// prefix is what a page of the tree holds.
type prefix struct {
	after  int32 // the page before, noPage at a text's start
	tokens [PageSize]int32
}

const (
	noPage          = -1
	unpublishedPage = -2
)

func newPrefixes(pages int) prefixes {
	p := prefixes{
		seed:    maphash.MakeSeed(), // so that nobody can choose tokens that share a bucket
		buckets: make([]int32, 1<<bits.Len(uint(pages))), chain: make([]int32, pages),
		keys:  make([]prefix, pages),
		older: make([]int32, pages), newer: make([]int32, pages), oldest: noPage, newest: noPage,
	}
	for i := range p.buckets {
		p.buckets[i] = noPage
	}
	for i := range p.keys {
		p.keys[i].after = unpublishedPage
	}
	return p
}

// bucket returns where the chain of a key begins.
func (p *prefixes) bucket(key *prefix) *int32 {
	return &p.buckets[maphash.Comparable(p.seed, *key)&uint64(len(p.buckets)-1)]
}

// find returns the page that is published under key, or noPage.
func (p *prefixes) find(key *prefix) int32 {
	page := *p.bucket(key)
	for page != noPage && p.keys[page] != *key {
		page = p.chain[page]
	}
	return page
}

// add publishes a page under a key that has none.
func (p *prefixes) add(page int32, key *prefix) {
	first := p.bucket(key)
	p.chain[page], *first = *first, page
	p.keys[page] = *key
}

// remove takes a page out of the tree.
func (p *prefixes) remove(page int32) {
	at := p.bucket(&p.keys[page])
	for *at != page {
		at = &p.chain[*at]
	}
	*at = p.chain[page]
	p.keys[page].after = unpublishedPage
}

func (p *prefixes) published(page int32) bool { return p.keys[page].after != unpublishedPage }

// link makes a page the most recently used idle one.
func (p *prefixes) link(page int32) {
	p.older[page], p.newer[page] = p.newest, noPage
	if p.newest == noPage {
		p.oldest = page
	} else {
		p.newer[p.newest] = page
	}
	p.newest = page
	p.idle++
}

// unlink takes a page out of the idle ones.
func (p *prefixes) unlink(page int32) {
	older, newer := p.older[page], p.newer[page]
	if older == noPage {
		p.oldest = newer
	} else {
		p.newer[older] = newer
	}
	if newer == noPage {
		p.newest = older
	} else {
		p.older[newer] = older
	}
	p.idle--
}

// evict takes the least recently used idle page out of the tree.
func (p *prefixes) evict() int32 {
	page := p.oldest
	p.unlink(page)
	p.remove(page)
	return page
}

// Match returns how many of the whole pages of tokens, a text from its start, are
// published, and how many of those are idle.
func (c *Cache) Match(tokens []int32) (pages, idle int) {
	key := prefix{after: noPage}
	for ; len(tokens) >= PageSize; tokens = tokens[PageSize:] {
		key.tokens = [PageSize]int32(tokens)
		page := c.find(&key)
		if page == noPage {
			break
		}
		if pages++; c.refs[page] == 0 {
			idle++
		}
		key.after = page
	}
	return pages, idle
}

// Adopt appends the published pages of the tokens that follow the sequence's, as
// far as whole pages match, and returns the positions that adds: none unless all
// of the sequence lies in published pages.
func (q *Sequence) Adopt(tokens []int32) int {
	if q.known*PageSize != q.length {
		return 0
	}
	added := 0
	key := prefix{after: q.before(q.known)}
	for ; len(tokens) >= PageSize; tokens = tokens[PageSize:] {
		key.tokens = [PageSize]int32(tokens)
		page := q.cache.find(&key)
		if page == noPage {
			break
		}
		q.cache.hold(page)
		q.pages = append(q.pages, page)
		q.known++
		key.after = page
		added += PageSize
	}
	q.length += added
	return added
}

// Publish lets later sequences adopt the sequence's full pages, of which tokens are
// the tokens from the start; it may be shorter than the sequence. Keys and values
// of all of them have been computed: of a sequence with restored positions nothing
// is published, since a file may say anything. Where a page of the same prefix is
// published already, the sequence takes that in place of its own.
func (q *Sequence) Publish(tokens []int32) {
	c := q.cache
	for ; !q.restored && (q.known+1)*PageSize <= len(tokens); q.known++ {
		own := q.pages[q.known]
		key := prefix{after: q.before(q.known), tokens: [PageSize]int32(tokens[q.known*PageSize:])}
		if page := c.find(&key); page != noPage {
			c.hold(page)
			q.pages[q.known] = page
			c.drop(own)
			continue
		}
		if c.refs[own] > 1 {
			return // the fork that holds it too may hold another page before it
		}
		c.add(own, &key)
	}
}

// before returns the page before page i of the sequence.
func (q *Sequence) before(i int) int32 {
	if i == 0 {
		return noPage
	}
	return q.pages[i-1]
}
