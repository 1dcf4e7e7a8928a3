// SPDX-License-Identifier: Apache-2.0

package tokenizer

import "strings"

// addedToken is an entry of added_tokens: a text that is cut out before normalisation and merging.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// matcher finds added tokens in a text, the leftmost and of those the longest, with a trie.
type matcher struct {
	nodes    []trieNode // nodes[0] is the root
	first    [256]int32 // the root's children by byte, 0 for none
	lead     int        // the one byte all tokens start with, or -1
	ordinary bool       // a token that is not special is among them
}

type trieNode struct {
	edges []trieEdge
	token *addedToken
}

type trieEdge struct {
	b    byte
	node int32
}

func (m *matcher) empty() bool { return m == nil || len(m.nodes) == 0 }

// add makes text match token.
func (m *matcher) add(text string, token *addedToken) {
	if m.empty() {
		m.nodes, m.lead = []trieNode{{}}, int(text[0])
	}
	if m.lead != int(text[0]) {
		m.lead = -1
	}
	m.ordinary = m.ordinary || !token.Special
	at := int32(0)
	for i := range len(text) {
		next := m.child(at, text[i])
		if next == 0 {
			next = int32(len(m.nodes))
			m.nodes = append(m.nodes, trieNode{})
			m.nodes[at].edges = append(m.nodes[at].edges, trieEdge{text[i], next})
			if at == 0 {
				m.first[text[i]] = next
			}
		}
		at = next
	}
	m.nodes[at].token = token
}

func (m *matcher) child(at int32, b byte) int32 {
	if at == 0 {
		return m.first[b]
	}
	for _, e := range m.nodes[at].edges {
		if e.b == b {
			return e.node
		}
	}
	return 0
}

// next returns the first match in s at or after from, or a nil token.
func (m *matcher) next(s string, from int) (token *addedToken, start, end int) {
	for i := from; i < len(s); i++ {
		if m.lead >= 0 {
			k := strings.IndexByte(s[i:], byte(m.lead))
			if k < 0 {
				return nil, 0, 0
			}
			i += k
		}
		at := m.first[s[i]]
		for j := i + 1; at != 0; j++ {
			if t := m.nodes[at].token; t != nil {
				token, end = t, j
			}
			if j == len(s) {
				break
			}
			at = m.child(at, s[j])
		}
		if token != nil {
			return token, i, end
		}
	}
	return nil, 0, 0
}

// cut calls emit for each stretch of s in order: an added token with its id, or the text between,
// with id -1. Without special, a special token is text, but it still hides a token inside it.
func (m *matcher) cut(s string, special bool, emit func(id int32, start, end int)) {
	done := 0
	if !m.empty() && (special || m.ordinary) {
		for at := 0; ; {
			token, start, end := m.next(s, at)
			if token == nil {
				break
			}
			at = end
			if token.Special && !special {
				continue
			}
			if token.LStrip {
				start = max(len(strings.TrimRightFunc(s[:start], isWhiteSpace)), done)
			}
			if token.RStrip {
				end = len(s) - len(strings.TrimLeftFunc(s[end:], isWhiteSpace))
			}
			if done < start {
				emit(-1, done, start)
			}
			emit(token.ID, start, end)
			done = end
		}
	}
	if done < len(s) {
		emit(-1, done, len(s))
	}
}

func isWhiteSpace(r rune) bool { return isSpace(class(r)) }
