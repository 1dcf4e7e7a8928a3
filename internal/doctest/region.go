// SPDX-License-Identifier: Apache-2.0

package doctest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// region returns the lines of a Go file between the markers of name, or the
// function of that name without its comment.
func region(file, text, name string) (string, error) {
	var inside []string
	begun, ended := 0, 0
	for line := range strings.Lines(text) {
		switch strings.TrimSpace(line) {
		case "// snippet: " + name:
			begun++
			continue
		case "// end: " + name:
			ended++
			continue
		}
		if begun > ended {
			inside = append(inside, line)
		}
	}
	switch {
	case begun == 1 && ended == 1:
		return strings.Join(inside, ""), nil
	case begun != 0 || ended != 0:
		return "", fmt.Errorf("%s begins snippet %s %d times and ends it %d times", file, name, begun, ended)
	}
	return function(file, text, name)
}

// function returns the text of the function name, "Type.Method" for a method.
func function(file, text, name string) (string, error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, text, parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	for _, decl := range parsed.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		full := f.Name.Name
		if f.Recv != nil {
			full = receiver(f) + "." + full
		}
		if full == name {
			return text[fset.Position(f.Pos()).Offset:fset.Position(f.End()).Offset], nil
		}
	}
	return "", fmt.Errorf("%s has neither a snippet nor a function %s", file, name)
}

// dedent returns text with the indentation all lines share taken off, the rest
// of it in tabs of four columns, and without space at the ends of lines or text.
func dedent(text string) string {
	lines := strings.Split(text, "\n")
	shared := -1
	for i, line := range lines {
		lines[i] = expand(strings.TrimRight(line, " \t"))
		if lines[i] == "" {
			continue
		}
		if n := len(lines[i]) - len(strings.TrimLeft(lines[i], " ")); shared < 0 || n < shared {
			shared = n
		}
	}
	for i, line := range lines {
		if line != "" {
			lines[i] = line[shared:]
		}
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// expand writes the tabs a line begins with as four spaces each.
func expand(line string) string {
	rest := strings.TrimLeft(line, "\t")
	return strings.Repeat("    ", len(line)-len(rest)) + rest
}
