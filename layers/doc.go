// SPDX-License-Identifier: Apache-2.0

// Package layers holds the parts of a decoder that have weights and nothing
// else: each is a struct of weights with one Forward. Weights come from
// backend.Backend.Weight; results are scratch tensors of the step.
package layers
