// SPDX-License-Identifier: Apache-2.0

// Command rag answers questions from documents: it cuts them into chunks, keeps the
// chunks' embeddings in chromem-go, finds those nearest to the question, and has the
// model answer from them, with the sources.
//
//	cd examples/rag && go run .
//	go run . -docs path/to/texts -model path/to/Qwen2.5-3B-Instruct "Who is the captain?"
package main

import (
	"context"
	"embed"
	"flag"
	"io/fs"
	"log"
	"os"
	"strings"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
)

//go:embed docs
var samples embed.FS

func main() {
	docs := flag.String("docs", "", "folder of text files, instead of three short ones")
	path := flag.String("model", "", "folder of a checkpoint, instead of zen-nano")
	flag.Parse()
	question := "Who is the captain?"
	if flag.NArg() > 0 {
		question = strings.Join(flag.Args(), " ")
	}
	var texts fs.FS = samples
	if *docs != "" {
		texts = os.DirFS(*docs)
	}
	ctx := context.Background()
	load := nano.Load
	if *path != "" {
		load = func(ctx context.Context, opts ...zen.Option) (*zen.Model, error) {
			return zen.Load(ctx, *path, opts...)
		}
	}
	m, err := load(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	store, err := index(ctx, m, texts)
	if err != nil {
		log.Fatal(err)
	}
	if err := answer(ctx, os.Stdout, m, store, question); err != nil {
		log.Fatal(err)
	}
}
