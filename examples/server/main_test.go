// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/zentest"
)

func TestServesUntilStopped(t *testing.T) {
	log.SetOutput(io.Discard)
	defer log.SetOutput(os.Stderr)
	dir := filepath.Join(t.TempDir(), "pico")
	require.NoError(t, os.CopyFS(dir, zentest.FS()))
	for path, name := range map[string]string{"": "zen-nano", dir: "pico"} {
		addr := freeAddress(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- run(ctx, addr, path) }()
		var body string
		require.Eventually(t, func() bool {
			resp, err := http.Post("http://"+addr+"/v1/chat/completions", "application/json",
				strings.NewReader(`{"messages":[{"role":"user","content":"hi"}],"max_tokens":3}`))
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			var text bytes.Buffer
			_, err = text.ReadFrom(resp.Body)
			body = text.String()
			return err == nil && resp.StatusCode == 200
		}, time.Minute, 10*time.Millisecond)
		require.Contains(t, body, `"model":"`+name+`"`)
		cancel()
		require.NoError(t, <-ended)
	}
}

func TestErrorsAreReturned(t *testing.T) {
	require.ErrorContains(t, run(t.Context(), "localhost:0", "nowhere"), "nowhere")
	require.Error(t, run(t.Context(), "no address", ""))
}

// freeAddress returns an address of the loopback that nobody uses.
func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}
