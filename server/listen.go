// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

const (
	headerTime = 10 * time.Second // for clients that send a header byte by byte
	idleTime   = 2 * time.Minute  // of a connection between requests
	headerSize = 16 << 10         // bytes
	graceTime  = 30 * time.Second // for the answers that run when the end comes
)

// ListenAndServe serves s alone at a TCP address, such as ":8080", until ctx is done,
// with bounds on what the handler cannot see: 10 s and 16 KiB for a request's header,
// two minutes for an idle connection. Then it shuts down as Shutdown does, giving the
// answers that run 30 s, and returns nil, or the context's error where that was too
// short for some. Later calls of Shutdown or ListenAndServe find it shut down.
//
// A program that needs TLS, other paths or other bounds makes an http.Server of its
// own, and calls Shutdown before the server's.
func (s *Server) ListenAndServe(ctx context.Context, addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return s.serveUntil(ctx, l, graceTime)
}

// serveUntil serves l's connections until ctx is done, and lets what runs then go on
// for grace.
func (s *Server) serveUntil(ctx context.Context, l net.Listener, grace time.Duration) error {
	srv := &http.Server{Handler: s, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: headerSize}
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		patience, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		// s lets answers end, then ends them; the server waits until they are sent.
		ended <- errors.Join(s.Shutdown(patience), srv.Shutdown(context.Background()))
	})
	err := srv.Serve(l)
	if stop() {
		return err // the listener's, before the end came
	}
	return <-ended
}
