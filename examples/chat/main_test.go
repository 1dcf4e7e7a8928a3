// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

func TestAskStreamsTheAnswerAndItsUsage(t *testing.T) {
	reply := zentest.Text("Hel", "lo.")
	reply.Usage = zen.Usage{PromptTokens: 7, CompletionTokens: 2, TotalTokens: 9}
	fake := zentest.Script(reply, zentest.Fail(errors.New("lost"), "Hm"))
	var out strings.Builder
	answer, err := ask(fake, &out, []zen.Message{zen.User("Hi")})
	require.NoError(t, err)
	require.Equal(t, "Hello.", answer)
	require.Equal(t, "Hello.\n[7 + 2 tokens, 0 tokens/s]\n", out.String())

	out.Reset()
	answer, err = ask(fake, &out, []zen.Message{zen.User("And?")})
	require.ErrorContains(t, err, "lost")
	require.Equal(t, "Hm", answer)
	require.Equal(t, "Hm\n[lost]\n", out.String())
}

func TestLoadTakesAFolderOrNone(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "pico"), zentest.FS()))
	for _, path := range []string{"", filepath.Join(dir, "pico")} {
		m, err := load(t.Context(), path)
		require.NoError(t, err)
		require.NoError(t, m.Close())
	}
	_, err := load(t.Context(), filepath.Join(dir, "nothing"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}
