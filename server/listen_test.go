// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/server"
	"github.com/zenlm/zen/zentest"
)

// listening is a handler's server until the end of its context.
type listening struct {
	url   string
	end   context.CancelFunc
	ended chan error
}

func listen(t *testing.T, g zen.Generator, grace time.Duration) listening {
	h, err := server.Handler(g)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	s := listening{"http://" + l.Addr().String(), cancel, make(chan error, 1)}
	go func() { s.ended <- server.ServeUntil(h, ctx, l, grace) }()
	return s
}

// begin asks for a stream and returns its body once the first piece has come.
func (s listening) begin(t *testing.T) io.ReadCloser {
	resp, err := http.Post(s.url+"/v1/chat/completions", "application/json", strings.NewReader(say("hi", `"stream":true`)))
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)
	_, err = io.ReadFull(resp.Body, make([]byte, len("data: ")))
	require.NoError(t, err)
	return resp.Body
}

func TestListenAndServeLetsAnswersEnd(t *testing.T) {
	release := make(chan struct{})
	s := listen(t, gated(release), time.Minute)
	body := s.begin(t)
	defer body.Close()
	s.end()
	time.Sleep(tick)
	require.Empty(t, s.ended)
	close(release)
	rest, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Contains(t, string(rest), "[DONE]")
	require.NoError(t, <-s.ended)
	_, err = http.Get(s.url + "/healthz")
	require.Error(t, err, "nobody listens")
}

func TestListenAndServeEndsWhatTakesTooLong(t *testing.T) {
	s := listen(t, gated(nil), 10*time.Millisecond)
	body := s.begin(t)
	defer body.Close()
	s.end()
	rest, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Contains(t, string(rest), "shutting_down")
	require.ErrorIs(t, <-s.ended, context.DeadlineExceeded)
}

func TestListenAndServeBoundsHeaders(t *testing.T) {
	s := listen(t, zentest.Script(), time.Minute)
	req, err := http.NewRequest("GET", s.url+"/healthz", nil)
	require.NoError(t, err)
	req.Header.Set("X-Much", strings.Repeat("x", 64<<10))
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
	s.end()
	require.NoError(t, <-s.ended)
}

// A listener that fails ends it with that error, and not as if it were asked to.
func TestListenAndServeErrors(t *testing.T) {
	h, err := server.Handler(zentest.Script())
	require.NoError(t, err)
	var address *net.OpError
	require.ErrorAs(t, h.ListenAndServe(t.Context(), "localhost:no such port"), &address)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	err = server.ServeUntil(h, t.Context(), l, time.Minute)
	require.True(t, errors.Is(err, net.ErrClosed), "%v", err)
}
