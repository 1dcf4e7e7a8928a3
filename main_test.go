// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pico returns zentest's checkpoint with some files replaced; an empty text
// removes one.
func pico(t testing.TB, replace map[string]string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(zentest.FS(), "*")
	require.NoError(t, err)
	for _, name := range names {
		data, err := fs.ReadFile(zentest.FS(), name)
		require.NoError(t, err)
		files[name] = &fstest.MapFile{Data: data}
	}
	for name, text := range replace {
		delete(files, name)
		if text != "" {
			files[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return files
}

// loadFS loads a checkpoint that must be sound.
func loadFS(t testing.TB, fsys fs.FS, opts ...zen.Option) *zen.Model {
	t.Helper()
	m, err := zen.LoadFS(t.Context(), fsys, ".", opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

// long is a prompt of n tokens.
func long(n int) string { return strings.Repeat(" the", n) }

// generate answers a request that must succeed.
func generate(t testing.TB, g zen.Generator, req zen.Request) *zen.Response {
	t.Helper()
	resp, err := g.Generate(t.Context(), req)
	require.NoError(t, err)
	return resp
}
