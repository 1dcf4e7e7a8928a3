// SPDX-License-Identifier: Apache-2.0

//go:build cgo && hf_tokenizers

package main

import "github.com/zenlm/zen/tokenizer/hf"

func init() {
	engines["rust-cgo"] = func(data []byte) (encoder, error) {
		t, err := hf.Parse(data)
		if err != nil {
			return nil, err
		}
		return t.Encode, nil
	}
}
