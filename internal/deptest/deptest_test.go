// SPDX-License-Identifier: Apache-2.0

package deptest_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/internal/deptest"
	"github.com/zenlm/zen/internal/tree"
)

func TestImportsFollowTheTable(t *testing.T) {
	root, err := tree.Root()
	require.NoError(t, err)
	findings, err := deptest.Check(os.DirFS(root), deptest.Rooms())
	require.NoError(t, err)
	for _, f := range findings {
		t.Error(f)
	}
}

// ground is a table with a tree that obeys it.
func ground() (deptest.Table, fstest.MapFS) {
	table := deptest.Table{
		{Path: "low"},
		{Path: "high", Imports: []string{"low"}, Modules: []string{"example.org/maths"}, Tests: []string{"fake"}},
		{Path: "fake", System: []string{"testing"}},
		{Path: "cmd/*", Imports: []string{"high"}, System: []string{"flag"}},
	}
	return table, fstest.MapFS{
		"low/low.go":       source("low", "fmt"),
		"low/low_test.go":  source("low_test", "testing", "os/exec", tree.Module+"/low", "go.uber.org/goleak"),
		"high/high.go":     source("high", tree.Module+"/low", "example.org/maths/vector"),
		"high/x_test.go":   source("high_test", tree.Module+"/fake", "github.com/stretchr/testify/require"),
		"fake/fake.go":     source("fake", "testing"),
		"cmd/one/main.go":  source("main", "flag", tree.Module+"/high"),
		"low/_gen/main.go": source("main", "example.org/anything"),
	}
}

func source(name string, imports ...string) *fstest.MapFile {
	text := "package " + name + "\n"
	for _, i := range imports {
		text += "import _ \"" + i + "\"\n"
	}
	return &fstest.MapFile{Data: []byte(text)}
}

func TestTreeThatObeysHasNoFindings(t *testing.T) {
	table, fsys := ground()
	findings, err := deptest.Check(fsys, table)
	require.NoError(t, err)
	require.Empty(t, findings)
}

func TestDepartureIsFound(t *testing.T) {
	windows := source("low", tree.Module+"/high")
	windows.Data = append([]byte("//go:build windows && purego\n\n"), windows.Data...)
	for name, c := range map[string]struct {
		file string
		text *fstest.MapFile
		want string
	}{
		"upward import":               {"low/up.go", source("low", tree.Module+"/high"), `low/up.go: "low" must not import "github.com/zenlm/zen/high"`},
		"upward import in a test":     {"low/up_test.go", source("low", tree.Module+"/high"), "low/up_test.go"},
		"import behind a build tag":   {"low/low_windows.go", windows, "low/low_windows.go"},
		"test import in shipped code": {"high/y.go", source("high", tree.Module+"/fake"), "high/y.go"},
		"module of another row":       {"low/y.go", source("low", "example.org/maths"), "low/y.go"},
		"module with a longer name":   {"high/y.go", source("high", "example.org/mathsmore"), "high/y.go"},
		"test module in shipped code": {"low/y.go", source("low", "github.com/stretchr/testify/require"), "low/y.go"},
		"closed standard package":     {"high/y.go", source("high", "net/http"), `must not import "net/http"`},
		"cgo":                         {"low/y.go", source("low", "C"), `must not import "C"`},
		"cgo in a test":               {"low/y_test.go", source("low", "C"), `must not import "C"`},
		"package without a row":       {"new/new.go", source("new", "fmt"), `new/new.go: package "new" has no row`},
		"root without a row":          {"x.go", source("x"), `package "." has no row`},
		"package below a wildcard's":  {"cmd/one/deep/x.go", source("deep"), "has no row"},
	} {
		t.Run(name, func(t *testing.T) {
			table, fsys := ground()
			fsys[c.file] = c.text
			findings, err := deptest.Check(fsys, table)
			require.NoError(t, err)
			require.Len(t, findings, 1)
			require.Contains(t, findings[0], c.want)
		})
	}
}

func TestTableItselfIsChecked(t *testing.T) {
	_, fsys := ground()
	table := deptest.Table{
		{Path: "low", Imports: []string{"high"}},
		{Path: "high", Imports: []string{"low"}, Modules: []string{"example.org/maths"}, Tests: []string{"fake"}},
		{Path: "fake", System: []string{"testing"}},
		{Path: "cmd/*", Imports: []string{"high"}, System: []string{"flag"}},
		{Path: "gone"},
	}
	findings, err := deptest.Check(fsys, table)
	require.NoError(t, err)
	require.Equal(t, []string{
		`table: row "low" imports "high", which is not above it`,
		`table: row "gone" has no package`,
	}, findings)
}

func TestFileThatDoesNotParseIsAnError(t *testing.T) {
	table, fsys := ground()
	fsys["low/y.go"] = &fstest.MapFile{Data: []byte("packag low")}
	_, err := deptest.Check(fsys, table)
	require.Error(t, err)
	require.True(t, strings.HasPrefix(err.Error(), "low/y.go:"), err)
}
