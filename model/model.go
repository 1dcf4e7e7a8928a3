// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/tensor"
)

// Model is a decoder: it turns the rows of a step's batch into hidden states,
// and hidden states into logits. It is used by one goroutine at a time.
type Model interface {
	// Config returns the configuration the model was built from.
	Config() *Config

	// Hidden runs the decoder over the step's batch, appends its keys and values
	// to the cache, and returns the normalised last hidden states of the
	// batch's output rows.
	//
	//	result  [outputRows, hidden]
	Hidden(s *backend.Step, cache *kvcache.Cache) *tensor.Tensor

	// Logits returns the unnormalised log-probabilities of the next token.
	//
	//	hidden  [rows, hidden]
	//	result  [rows, vocab]
	Logits(s *backend.Step, hidden *tensor.Tensor) *tensor.Tensor
}

// Architecture builds a model of cfg whose weights it binds by name. Bindings
// that fail are kept in w; the model is usable once w.Load has succeeded.
type Architecture func(cfg *Config, w *Weights) Model

var registry = struct {
	sync.Mutex
	architectures map[string]Architecture
}{architectures: map[string]Architecture{}}

// Register makes an architecture known under the name config.json's
// "architectures" gives it. It is called from the init function of the
// architecture's package and panics when the name is taken.
func Register(name string, a Architecture) {
	registry.Lock()
	defer registry.Unlock()
	if _, taken := registry.architectures[name]; taken {
		panic("model: Register: " + name + " is taken")
	}
	registry.architectures[name] = a
}

// New builds the model that cfg describes and binds its weights. The error lists
// every missing, unknown or misshapen tensor.
func New(cfg *Config, w *Weights) (Model, error) {
	registry.Lock()
	build := registry.architectures[cfg.Architecture]
	known := slices.Sorted(maps.Keys(registry.architectures))
	registry.Unlock()
	if build == nil {
		return nil, fmt.Errorf("%w: architectures %q, have %q", ErrUnsupported, cfg.Architecture, known)
	}
	m := build(cfg, w)
	return m, w.check()
}

// CacheShape returns what one position of the model's cache holds.
func (c *Config) CacheShape(dtype tensor.DType) kvcache.Shape {
	return kvcache.Shape{
		Layers: c.NumHiddenLayers, KVHeads: c.NumKeyValueHeads, HeadDim: c.HeadDim, DType: dtype,
	}
}
