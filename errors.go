// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"errors"
	"fmt"

	"github.com/zenlm/zen/checkpoint"
	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/model"
	"github.com/zenlm/zen/sampling"
	"github.com/zenlm/zen/tokenizer"
)

// Errors of Load and Plan.
var (
	// ErrUnsupported is matched when a checkpoint or a request asks for what this
	// version does not do. The text names it.
	ErrUnsupported = errors.New("zen: unsupported")

	// ErrCorruptModel is matched when a checkpoint's files contradict themselves
	// or each other.
	ErrCorruptModel = errors.New("zen: corrupt model")
)

// Errors of requests.
var (
	// ErrInvalidRequest is matched by a *RequestError.
	ErrInvalidRequest = errors.New("zen: invalid request")

	// ErrContextLength is matched by a *ContextLengthError.
	ErrContextLength = errors.New("zen: prompt exceeds the context")

	// ErrOverloaded is matched when the queue is full or the KV cache has no
	// free page. The same request may succeed later.
	ErrOverloaded = engine.ErrOverloaded

	// ErrClosed is matched when the model or session is closed, also by requests
	// that Close ended.
	ErrClosed = engine.ErrClosed

	// ErrNonFinite is matched when the model computed NaN or infinite logits,
	// as it does with NaN among its weights.
	ErrNonFinite = sampling.ErrNonFinite

	// ErrPanic is matched when a request ended in a panic: of a Sampler or
	// LogitProcessor of the caller's, or of zen itself.
	ErrPanic = engine.ErrPanic
)

// LoadError says which checkpoint could not be loaded. It matches ErrUnsupported
// or ErrCorruptModel where that is the reason, and what Err matches.
type LoadError struct {
	Path string
	Err  error
}

// Error returns the path and the reason.
func (e *LoadError) Error() string { return fmt.Sprintf("zen: load %s: %v", e.Path, e.Err) }

// Unwrap returns the reason.
func (e *LoadError) Unwrap() error { return e.Err }

// Is reports whether target is the kind of error this one is.
func (e *LoadError) Is(target error) bool {
	switch target {
	case ErrUnsupported:
		return isAny(e.Err, model.ErrUnsupported, tokenizer.ErrUnsupported)
	case ErrCorruptModel:
		return isAny(e.Err, checkpoint.ErrCorrupt, model.ErrConfig, model.ErrWeights, tokenizer.ErrFormat)
	}
	return false
}

// RequestError says what is wrong with a request. It matches ErrInvalidRequest.
type RequestError struct {
	Field string // the JSON key
	Err   error
}

// Error returns the key and the reason.
func (e *RequestError) Error() string {
	return fmt.Sprintf("zen: invalid request: %s: %v", e.Field, e.Err)
}

// Unwrap returns the reason.
func (e *RequestError) Unwrap() error { return e.Err }

// Is reports whether target is ErrInvalidRequest.
func (e *RequestError) Is(target error) bool { return target == ErrInvalidRequest }

// ContextLengthError says by how much a prompt is too long: at least one position
// must be left for the answer. It matches ErrContextLength. The units are tokens.
type ContextLengthError struct {
	PromptTokens  int
	ContextLength int
}

// Error returns both counts.
func (e *ContextLengthError) Error() string {
	return fmt.Sprintf("%v: the prompt has %d tokens, the context %d", ErrContextLength, e.PromptTokens, e.ContextLength)
}

// Is reports whether target is ErrContextLength.
func (e *ContextLengthError) Is(target error) bool { return target == ErrContextLength }

func invalid(field, format string, args ...any) error {
	return &RequestError{Field: field, Err: fmt.Errorf(format, args...)}
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
