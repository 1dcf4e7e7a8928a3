// SPDX-License-Identifier: Apache-2.0

package kernels_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/cuda/kernels"
)

// manifest returns what kernels.sum says: the compiler's version and the hash of
// every file.
func manifest(t *testing.T) (compiler string, hashes map[string]string) {
	t.Helper()
	data, err := os.ReadFile("kernels.sum")
	require.NoError(t, err)
	hashes = map[string]string{}
	for line := range strings.Lines(string(data)) {
		switch fields := strings.Fields(line); {
		case strings.HasPrefix(line, "nvcc "):
			compiler = fields[1]
		case strings.HasPrefix(line, "flags "), strings.HasPrefix(line, "#"):
		default:
			require.Len(t, fields, 2, line)
			hashes[fields[1]] = fields[0]
		}
	}
	return compiler, hashes
}

func TestFatbinIsOfTheseSources(t *testing.T) {
	compiler, hashes := manifest(t)
	require.True(t, strings.HasPrefix(compiler, "V13.0."), "compiler %q", compiler)
	sources := []string{"build.sh", "kernels.fatbin"}
	for _, pattern := range []string{"*.cu", "*.cuh"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		sources = append(sources, found...)
	}
	for _, name := range sources {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		require.Equal(t, hashes[name], hex.EncodeToString(sum[:]),
			"%s differs from kernels.sum: run make kernels", name)
	}
	require.Len(t, hashes, len(sources), "kernels.sum lists files that are gone")
}

func TestSourcesAreShort(t *testing.T) {
	found, err := filepath.Glob("*.cu*")
	require.NoError(t, err)
	require.NotEmpty(t, found)
	for _, name := range found {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.LessOrEqual(t, strings.Count(string(data), "\n"), 400, name)
	}
}

func TestFatbinIsEmbedded(t *testing.T) {
	require.Equal(t, "\x50\xed\x55\xba", string(kernels.Fatbin[:4]), "the magic number of a fatbin")
}
