// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

func TestQuantizeWritesAFolderThatLoads(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "int4")
	require.NoError(t, os.CopyFS(from, zentest.FS()))
	var out strings.Builder
	require.NoError(t, quantize(t.Context(), &out, "int4", from, to))
	require.Contains(t, out.String(), "0.001 GB of weights are now 0.000 GB")

	m, err := zen.Load(t.Context(), to)
	require.NoError(t, err)
	require.NotNil(t, m.Config().Quantization)
	require.NoError(t, m.Close())

	require.ErrorContains(t, quantize(t.Context(), &out, "int3", from, to), `"int3", want int4 or int8`)
	require.ErrorIs(t, quantize(t.Context(), &out, "int4", from, to), os.ErrExist)
}
