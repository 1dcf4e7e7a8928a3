// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package checkpoint_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zenlm/zen/checkpoint"
)

// TestPipeDoesNotBlock fails by the test's timeout if Open waits for a writer.
func TestPipeDoesNotBlock(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "model.safetensors"), 0o600))
	_, err := checkpoint.Open(dir)
	require.ErrorIs(t, err, checkpoint.ErrCorrupt)
	require.ErrorContains(t, err, "not a regular file")
}
