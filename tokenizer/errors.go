// SPDX-License-Identifier: Apache-2.0

package tokenizer

import "errors"

// Errors a caller may branch on with [errors.Is]. Every error of this package that stems from a
// file matches exactly one of the first three.
var (
	// ErrFormat marks a tokenizer.json that is damaged: not JSON, or contradicting itself.
	ErrFormat = errors.New("tokenizer: malformed tokenizer.json")
	// ErrUnsupported marks a sound tokenizer.json that asks for something this package lacks.
	ErrUnsupported = errors.New("tokenizer: unsupported tokenizer.json")
	// ErrTemplate marks a chat template that this package does not recognise.
	ErrTemplate = errors.New("tokenizer: unsupported chat template")
	// ErrMessage marks a conversation that the chat template cannot hold.
	ErrMessage = errors.New("tokenizer: invalid conversation")
	// ErrTooLong marks a text longer than [MaxText].
	ErrTooLong = errors.New("tokenizer: text too long")
)
