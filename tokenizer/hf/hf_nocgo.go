// SPDX-License-Identifier: Apache-2.0

//go:build !cgo

package hf

import (
	"errors"

	"github.com/zenlm/zen/tokenizer"
)

// Parse fails: the library needs cgo.
func Parse([]byte) (*Tokenizer, error) {
	return nil, errors.New("hf: this program was built without cgo")
}

// Tokenizer is a tokenizer.Tokenizer in programs built with cgo.
type Tokenizer struct{ tokenizer.Tokenizer }

// Close does nothing.
func (*Tokenizer) Close() error { return nil }
