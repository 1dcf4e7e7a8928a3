// SPDX-License-Identifier: Apache-2.0

package kvcache

import "fmt"

// Check returns an error when the tree, the idle list and the reference counts
// contradict each other.
func (c *Cache) Check() error {
	age := map[int32]int{} // of idle pages, 0 for the oldest
	for page := c.oldest; page != noPage; page = c.newer[page] {
		age[page] = len(age)
		if c.refs[page] != 0 || !c.published(page) {
			return fmt.Errorf("page %d is idle: %d holds, published %v", page, c.refs[page], c.published(page))
		}
	}
	if len(age) != c.idle {
		return fmt.Errorf("%d pages in the list, %d idle", len(age), c.idle)
	}
	for page := range c.keys {
		key, page := c.keys[page], int32(page)
		switch {
		case !c.published(page):
			continue
		case c.find(&key) != page:
			return fmt.Errorf("page %d is not found, but %d", page, c.find(&key))
		case key.after == noPage:
		case !c.published(key.after):
			return fmt.Errorf("page %d comes after page %d, which is not in the tree", page, key.after)
		case c.refs[key.after] == 0 && (c.refs[page] > 0 || age[page] > age[key.after]):
			return fmt.Errorf("page %d would outlive page %d, which it comes after", page, key.after)
		}
	}
	return c.count()
}

// count compares the counts of pages with the pages.
func (c *Cache) count() error {
	free, shared, published := 0, 0, 0
	for page, refs := range c.refs {
		switch {
		case refs > 1:
			shared++
		case refs == 0 && !c.published(int32(page)):
			free++
		}
		if c.published(int32(page)) {
			published++
		}
	}
	chained := 0
	for _, page := range c.buckets {
		for ; page != noPage; page = c.chain[page] {
			chained++
		}
	}
	if free != len(c.free) || shared != c.shared || published != chained {
		return fmt.Errorf("%d free pages, %d shared, %d published; the counts say %d, %d, %d",
			free, shared, published, len(c.free), c.shared, chained)
	}
	return nil
}
