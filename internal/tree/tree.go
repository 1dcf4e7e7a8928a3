// SPDX-License-Identifier: Apache-2.0

// Package tree lists the files of this repository for the tests that hold its
// rules. It reads files, never the go command or version control.
package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Module is the module's path.
const Module = "github.com/zenlm/zen"

// Root returns the repository's root folder: the nearest one above the working
// directory whose go.mod names Module.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(text, []byte("module "+Module+"\n")) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("tree: no go.mod of %s above the working directory", Module)
		}
		dir = parent
	}
}

// Files returns the slash-separated paths of all regular files of the
// repository, sorted. Folders whose name starts with a dot are left out, except
// .ci and .github, and so is bin, where the Makefile puts tools.
func Files(fsys fs.FS) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed meanwhile
			return nil
		case err != nil:
			return err
		case d.IsDir() && skipped(name):
			return fs.SkipDir
		case d.Type().IsRegular():
			files = append(files, name)
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}

func skipped(dir string) bool {
	base := path.Base(dir)
	if dir == "." || base == ".ci" || base == ".github" {
		return false
	}
	return strings.HasPrefix(base, ".") || dir == "bin"
}

// GoFiles returns those of files that are Go files of this module's packages:
// those of AllGoFiles that are not in a module of their own.
func GoFiles(files []string) []string {
	var nested []string
	for _, f := range files {
		if path.Base(f) == "go.mod" && f != "go.mod" {
			nested = append(nested, path.Dir(f)+"/")
		}
	}
	return slices.DeleteFunc(AllGoFiles(files), func(f string) bool {
		return slices.ContainsFunc(nested, func(dir string) bool { return strings.HasPrefix(f, dir) })
	})
}

// AllGoFiles returns those of files that are Go files of packages, of this module
// or of one in a folder of it: not in testdata or in a folder whose name starts
// with an underscore.
func AllGoFiles(files []string) []string {
	return slices.DeleteFunc(slices.Clone(files), func(f string) bool {
		if path.Ext(f) != ".go" {
			return true
		}
		for part := range strings.SplitSeq(path.Dir(f), "/") {
			if part == "testdata" || strings.HasPrefix(part, "_") {
				return true
			}
		}
		return false
	})
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// Generated reports whether a source file says that a program wrote it.
func Generated(text []byte) bool { return generated.Match(text) }
