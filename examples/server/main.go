// SPDX-License-Identifier: Apache-2.0

// Command server offers zen-nano, or the checkpoint in a folder, over HTTP in the
// forms of OpenAI's API. Ctrl-C lets running answers end; a second one does not.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/server"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "where to listen")
	path := flag.String("model", "", "folder of a checkpoint, instead of zen-nano")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // the second Ctrl-C
	if err := run(ctx, *addr, *path); err != nil {
		log.Fatal(err)
	}
}

// run serves the model until ctx is done.
func run(ctx context.Context, addr, path string) error {
	name, load := "zen-nano", nano.Load
	if path != "" {
		name = filepath.Base(path)
		load = func(ctx context.Context, opts ...zen.Option) (*zen.Model, error) { return zen.Load(ctx, path, opts...) }
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
	log.Printf("%s at http://%s/v1", name, addr)
	return h.ListenAndServe(ctx, addr)
	// end: serve
}
