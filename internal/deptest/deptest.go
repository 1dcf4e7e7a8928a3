// SPDX-License-Identifier: Apache-2.0

// Package deptest holds the module's architecture as a table of imports and
// finds what departs from it.
//
// Every package has one row: the packages of this module it may import, the
// third-party modules, and the parts of the standard library that are closed to
// the others. A package without a row, a row without a package, and an import
// that its row does not name are all findings. Files are parsed, not built, so
// that files of every platform and build tag count.
package deptest

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/zenlm/zen/internal/tree"
)

// Room is one package's row. Packages of this module are named by their path
// below its root, "" being the root.
type Room struct {
	Path    string   // a package; its last element may be * for all of a folder
	Imports []string // packages of this module
	Modules []string // third-party modules
	System  []string // packages of the standard library that Closed lists
	Tests   []string // packages and modules that its tests may import besides
}

// Table is the rows in building order: a room's Imports stand before it.
type Table []Room

// Closed returns the packages of the standard library that a library has no
// business with: a room opens them by name. "C" is cgo.
func Closed() []string {
	return []string{"C", "expvar", "flag", "log", "log/slog", "net", "net/http", "net/rpc",
		"os/exec", "os/signal", "plugin", "testing"}
}

// TestModules returns the modules that every package's tests may import.
func TestModules() []string { return []string{testify, goleak} }

// Check returns a line for each departure of the repository fsys from the table.
func Check(fsys fs.FS, table Table) ([]string, error) {
	files, err := tree.Files(fsys)
	if err != nil {
		return nil, err
	}
	findings := table.misordered()
	used := map[string]bool{}
	for _, file := range tree.GoFiles(files) {
		dir := path.Dir(file)
		room, ok := table.room(dir)
		if !ok {
			findings = append(findings, fmt.Sprintf("%s: package %q has no row in the table", file, dir))
			continue
		}
		used[room.Path] = true
		imports, err := importsOf(fsys, file)
		if err != nil {
			return nil, err
		}
		for _, imported := range imports {
			if !room.allows(imported, strings.HasSuffix(file, "_test.go")) {
				findings = append(findings, fmt.Sprintf("%s: %q must not import %q", file, dir, imported))
			}
		}
	}
	for _, room := range table {
		if !used[room.Path] {
			findings = append(findings, fmt.Sprintf("table: row %q has no package", room.Path))
		}
	}
	return findings, nil
}

func importsOf(fsys fs.FS, file string) ([]string, error) {
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var imports []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("deptest: %s: import %s: %w", file, spec.Path.Value, err)
		}
		imports = append(imports, imported)
	}
	return imports, nil
}

// room returns the row of the package in dir.
func (t Table) room(dir string) (Room, bool) {
	if dir == "." {
		dir = ""
	}
	for _, r := range t {
		if folder, all := strings.CutSuffix(r.Path, "/*"); r.Path == dir || all && path.Dir(dir) == folder {
			r.Tests = append(slices.Clone(r.Tests), dir) // package x_test imports x
			return r, true
		}
	}
	return Room{}, false
}

// misordered returns a line for each import that does not stand above its row,
// which includes each cycle.
func (t Table) misordered() (findings []string) {
	for i, room := range t {
		for _, imported := range room.Imports {
			above := func(r Room) bool { return r.Path == imported }
			if !slices.ContainsFunc(t[:i], above) {
				findings = append(findings,
					fmt.Sprintf("table: row %q imports %q, which is not above it", room.Path, imported))
			}
		}
	}
	return findings
}

// allows reports whether the room's files, or its tests, may import a package.
func (r Room) allows(imported string, test bool) bool {
	modules := r.Modules
	if test {
		modules = slices.Concat(modules, r.Tests, TestModules())
	}
	if below, ok := inside(tree.Module, imported); ok {
		return slices.Contains(r.Imports, below) || test && slices.Contains(r.Tests, below)
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return test && imported != "C" || !slices.Contains(Closed(), imported) ||
			slices.Contains(r.System, imported)
	}
	return slices.ContainsFunc(modules, func(module string) bool {
		_, ok := inside(module, imported)
		return ok
	})
}

// inside returns a package's path below a module's, if it is of that module.
func inside(module, imported string) (below string, ok bool) {
	if imported == module {
		return "", true
	}
	return strings.CutPrefix(imported, module+"/")
}
