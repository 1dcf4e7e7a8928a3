// SPDX-License-Identifier: Apache-2.0

// Package engine runs the tasks of many callers on one backend. Callers queue
// tasks; the engine's goroutine, which alone touches the backend, the model and
// the cache, forms a ragged batch of the active ones, runs a step, and hands each
// task the logits it asked for.
package engine
