// SPDX-License-Identifier: Apache-2.0

// Package nano holds zen-nano, a trained model of seven million parameters that
// travels inside the program: for a first try, for demonstrations, and for tests
// of a program that uses zen.
//
// It follows instructions of the kinds it was taught, such as small sums, short
// stories, well-known facts and values to find in a passage, and says so when it
// does not know. It is no assistant. A program that imports this package is eight
// megabytes larger.
package nano

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/zenlm/zen"
)

//go:embed model/config.json model/generation_config.json model/model.safetensors
//go:embed model/tokenizer.json model/tokenizer_config.json
var files embed.FS

// Load readies zen-nano for requests. It reads no file. The caller closes the
// model. Its errors are zen.LoadFS's.
func Load(ctx context.Context, opts ...zen.Option) (*zen.Model, error) {
	return zen.LoadFS(ctx, files, "model", opts...)
}

// FS returns the checkpoint's files, a Hugging Face folder, with config.json at
// its root.
func FS() fs.FS {
	sub, err := fs.Sub(files, "model")
	if err != nil { // only for a name that is no path
		panic(fmt.Sprintf("nano: %v", err))
	}
	return sub
}
