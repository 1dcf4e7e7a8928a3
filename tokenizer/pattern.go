// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// regexpPattern is a Split pattern nobody wrote a scanner for. The Rust library runs it on
// Oniguruma; here it runs on regexp2, with its character classes spelled out from the frozen
// tables. A construct that the two engines read differently is refused.
type regexpPattern struct{ re *regexp2.Regexp }

const (
	patternTimeout = 10 * time.Second // for one match; no sane pattern comes near
	patternLongest = 4096             // bytes of a pattern
)

func newRegexpPattern(source string) (regexpPattern, error) {
	translated, err := translatePattern(source)
	if err != nil {
		return regexpPattern{}, fmt.Errorf("%w: Split pattern %q: %w", ErrUnsupported, source, err)
	}
	re, err := regexp2.Compile(translated)
	if err != nil {
		return regexpPattern{}, fmt.Errorf("%w: Split pattern %q does not compile", ErrUnsupported, source)
	}
	re.MatchTimeout = patternTimeout
	return regexpPattern{re}, nil
}

func (p regexpPattern) matches(dst []delimiter, s string) ([]delimiter, error) {
	runes := make([]rune, 0, len(s))
	for _, r := range s {
		runes = append(runes, r)
	}
	at, place := 0, 0 // rune index and its byte offset
	advance := func(to int) int {
		for ; at < to; at++ {
			_, n := utf8.DecodeRuneInString(s[place:])
			place += n
		}
		return place
	}
	err := p.re.FindRunesMatches(runes, 0, func(m regexp2.MatchView) bool {
		start, length, _ := m.GroupRange(0)
		if length > 0 {
			dst = append(dst, delimiter{advance(start), advance(start + length), true})
		}
		return true
	})
	if err != nil {
		return dst, fmt.Errorf("tokenizer: Split pattern: %w", err)
	}
	return dst, nil
}

// translator rewrites an Oniguruma pattern for regexp2.
type translator struct {
	in  string
	pos int
	out strings.Builder
}

func translatePattern(source string) (string, error) {
	if len(source) > patternLongest {
		return "", fmt.Errorf("%d bytes, more than %d", len(source), patternLongest)
	}
	t := &translator{in: source}
	for t.pos < len(t.in) {
		if err := t.item(); err != nil {
			return "", err
		}
	}
	return t.out.String(), nil
}

// item translates one item outside of a class.
func (t *translator) item() error {
	rest := t.in[t.pos:]
	switch rest[0] {
	case '\\':
		return t.escape(false)
	case '[':
		return t.class()
	case '^', '$':
		return fmt.Errorf("anchor %q", rest[0])
	case '(':
		return t.group(rest)
	case '?', '+', '*', '}':
		if len(rest) > 1 && rest[1] == '+' {
			return errors.New("possessive quantifier")
		}
	case '{':
		if len(rest) < 2 || rest[1] < '0' || rest[1] > '9' {
			return errors.New("'{' without a number")
		}
	}
	t.out.WriteByte(rest[0])
	t.pos++
	return nil
}

func (t *translator) group(rest string) error {
	if !strings.HasPrefix(rest, "(?") {
		t.copy(1)
		return nil
	}
	for _, open := range []string{"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"} {
		if strings.HasPrefix(rest, open) {
			t.copy(len(open))
			return nil
		}
	}
	return fmt.Errorf("group %.4q", rest)
}

func (t *translator) copy(n int) {
	t.out.WriteString(t.in[t.pos : t.pos+n])
	t.pos += n
}

// class translates a bracketed class.
func (t *translator) class() error {
	t.copy(1)
	if strings.HasPrefix(t.in[t.pos:], "^") {
		t.copy(1)
	}
	for first := true; t.pos < len(t.in); first = false {
		rest := t.in[t.pos:]
		switch {
		case rest[0] == ']' && !first:
			t.copy(1)
			return nil
		case rest[0] == ']' || rest[0] == '[':
			return fmt.Errorf("%q inside a class", rest[0])
		case strings.HasPrefix(rest, "&&"):
			return errors.New("&& inside a class")
		case strings.HasPrefix(rest, "-["):
			return errors.New("subtraction inside a class")
		case rest[0] == '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		default:
			t.copy(1)
		}
	}
	return errors.New("unterminated class")
}

// escape translates a backslash and what follows it.
func (t *translator) escape(inClass bool) error {
	rest := t.in[t.pos:]
	if len(rest) < 2 {
		return errors.New("a lone backslash")
	}
	c := rest[1]
	switch {
	case strings.IndexByte("rntfv", c) >= 0 || c < utf8.RuneSelf && isSymbol(class(rune(c))):
		t.copy(2)
		return nil
	case c == 'p' || c == 'P':
		return t.property(rest, inClass)
	}
	contains := perlClass(c | 0x20)
	if contains == nil {
		return fmt.Errorf("escape \\%c", c)
	}
	t.pos += 2
	t.ranges(contains, c&0x20 == 0, inClass)
	return nil
}

// property translates \p{..} or \P{..}.
func (t *translator) property(rest string, inClass bool) error {
	end := strings.IndexByte(rest, '}')
	if end < 0 || rest[2] != '{' {
		return fmt.Errorf("property %.8q", rest)
	}
	name, negate := strings.CutPrefix(rest[3:end], "^")
	first, last, ok := categoryRange(name)
	if !ok {
		return fmt.Errorf("property %q", name)
	}
	t.pos += end + 1
	in := func(c byte) bool { return c&classGC >= first && c&classGC <= last }
	t.ranges(in, negate != (rest[1] == 'P'), inClass)
	return nil
}

// perlClass returns the members of \s, \d or \w as Oniguruma has them, or nil.
func perlClass(name byte) func(c byte) bool {
	switch name {
	case 's':
		return isSpace
	case 'd':
		return func(c byte) bool { return c&classGC == gcNd }
	case 'w':
		return func(c byte) bool {
			gc := c & classGC
			return gc <= gcMe || isNumber(c) || gc == gcPc
		}
	}
	return nil
}

// categoryRange returns the general categories of a property, which stand in a row.
func categoryRange(name string) (first, last byte, ok bool) {
	const names = "LuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCoCn"
	if len(name) == 1 {
		first, ok = byte(strings.IndexByte(names, name[0])/2), strings.Contains("LMNPSZ", name)
		last = byte(strings.LastIndexByte(names, name[0]) / 2)
		return first, last, ok
	}
	if i := strings.Index(names, name); len(name) == 2 && i >= 0 && i%2 == 0 {
		return byte(i / 2), byte(i / 2), true
	}
	return 0, 0, false
}

// ranges writes the characters whose class is in (or not, with negate) as ranges.
func (t *translator) ranges(in func(c byte) bool, negate, inClass bool) {
	if !inClass {
		t.out.WriteByte('[')
	}
	start := rune(-1)
	for r := rune(0); r <= utf8.MaxRune+1; r++ {
		member := r <= utf8.MaxRune && in(class(r)) != negate
		if member && start < 0 {
			start = r
		}
		if !member && start >= 0 {
			fmt.Fprintf(&t.out, `\x{%x}-\x{%x}`, start, r-1)
			start = -1
		}
	}
	if !inClass {
		t.out.WriteByte(']')
	}
}
