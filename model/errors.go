// SPDX-License-Identifier: Apache-2.0

package model

import "errors"

// Errors of a checkpoint that does not make a model.
var (
	// ErrUnsupported is matched when the checkpoint asks for what this package
	// does not implement.
	ErrUnsupported = errors.New("model: unsupported")

	// ErrWeights is matched when tensors are missing, unknown or of a wrong
	// shape or type.
	ErrWeights = errors.New("model: wrong weights")
)
