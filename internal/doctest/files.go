// SPDX-License-Identifier: Apache-2.0

package doctest

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/zenlm/zen/internal/tree"
)

// MaxLines is the most lines of a source file that no program wrote.
const MaxLines = 600

// licence is what one of a source file's first lines says.
const licence = "SPDX-License-Identifier: Apache-2.0"

// Headers reports source files whose first three lines lack the licence. The
// first may be a shebang or say that the file is generated.
func Headers(fsys fs.FS) ([]string, error) {
	return eachSource(fsys, func(file string, text []byte) string {
		head := bytes.SplitN(text, []byte("\n"), 4)
		head = head[:min(3, len(head))]
		if bytes.Contains(bytes.Join(head, []byte("\n")), []byte(licence)) {
			return ""
		}
		return file + ": no line " + licence
	})
}

// Lengths reports source files above MaxLines. Training scripts are mostly text.
func Lengths(fsys fs.FS) ([]string, error) {
	return eachSource(fsys, func(file string, text []byte) string {
		lines := bytes.Count(text, []byte("\n"))
		if lines <= MaxLines || tree.Generated(text) || path.Ext(file) == ".py" {
			return ""
		}
		return fmt.Sprintf("%s: %d lines, at most %d", file, lines, MaxLines)
	})
}

// eachSource returns what check has to say about each source file.
func eachSource(fsys fs.FS, check func(file string, text []byte) string) ([]string, error) {
	files, err := tree.Files(fsys)
	if err != nil {
		return nil, err
	}
	var findings []string
	for _, file := range slices.DeleteFunc(files, func(f string) bool { return !isSource(f) }) {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		if finding := check(file, text); finding != "" {
			findings = append(findings, finding)
		}
	}
	return findings, nil
}

// isSource reports whether a file is written in a programming language.
func isSource(file string) bool {
	switch path.Ext(file) {
	case ".go", ".s", ".c", ".h", ".cu", ".cuh", ".py", ".sh", ".rs":
		return true
	}
	return file == ".ci/run" || file == "Makefile"
}
