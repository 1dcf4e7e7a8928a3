// SPDX-License-Identifier: Apache-2.0

// Package zen runs Zen-1-Instruct and the decoder-only models of its family
// inside a Go program: no daemon, no port, no shared library, no download.
//
//	m, err := zen.Load(ctx, "path/to/Zen-1-Instruct")
//	if err != nil {
//		return err
//	}
//	defer m.Close()
//
//	resp, err := m.Generate(ctx, zen.Request{
//		Messages: []zen.Message{
//			zen.System("You are a helpful assistant."),
//			zen.User("Your question here"),
//		},
//		Temperature: new(0.7),
//		MaxTokens:   2048,
//	})
//
// A checkpoint is a Hugging Face folder: config.json, model.safetensors or its
// shards, tokenizer.json, and where present generation_config.json and
// tokenizer_config.json. Package nano holds a small model that needs no folder,
// package zentest models for tests.
//
// # Concurrency
//
// A Model is safe for concurrent use. One goroutine of its own runs all requests
// in steps that they share. Sessions, requests' samplers and streams are each for
// one goroutine at a time.
//
// # Determinism
//
// On the CPU the tokens of a request depend on the weights, the request and its
// seed alone: not on other requests, on how its prompt was cut into steps, or on
// the number of workers.
//
// # Memory
//
// Weights of a folder are mapped: they share the page cache with other processes
// and are never copied onto the Go heap. The KV cache has a fixed budget, see
// WithKVBudget. Model.MemoryPlan and Plan say the bytes.
package zen
