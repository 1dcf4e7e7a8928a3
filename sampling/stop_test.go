// SPDX-License-Identifier: Apache-2.0

package sampling_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/sampling"
)

// stopReference returns the text before the stop string that ends first, the longest of those that
// end together, and that stop string.
func stopReference(text string, stops []string) (emit, matched string) {
	for end := 1; end <= len(text); end++ {
		for _, stop := range stops {
			if strings.HasSuffix(text[:end], stop) && len(stop) > len(matched) {
				matched = stop
			}
		}
		if matched != "" {
			return text[:end-len(matched)], matched
		}
	}
	return text, ""
}

// heldReference returns how many bytes of text may still become a stop string.
func heldReference(text string, stops []string) (held int) {
	for _, stop := range stops {
		for n := min(len(stop), len(text)); n > held; n-- {
			if strings.HasSuffix(text, stop[:n]) {
				held = n
			}
		}
	}
	return held
}

// pieces cuts text into runs of whole runes; cut says where.
func pieces(text string, cut func(i int) bool) (out []string) {
	from := 0
	for i := range text {
		if i > from && cut(i) {
			out, from = append(out, text[from:i]), i
		}
	}
	return append(out, text[from:])
}

func checkStops(t *testing.T, text string, stops []string, cut func(i int) bool) {
	t.Helper()
	m, err := sampling.NewStopMatcher(stops)
	require.NoError(t, err)
	want, matched := stopReference(text, stops)
	got, pushed, stopped := "", "", false
	for _, piece := range pieces(text, cut) {
		emit, now := m.Push(piece)
		got, pushed = got+emit, pushed+piece
		if utf8.ValidString(pushed) && !utf8.ValidString(emit) {
			t.Fatalf("stops %q: %q of %q is not valid UTF-8", stops, emit, text)
		}
		if stopped = now; stopped {
			break
		}
		if held := len(pushed) - len(got); held != heldReference(pushed, stops) {
			t.Fatalf("stops %q: %d bytes held after %q", stops, held, pushed)
		}
	}
	require.Equal(t, matched != "", stopped, "stops %q, text %q", stops, text)
	require.Equal(t, matched, m.Matched())
	require.Equal(t, want, got+m.Flush(), "stops %q, text %q", stops, text)
	if emit, again := m.Push("more"); stopped {
		require.Equal(t, "", emit)
		require.True(t, again)
	}
}

func TestStopMatcherFindsTheFirstStopHoweverTheTextIsCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		stops []string
	}{
		{"hello world", nil},
		{"hello<|im_end|>world", []string{"<|im_end|>"}},
		{"hello<|im_e", []string{"<|im_end|>"}},
		{"a<|im_<|im_end|>", []string{"<|im_end|>"}},
		{"xabcd", []string{"abcd", "bc"}},
		{"xab", []string{"b", "ab"}},
		{"aaaaaaab", []string{"aaab"}},
		{"abababac", []string{"ababac"}},
		{"你好，世界。再见", []string{"世界。"}},
		{"🙂🙃🙂🙂", []string{"🙂🙂"}},
		{"stop", []string{"stop", "stop"}},
		{"\n\nUser: hi", []string{"\n\nUser:", "\nUser:", "User:"}},
	} {
		for mask := range min(1<<len(c.text), 1<<9) {
			checkStops(t, c.text, c.stops, func(i int) bool { return mask>>(i%9)&1 == 1 })
		}
	}
}

func TestStopMatcherRefusesBadStops(t *testing.T) {
	for want, stops := range map[string][]string{
		"sampling: stop string 1 of 2 is empty":                   {"a", ""},
		`sampling: stop string 0 ("\xe4\xbd") is not valid UTF-8`: {"\xe4\xbd"},
		"sampling: stop strings have more than 65536 bytes":       {strings.Repeat("a", 65537)},
	} {
		_, err := sampling.NewStopMatcher(stops)
		require.EqualError(t, err, want)
	}
}

// TestHostileStopsTakeLinearTime would take minutes if a step or the held text cost its length.
func TestHostileStopsTakeLinearTime(t *testing.T) {
	start := time.Now()
	long, err := sampling.NewStopMatcher([]string{strings.Repeat("a", 65000) + "b"})
	require.NoError(t, err)
	for range 300_000 {
		long.Push("a")
	}
	require.Len(t, long.Flush(), 65000)
	var stops []string
	for n := 1; n <= 350; n++ {
		stops = append(stops, strings.Repeat("a", n)+"b")
	}
	many, err := sampling.NewStopMatcher(stops)
	require.NoError(t, err)
	emit, stopped := many.Push(strings.Repeat("a", 1_000_000) + "c")
	require.Len(t, emit, 1_000_001)
	require.False(t, stopped)
	require.Less(t, time.Since(start), 5*time.Second)
}
