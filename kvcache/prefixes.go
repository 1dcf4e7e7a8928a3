// SPDX-License-Identifier: Apache-2.0

package kvcache

// prefixes is a radix tree of published pages. A page stands for PageSize tokens
// after the page before it, so the children of a page are keyed by it and by their
// tokens, all in one map. Pages that no sequence holds are idle and lie in a list
// by their last use.
//
// A sequence that holds a published page holds all those before it, and drops them
// last. So the descendants of an idle page are idle and less recently used, and
// the least recently used page has none: giving it up leaves a tree.
type prefixes struct {
	pages map[prefix]int32
	keys  []prefix // [pages]; after is unpublishedPage where the page is not in the tree

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
		pages: map[prefix]int32{}, keys: make([]prefix, pages),
		older: make([]int32, pages), newer: make([]int32, pages), oldest: noPage, newest: noPage,
	}
	for i := range p.keys {
		p.keys[i].after = unpublishedPage
	}
	return p
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
	delete(p.pages, p.keys[page])
	p.keys[page].after = unpublishedPage
	return page
}

// Match returns how many of the whole pages of tokens, a text from its start, are
// published, and how many of those are idle.
func (c *Cache) Match(tokens []int32) (pages, idle int) {
	key := prefix{after: noPage}
	for ; len(tokens) >= PageSize; tokens = tokens[PageSize:] {
		key.tokens = [PageSize]int32(tokens)
		page, ok := c.prefixes.pages[key]
		if !ok {
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
		page, ok := q.cache.prefixes.pages[key]
		if !ok {
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
// of all of them have been computed. Where a page of the same prefix is published
// already, the sequence takes that in place of its own.
func (q *Sequence) Publish(tokens []int32) {
	c := q.cache
	for ; (q.known+1)*PageSize <= len(tokens); q.known++ {
		own := q.pages[q.known]
		key := prefix{after: q.before(q.known), tokens: [PageSize]int32(tokens[q.known*PageSize:])}
		if page, ok := c.prefixes.pages[key]; ok {
			c.hold(page)
			q.pages[q.known] = page
			c.drop(own)
			continue
		}
		c.prefixes.pages[key] = own
		c.keys[own] = key
	}
}

// before returns the page before page i of the sequence.
func (q *Sequence) before(i int) int32 {
	if i == 0 {
		return noPage
	}
	return q.pages[i-1]
}
