// SPDX-License-Identifier: Apache-2.0

// Command server offers zen-nano, or the checkpoint in a folder, over HTTP in the
// forms of OpenAI's API. Ctrl-C lets running answers end; a second one does not.
package main

import (
	"context"
	"flag"
	"log"
	"net"
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
	if err := run(ctx, stop, *addr, *path); err != nil {
		log.Fatal(err)
	}
}

// run loads the model and serves it until ctx is done.
func run(ctx context.Context, stop func(), addr, path string) error {
	load, name := nano.Load, "zen-nano"
	if path != "" {
		load = func(ctx context.Context, opts ...zen.Option) (*zen.Model, error) { return zen.Load(ctx, path, opts...) }
		name = filepath.Base(path)
	}
	m, err := load(ctx)
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
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second, // for clients that send a header byte by byte
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	log.Printf("%s at http://%s/v1", name, listener.Addr())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		stop()
	}
	grace, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := h.Shutdown(grace); err != nil { // lets answers end, then ends them
		log.Printf("ended requests: %v", err)
	}
	return srv.Shutdown(context.Background())
	// end: serve
}
