// SPDX-License-Identifier: Apache-2.0

// Command embedfs loads the same checkpoint from three places that are no folder
// of the operating system: files embedded in the program, a zip archive, and a
// folder that cannot be left through links.
package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log"
	"os"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
)

func main() {
	embedded := nano.FS() // an embed.FS of its own would do
	report("embed", embedded)

	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	check(w.AddFS(embedded))
	check(w.Close())
	zipped, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	check(err)
	report("zip", zipped)

	dir, err := os.MkdirTemp("", "embedfs")
	check(err)
	defer os.RemoveAll(dir)
	check(os.CopyFS(dir, embedded))
	root, err := os.OpenRoot(dir)
	check(err)
	defer root.Close()
	report("root", root.FS())
}

// report loads the checkpoint at the root of fsys and prints an answer.
func report(name string, fsys fs.FS) {
	ctx := context.Background()
	m, err := zen.LoadFS(ctx, fsys, ".")
	check(err)
	defer m.Close()
	resp, err := m.Generate(ctx, zen.Request{
		Messages:    []zen.Message{zen.User("What is the capital of Japan?")},
		Temperature: zen.Greedy(),
	})
	check(err)
	fmt.Printf("%-6s %s\n", name, resp.Text)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
