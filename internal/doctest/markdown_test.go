// SPDX-License-Identifier: Apache-2.0

package doctest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/internal/doctest"
)

const example = `package p

func Example() {
	setup()
	// snippet: loop
	for i := range 3 {
		use(i)
	}
	// end: loop
	// Output: 3
}

type T struct{}

// Do does.
func (t *T) Do() {
	use(t)
}
`

func TestGoBlockEqualToItsSourceIsAccepted(t *testing.T) {
	for name, markdown := range map[string]string{
		"region":          "Text.\n\n<!-- source: p/x_test.go#loop -->\n```go\nfor i := range 3 {\n\tuse(i)\n}\n```\n",
		"spaces for tabs": "<!-- source: p/x_test.go#loop -->\n```go\nfor i := range 3 {\n    use(i)\n}\n```\n",
		"inside a list":   "* item\n\n  <!-- source: p/x_test.go#loop -->\n  ```go\n  for i := range 3 {\n      use(i)\n  }\n  ```\n",
		"method":          "<!-- source: p/x_test.go#T.Do -->\n\n```go\nfunc (t *T) Do() {\n\tuse(t)\n}\n```\n",
		"shell, indented": "Text.\n\n    git clone x && cd x\n    FOO=1 go run ./x \"(a = b)\"\n\nText.\n",
		"indented item":   "1. item\n\n    more of it (a: b), see `c`\n",
		"other languages": "```sh\nls\n```\n\n~~~text\n```go\n~~~\n",
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := doctest.Snippets(files("README.md", markdown, "p/x_test.go", example))
			require.NoError(t, err)
			require.Empty(t, findings)
		})
	}
}

func TestGoBlockThatDepartsIsFound(t *testing.T) {
	loop := "```go\nfor i := range 3 {\n\tuse(i)\n}\n```\n"
	for name, c := range map[string]struct{ markdown, want string }{
		"no source":          {"Text.\n\n" + loop, "docs/a.md:3: the Go block has no line <!-- source:"},
		"source used twice":  {"<!-- source: p/x_test.go#loop -->\n" + loop + "\n" + loop, "docs/a.md:8: the Go block has no line"},
		"changed":            {"<!-- source: p/x_test.go#loop -->\n```go\nfor i := range 4 {\n\tuse(i)\n}\n```\n", "line 1 of the block differs from p/x_test.go#loop"},
		"inner indentation":  {"<!-- source: p/x_test.go#loop -->\n```go\nfor i := range 3 {\n\t\tuse(i)\n}\n```\n", "line 2 of the block differs"},
		"shorter":            {"<!-- source: p/x_test.go#loop -->\n```go\nfor i := range 3 {\n```\n", "the block has 1 lines, p/x_test.go#loop has 3"},
		"empty":              {"<!-- source: p/x_test.go#loop -->\n```go\n```\n", "differs"},
		"no such region":     {"<!-- source: p/x_test.go#lop -->\n" + loop, "has neither a snippet nor a function lop"},
		"no such file":       {"<!-- source: p/y.go#loop -->\n" + loop, "p/y.go is no Go file of a package"},
		"not compiled":       {"<!-- source: testdata/x.go#loop -->\n" + loop, "testdata/x.go is no Go file"},
		"unended region":     {"<!-- source: p/open.go#loop -->\n" + loop, "begins snippet loop 1 times and ends it 0 times"},
		"indented code":      {"Text.\n\n    for i := range 3 {\n        use(i)\n    }\n", "docs/a.md:3: Go code without a fence"},
		"indented, declared": {"\tfunc f() {}\n", "docs/a.md:1: Go code without a fence"},
		"no language":        {"```\nx := 1\n```\n", "docs/a.md:1: the block does not say its language"},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := doctest.Snippets(files("docs/a.md", c.markdown, "p/x_test.go", example,
				"testdata/x.go", example, "p/open.go", "package p\n\n// snippet: loop\n"))
			require.NoError(t, err)
			require.Len(t, findings, 1)
			require.Contains(t, findings[0], c.want)
		})
	}
}

func TestCommandsAreLookedUp(t *testing.T) {
	for name, c := range map[string]struct {
		readme string
		want   []string
	}{
		"both there": {"```sh\n$ CGO_ENABLED=0 go run ./examples/chat \"Hi\"\ngo test ./...\nmake bench-compare REF=main\n```\n", nil},
		"indented":   {"Try\n\n    git clone x && cd x\n    go run ./examples/chat \"Hi\"\n\nand\n\n    go test ./...\n", nil},
		"neither":    {"```go\n```\n", []string{"README.md: no command go run ./examples/chat", "README.md: no command go test ./..."}},
		"gone": {
			"```sh\ngo run ./examples/chat\ngo run ./examples/gone x\ngo test ./...\ngo test -run X ./p\ngo test -v ./q/...\nmake gone\n```\n",
			[]string{
				"README.md:1: go run ./examples/gone x: examples/gone has no main.go",
				"README.md:1: go test -v ./q/...: no folder q",
				"README.md:1: make gone: the Makefile has no target gone",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := doctest.Commands(files("README.md", c.readme, "p/p.go", "package p\n",
				"examples/chat/main.go", "package main\n", "Makefile", "bench-compare:\n\ttrue\n"))
			require.NoError(t, err)
			require.Equal(t, c.want, findings)
		})
	}
}
