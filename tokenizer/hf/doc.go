// SPDX-License-Identifier: Apache-2.0

// Package hf is a tokenizer.Tokenizer on Hugging Face's own library, through
// github.com/daulet/tokenizers. It is linked only into programs that import it,
// needs cgo and the static library libtokenizers.a, and is there for files that
// package tokenizer refuses and for comparing the two. docs/TOKENIZERS.md says how
// to build the library.
package hf
