// SPDX-License-Identifier: Apache-2.0

package doctest

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/zenlm/zen/internal/tree"
)

// indented is the language of a block without a fence.
const indented = "indented"

// block is a fenced or indented block of a Markdown file.
type block struct {
	file     string
	line     int    // of the opening fence or the first line, from 1
	language string // the fence's first word
	above    string // the nearest line above that is not empty
	text     string
}

func (b block) at(format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", b.file, b.line, fmt.Sprintf(format, args...))
}

var fence = regexp.MustCompile("^[ \t]*(```+|~~~+)[ \t]*([^ \t`]*)")

// blocks returns the blocks of a Markdown text. A fence that is never closed ends
// with the file; an indented block ends with an empty line.
func blocks(file, text string) (all []block) {
	var open *block
	var mark, above string // the open block's fence; the text above
	begin := func(line int, language string) {
		all = append(all, block{file: file, line: line + 1, language: language, above: above})
		open = &all[len(all)-1]
	}
	afterEmpty := true
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		m := fence.FindStringSubmatch(line)
		empty := strings.TrimSpace(line) == ""
		inFence := open != nil && open.language != indented
		if open != nil && !inFence && (empty || !isIndented(line)) {
			open = nil
		}
		switch {
		case inFence && m != nil && strings.HasPrefix(m[1], mark) && m[2] == "":
			open, above = nil, ""
		case open == nil && m != nil:
			mark = m[1]
			begin(i, m[2])
		case open == nil && afterEmpty && !empty && isIndented(line):
			begin(i, indented)
			open.text = line + "\n"
		case open != nil:
			open.text += line + "\n"
		case !empty:
			above = strings.TrimSpace(line)
		}
		afterEmpty = empty
	}
	return all
}

func isIndented(line string) bool {
	return strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t")
}

// allBlocks returns the blocks of the repository's Markdown files, those
// of test data and generators left out.
func allBlocks(fsys fs.FS, files []string) (all []block, err error) {
	for _, file := range files {
		if path.Ext(file) != ".md" || slices.ContainsFunc(strings.Split(path.Dir(file), "/"), isAside) {
			continue
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		all = append(all, blocks(file, string(text))...)
	}
	return all, nil
}

func isAside(dir string) bool { return dir == "testdata" || strings.HasPrefix(dir, "_") }

var sourceLine = regexp.MustCompile(`^<!-- source: ([^ #]+)#([^ #]+) -->$`)

// Snippets reports the Go blocks of Markdown files that are not the text of a
// compiled file, and blocks that do not say their language.
func Snippets(fsys fs.FS) ([]string, error) {
	files, err := tree.Files(fsys)
	if err != nil {
		return nil, err
	}
	all, err := allBlocks(fsys, files)
	if err != nil {
		return nil, err
	}
	compiled := tree.AllGoFiles(files)
	var findings []string
	for _, b := range all {
		switch b.language {
		case indented:
			if isGo(b.text) {
				findings = append(findings, b.at("Go code without a fence"))
			}
		case "":
			findings = append(findings, b.at("the block does not say its language"))
		case "go", "golang":
			if finding := checkSnippet(fsys, compiled, b); finding != "" {
				findings = append(findings, finding)
			}
		}
	}
	return findings, nil
}

// isGo reports whether text is a Go file, or declarations or statements of one,
// with at least a call, a block or an assignment in it: a lone word is not.
func isGo(text string) bool {
	if !strings.ContainsAny(text, "({=") {
		return false
	}
	for _, file := range []string{text, "package p\n" + text, "package p\nfunc f() {\n" + text + "\n}"} {
		if _, err := parser.ParseFile(token.NewFileSet(), "", file, parser.SkipObjectResolution); err == nil {
			return true
		}
	}
	return false
}

func checkSnippet(fsys fs.FS, compiled []string, b block) string {
	m := sourceLine.FindStringSubmatch(b.above)
	switch {
	case m == nil:
		return b.at("the Go block has no line <!-- source: file.go#name --> above it")
	case !slices.Contains(compiled, m[1]):
		return b.at("%s is no Go file of a package", m[1])
	}
	text, err := fs.ReadFile(fsys, m[1])
	if err != nil {
		return b.at("%v", err)
	}
	want, err := region(m[1], string(text), m[2])
	if err != nil {
		return b.at("%v", err)
	}
	return differ(b, m[1]+"#"+m[2], dedent(b.text), dedent(want))
}

// differ names the first line in which a block departs from its source.
func differ(b block, source, got, want string) string {
	if got == want {
		return ""
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return b.at("line %d of the block differs from %s:\n\t%s\nwant\n\t%s", i+1, source, g[i], w[i])
		}
	}
	return b.at("the block has %d lines, %s has %d", len(g), source, len(w))
}
