// SPDX-License-Identifier: Apache-2.0

// Command server offers zen-nano, or the checkpoint in a folder, over HTTP in the
// forms of OpenAI's API. Ctrl-C lets running answers end; a second one does not.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/server"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "where to listen")
	path := flag.String("model", "", "folder of a checkpoint, instead of zen-nano")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop)
	if err := run(ctx, *addr, *path); err != nil {
		log.Fatal(err)
	}
}

// run loads the model and serves it until ctx is done.
func run(ctx context.Context, addr, path string) error {
	m, name, err := load(ctx, path)
	if err != nil {
		return err
	}
	defer m.Close()
	// snippet: serve
	h, err := server.Handler(m, server.WithModel(name))
	if err != nil {
		return err
	}
	srv := &http.Server{
		Addr: addr, Handler: h, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: 10 * time.Second, // for clients that send a header byte by byte
	}
	ended := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		// The handler lets answers end, then ends them; the server waits for that.
		ended <- errors.Join(h.Shutdown(grace), srv.Shutdown(context.Background()))
	})
	log.Printf("%s at http://%s/v1", name, addr)
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
	// end: serve
}

func load(ctx context.Context, path string) (m *zen.Model, name string, err error) {
	if path == "" {
		m, err = nano.Load(ctx)
		return m, "zen-nano", err
	}
	m, err = zen.Load(ctx, path)
	return m, filepath.Base(path), err
}
