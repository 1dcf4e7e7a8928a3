// SPDX-License-Identifier: Apache-2.0

// Package tokenizer turns text into token ids and back, in pure Go, exactly as Hugging Face's
// Rust library does for the same tokenizer.json, and renders conversations for chat models.
//
// [Parse] reads a tokenizer.json whose model is BPE: Qwen2 to Qwen3, Llama-3, GPT-2, SmolLM,
// Mistral, Phi-3, Gemma-3 and their kin. What it does not implement it refuses by name.
//
// Text from users is never read as control tokens: [Tokenizer] encodes a special token's name as
// plain text, and [Chat] inserts control tokens as ids.
package tokenizer
