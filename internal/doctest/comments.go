// SPDX-License-Identifier: Apache-2.0

package doctest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zenlm/zen/internal/tree"
)

// Comments reports packages without a package comment, and exported types,
// functions, methods, constants and variables of public packages without a
// comment that starts with their name. In a group of constants or variables the
// group's comment will do, and a method of an interface may share the comment of
// the one right above it. Fields of structs are not asked for theirs.
func Comments(fsys fs.FS) ([]string, error) {
	files, err := tree.Files(fsys)
	if err != nil {
		return nil, err
	}
	var c commentCheck
	c.fset = token.NewFileSet()
	packages := map[string]bool{} // folder -> has a package comment
	for _, file := range tree.AllGoFiles(files) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		parsed, err := parser.ParseFile(c.fset, file, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		name := parsed.Name.Name
		packages[path.Dir(file)] = packages[path.Dir(file)] || isPackageComment(parsed.Doc.Text(), name)
		if name != "main" && !strings.Contains("/"+file, "/internal/") {
			c.file(parsed)
		}
	}
	for dir, commented := range packages {
		if !commented {
			c.findings = append(c.findings, dir+": no package comment")
		}
	}
	slices.Sort(c.findings)
	return c.findings, nil
}

func isPackageComment(text, name string) bool {
	return strings.HasPrefix(text, "Package "+name) || name == "main" && text != ""
}

type commentCheck struct {
	fset     *token.FileSet
	findings []string
}

func (c *commentCheck) report(pos token.Pos, format string, args ...any) {
	p := c.fset.Position(pos)
	c.findings = append(c.findings, fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...)))
}

func (c *commentCheck) file(f *ast.File) {
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			c.function(d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					c.typeSpec(d, s)
				case *ast.ValueSpec:
					c.values(d, s)
				}
			}
		}
	}
}

func (c *commentCheck) function(d *ast.FuncDecl) {
	if !d.Name.IsExported() || d.Recv != nil && !ast.IsExported(receiver(d)) {
		return
	}
	if !startsWith(d.Doc.Text(), d.Name.Name) {
		c.report(d.Pos(), "the comment of %s does not start with its name", d.Name.Name)
	}
}

// receiver returns the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	expr := d.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}

func (c *commentCheck) typeSpec(d *ast.GenDecl, s *ast.TypeSpec) {
	if !s.Name.IsExported() {
		return
	}
	text := s.Doc.Text()
	if !d.Lparen.IsValid() {
		text = d.Doc.Text()
	}
	for _, article := range []string{"A ", "An ", "The "} {
		text = strings.TrimPrefix(text, article)
	}
	if !startsWith(text, s.Name.Name) {
		c.report(s.Pos(), "the comment of %s does not start with its name", s.Name.Name)
	}
	if t, ok := s.Type.(*ast.InterfaceType); ok {
		c.methods(s.Name.Name, t)
	}
}

// methods checks an interface's methods. Embedded interfaces speak for themselves.
func (c *commentCheck) methods(owner string, t *ast.InterfaceType) {
	commented := -1 // line of the last method with a comment, its own or shared
	for _, f := range t.Methods.List {
		first, last := c.fset.Position(f.Pos()).Line, c.fset.Position(f.End()).Line
		if f.Doc.Text() != "" || f.Comment.Text() != "" || first == commented+1 {
			commented = last
			continue
		}
		for _, name := range f.Names {
			if name.IsExported() {
				c.report(name.Pos(), "%s.%s has no comment", owner, name.Name)
			}
		}
	}
}

func (c *commentCheck) values(d *ast.GenDecl, s *ast.ValueSpec) {
	if !slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) {
		return
	}
	if d.Lparen.IsValid() {
		if d.Doc.Text() == "" && s.Doc.Text() == "" && s.Comment.Text() == "" {
			c.report(s.Pos(), "%s has no comment, nor has its group", s.Names[0].Name)
		}
		return
	}
	if !startsWith(d.Doc.Text(), s.Names[0].Name) {
		c.report(s.Pos(), "the comment of %s does not start with its name", s.Names[0].Name)
	}
}

// startsWith reports whether text's first word is name.
func startsWith(text, name string) bool {
	rest, ok := strings.CutPrefix(text, name)
	next, _ := utf8.DecodeRuneInString(rest)
	return ok && rest != "" && !unicode.IsLetter(next) && !unicode.IsDigit(next) && next != '_'
}
