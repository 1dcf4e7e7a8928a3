// SPDX-License-Identifier: Apache-2.0

package zentest

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/zenlm/zen"
)

// Model returns zen-pico, ready for requests. The test's Cleanup closes it. An
// option out of range fails the test.
func Model(tb testing.TB, opts ...zen.Option) *zen.Model {
	tb.Helper()
	m, err := zen.LoadFS(tb.Context(), FS(), ".", opts...)
	if err != nil {
		tb.Fatalf("zentest: %v", err)
	}
	tb.Cleanup(func() {
		if err := m.Close(); err != nil {
			tb.Errorf("zentest: close: %v", err)
		}
	})
	return m
}

// FS returns the checkpoint of zen-pico as a folder in memory, for zen.LoadFS
// with the path ".". It is a Qwen2 model of 0.13 million random float32 weights:
//
//	vocab 512, hidden 64, layers 2, heads 2, KV heads 1, head dim 32,
//	intermediate 192, context 512
//
// Tokens are the 256 bytes, beginnings of common English words, and last
// <|endoftext|>, <|im_start|> and <|im_end|>, of which the last ends an answer.
// Every call returns a new folder with the same bytes.
func FS() fs.FS {
	fsys := fstest.MapFS{}
	for name, data := range files() {
		fsys[name] = &fstest.MapFile{Data: data, Mode: 0o444}
	}
	return fsys
}
