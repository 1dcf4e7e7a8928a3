// SPDX-License-Identifier: Apache-2.0

package doctest_test

import (
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/internal/doctest"
	"github.com/zenlm/zen/internal/tree"
)

// repository reports every finding of a check of this repository.
func repository(t *testing.T, check func(fs.FS) ([]string, error)) {
	t.Helper()
	root, err := tree.Root()
	require.NoError(t, err)
	findings, err := check(os.DirFS(root))
	require.NoError(t, err)
	for _, f := range findings {
		t.Error(f)
	}
}

func TestExportedNamesHaveComments(t *testing.T)    { repository(t, doctest.Comments) }
func TestSourceFilesStateTheirLicence(t *testing.T) { repository(t, doctest.Headers) }
func TestSourceFilesAreShort(t *testing.T)          { repository(t, doctest.Lengths) }
func TestGoBlocksAreCompiledCode(t *testing.T)      { repository(t, doctest.Snippets) }
func TestCommandsExist(t *testing.T)                { repository(t, doctest.Commands) }
