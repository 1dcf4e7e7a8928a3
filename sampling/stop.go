// SPDX-License-Identifier: Apache-2.0

package sampling

import (
	"fmt"
	"unicode/utf8"
)

// maxStopBytes bounds the stop strings of one matcher, and with them the text it holds back.
const maxStopBytes = 1 << 16

// StopMatcher finds the first stop string in text that arrives in pieces. It is an Aho-Corasick
// automaton (Aho and Corasick 1975), so its time is linear in the text whatever the stop strings
// are. The result does not depend on how the text is cut: the stop string that ends first wins, the
// longest of those that end together, and nothing of it is ever emitted.
//
// It holds back only what may still become a stop string. With whole runes going in, whole runes
// come out. It serves one request and is not safe for concurrent use.
type StopMatcher struct {
	nodes   []stopNode // nodes[0] is the root
	stops   []string
	state   int32
	text    []byte // what was pushed; from head on it is held back
	head    int
	matched int32 // index in stops, -1 while there is none
}

// stopNode is a prefix of some stop string.
type stopNode struct {
	child   int32 // first longer prefix, 0 when none
	sibling int32 // next prefix with the same parent, 0 when none
	fail    int32 // longest proper suffix that is a prefix of some stop string
	stop    int32 // longest stop string that is a suffix of this prefix, -1 when none
	depth   int32 // bytes
	char    byte  // last byte
}

// NewStopMatcher returns a matcher for the stop strings; with none it passes all text through. A
// stop string must be valid UTF-8 and not empty, and together they have at most 65,536 bytes.
func NewStopMatcher(stops []string) (*StopMatcher, error) {
	total := 0
	for i, stop := range stops {
		if stop == "" {
			return nil, fmt.Errorf("sampling: stop string %d of %d is empty", i, len(stops))
		}
		if !utf8.ValidString(stop) {
			return nil, fmt.Errorf("sampling: stop string %d (%q) is not valid UTF-8", i, stop)
		}
		if total += len(stop); total > maxStopBytes {
			return nil, fmt.Errorf("sampling: stop strings have more than %d bytes", maxStopBytes)
		}
	}
	m := &StopMatcher{nodes: make([]stopNode, 1, total+1), matched: -1}
	m.nodes[0].stop = -1
	m.stops = append(m.stops, stops...)
	for i, stop := range m.stops {
		m.insert(stop, int32(i))
	}
	m.link()
	return m, nil
}

// insert adds the prefixes of a stop string.
func (m *StopMatcher) insert(stop string, index int32) {
	at := int32(0)
	for i := range len(stop) {
		next := m.find(at, stop[i])
		if next == 0 {
			next = int32(len(m.nodes))
			m.nodes = append(m.nodes, stopNode{
				sibling: m.nodes[at].child, stop: -1, depth: int32(i + 1), char: stop[i],
			})
			m.nodes[at].child = next
		}
		at = next
	}
	if m.nodes[at].stop < 0 {
		m.nodes[at].stop = index
	}
}

// link sets fail and the inherited stops, shorter prefixes first.
func (m *StopMatcher) link() {
	queue := make([]int32, 1, len(m.nodes))
	for i := 0; i < len(queue); i++ {
		parent := queue[i]
		for n := m.nodes[parent].child; n != 0; n = m.nodes[n].sibling {
			node := &m.nodes[n]
			if parent != 0 {
				node.fail = m.step(m.nodes[parent].fail, node.char)
			}
			if node.stop < 0 {
				node.stop = m.nodes[node.fail].stop
			}
			queue = append(queue, n)
		}
	}
}

// find returns the prefix one byte longer, 0 when there is none.
func (m *StopMatcher) find(node int32, char byte) int32 {
	n := m.nodes[node].child
	for n != 0 && m.nodes[n].char != char {
		n = m.nodes[n].sibling
	}
	return n
}

// step returns the longest prefix that ends the text of node followed by char.
func (m *StopMatcher) step(node int32, char byte) int32 {
	for {
		if next := m.find(node, char); next != 0 || node == 0 {
			return next
		}
		node = m.nodes[node].fail
	}
}

// Push adds text and returns what can be emitted. stopped is true from the push on that completes a
// stop string; text after it is dropped.
func (m *StopMatcher) Push(text string) (emit string, stopped bool) {
	if m.matched >= 0 {
		return "", true
	}
	for i := range len(text) {
		m.state = m.step(m.state, text[i])
		if stop := m.nodes[m.state].stop; stop >= 0 {
			m.matched = stop
			return m.release(text[:i+1], len(m.stops[stop]), true), true
		}
	}
	return m.release(text, int(m.nodes[m.state].depth), false), false
}

// release adds text to what is held and returns all but the last hold bytes, which it keeps held
// unless drop is set.
func (m *StopMatcher) release(text string, hold int, drop bool) (emit string) {
	if m.head == len(m.text) && hold <= len(text) {
		emit, text = text[:len(text)-hold], text[len(text)-hold:]
		m.text, m.head = append(m.text[:0], text...), 0
	} else {
		m.text = append(m.text, text...)
		end := len(m.text) - hold
		emit = string(m.text[m.head:end])
		m.head = end
	}
	if drop {
		m.text, m.head = nil, 0
	} else if m.head > len(m.text)/2 { // moving costs no more than what was emitted since
		m.text, m.head = append(m.text[:0], m.text[m.head:]...), 0
	}
	return emit
}

// Flush returns the text held back, for the end of a completion that met no stop string. Text
// pushed later starts afresh.
func (m *StopMatcher) Flush() string {
	held := string(m.text[m.head:])
	m.text, m.head, m.state = m.text[:0], 0, 0
	return held
}

// Matched returns the stop string that was found, "" while there is none.
func (m *StopMatcher) Matched() string {
	if m.matched < 0 {
		return ""
	}
	return m.stops[m.matched]
}
