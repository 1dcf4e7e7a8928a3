// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

func TestLoggerHearsOfLoadAndOfRequests(t *testing.T) {
	var lines bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	m, err := zen.LoadFS(t.Context(), zentest.FS(), ".", zen.WithLogger(logger), zen.WithWorkers(2))
	require.NoError(t, err)
	_, err = m.Generate(t.Context(), zen.Request{Prompt: "a", MaxTokens: 3})
	require.NoError(t, err)
	require.NoError(t, m.Close())

	var loaded struct{ Level, Msg, Backend, Device string }
	d := json.NewDecoder(&lines)
	require.NoError(t, d.Decode(&loaded))
	require.Equal(t, "INFO zen: loaded cpu", loaded.Level+" "+loaded.Msg+" "+loaded.Backend)
	require.Equal(t, m.Device(), loaded.Device)
	require.Contains(t, loaded.Device, "2 workers; ")

	var finished map[string]any
	require.NoError(t, d.Decode(&finished))
	require.Equal(t, "DEBUG", finished["level"])
	require.False(t, d.More())
}

// A backend that does not describe itself has its name.
func TestDeviceOfAnotherBackend(t *testing.T) {
	m, err := zen.LoadFS(t.Context(), zentest.FS(), ".", zen.WithBackend("changeable"))
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, "cpu", m.Device())
}
