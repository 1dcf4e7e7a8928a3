// SPDX-License-Identifier: Apache-2.0

package doctest_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/internal/doctest"
)

func files(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fsys
}

const head = "// SPDX-License-Identifier: Apache-2.0\n\n// Package p is a package.\npackage p\n\n"

func TestCommentsAcceptWhatIsDocumented(t *testing.T) {
	findings, err := doctest.Comments(files("p/p.go", head+`
// A Reader reads.
type Reader interface {
	// Read reads.
	Read() error

	Close() // Close closes
	Also()
}

// Limits of a reader.
const (
	Low = iota
	High
)

// Shape is a shape.
type Shape struct {
	Rows, Columns int

	hidden int
}

type (
	// Pair is a pair.
	Pair[K, V any] struct{}
	small          struct{}
)

// First returns the first.
func (p *Pair[K, V]) First() {}

func (small) Exported() {}

func helper() {}
`, "p/p_test.go", "package p\n\nfunc TestX() {}\n",
		"internal/q/q.go", "// Package q is inside.\npackage q\n\nfunc Bare() {}\n",
		"cmd/m/main.go", "// The m command runs.\npackage main\n\nfunc Bare() {}\n"))
	require.NoError(t, err)
	require.Empty(t, findings)
}

func TestCommentsFindWhatIsNot(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"function":             {"func Bare() {}", "p/p.go:6: the comment of Bare does not start with its name"},
		"other name":           {"// Bear does.\nfunc Bare() {}", "the comment of Bare"},
		"longer name":          {"// Barely does.\nfunc Bare() {}", "the comment of Bare"},
		"name alone":           {"// Bare\nfunc Bare() {}", ""},
		"method":               {"// T is.\ntype T int\n\nfunc (t *T) Bare() {}", "the comment of Bare"},
		"method of a generic":  {"// T is.\ntype T[A, B any] int\n\nfunc (t T[A, B]) Bare() {}", "the comment of Bare"},
		"type":                 {"type Bare int", "the comment of Bare"},
		"type in a group":      {"// Types.\ntype (\n\tBare int\n)", "the comment of Bare"},
		"constant":             {"const Bare = 1", "the comment of Bare"},
		"group without":        {"const (\n\tBare = 1\n)", "Bare has no comment, nor has its group"},
		"method of interface":  {"// T is.\ntype T interface {\n\tBare()\n}", "T.Bare has no comment"},
		"directive as comment": {"//go:noinline\nfunc Bare() {}", "the comment of Bare"},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := doctest.Comments(files("p/p.go", head+c.text+"\n"))
			require.NoError(t, err)
			if c.want == "" {
				require.Empty(t, findings)
				return
			}
			require.Len(t, findings, 1)
			require.Contains(t, findings[0], c.want)
		})
	}
}

func TestPackageCommentMustBeOne(t *testing.T) {
	findings, err := doctest.Comments(files(
		"a/a.go", "// SPDX-License-Identifier: Apache-2.0\npackage a\n",
		"b/b.go", "package b\n", "b/doc.go", "// Package b is documented elsewhere.\npackage b\n",
		"internal/c/c.go", "package c\n",
		"cmd/d/main.go", "package main\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"a: no package comment", "cmd/d: no package comment",
		"internal/c: no package comment"}, findings)
}
