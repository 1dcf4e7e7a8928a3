// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"errors"
	"fmt"
	"strings"
)

// templateWords reads the inside of a tag.
func templateWords(s string) ([]templateWord, error) {
	var words []templateWord
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '\'' || c == '"':
			text, n, err := templateString(s[i:])
			if err != nil {
				return nil, err
			}
			words = append(words, templateWord{text, true})
			i += n
		case isWordByte(c):
			n := 1
			for i+n < len(s) && isWordByte(s[i+n]) {
				n++
			}
			words = append(words, templateWord{text: s[i : i+n]})
			i += n
		default:
			n := 1
			if i+1 < len(s) && s[i+1] == '=' && strings.IndexByte("=!<>", c) >= 0 {
				n = 2
			}
			words = append(words, templateWord{text: s[i : i+n]})
			i += n
		}
		words = joinMember(words)
	}
	return words, nil
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// joinMember turns ['name'] at the end of words, after something it is a member of, into .name.
func joinMember(words []templateWord) []templateWord {
	n := len(words)
	if n < 4 || words[n-1].quoted || words[n-1].text != "]" || !words[n-2].quoted || words[n-3].quoted || words[n-3].text != "[" {
		return words
	}
	name, owner := words[n-2].text, words[n-4]
	if owner.quoted || !isWordByte(owner.text[0]) && owner.text != "]" && owner.text != ")" {
		return words
	}
	for i := range len(name) {
		if !isWordByte(name[i]) || name[0] <= '9' {
			return words
		}
	}
	return append(words[:n-3], templateWord{text: "."}, templateWord{text: name})
}

// templateString reads a quoted text with Python's short escapes, and its length in s.
func templateString(s string) (text string, n int, err error) {
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case s[0]:
			return out.String(), i + 1, nil
		case '\\':
			i++
			if i == len(s) {
				return "", 0, errors.New("an unfinished text")
			}
			k := strings.IndexByte(`nrt\'"`, s[i])
			if k < 0 {
				return "", 0, fmt.Errorf("escape \\%c", s[i])
			}
			out.WriteByte("\n\r\t\\'\""[k])
		default:
			out.WriteByte(c)
		}
	}
	return "", 0, errors.New("an unfinished text")
}
