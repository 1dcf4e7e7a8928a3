// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"context"
	"fmt"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/checkpoint"
	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/model"
)

// MemoryPlan says what a model takes, in bytes. On the CPU weights are mapped
// files, and KV and Scratch are reserved and taken as they are first used.
type MemoryPlan struct {
	Weights int64 // in the checkpoint's types, tables included
	KV      int64 // the KV cache, full
	Scratch int64 // activations and logits of the largest step

	KVTokens      int // positions the KV cache holds
	ContextLength int // tokens of one context
}

// Total returns the sum of the parts.
func (p MemoryPlan) Total() int64 { return p.Weights + p.KV + p.Scratch }

// String returns the parts in GB of 10⁹ bytes.
func (p MemoryPlan) String() string {
	gb := func(n int64) float64 { return float64(n) / 1e9 }
	return fmt.Sprintf("weights %.2f GB, KV %.2f GB for %d tokens, scratch %.2f GB",
		gb(p.Weights), gb(p.KV), p.KVTokens, gb(p.Scratch))
}

// MemoryError says that a model does not fit into the memory of its device. Load
// finds out before it reads the weights. WithKVBudget, WithContext and WithWeights
// change what is planned.
type MemoryError struct {
	Backend string
	Plan    MemoryPlan
	Free    int64 // bytes of the device's memory
}

// Error returns the bytes of each part beside those that are free.
func (e *MemoryError) Error() string {
	p := e.Plan
	return fmt.Sprintf("zen: %s has %d bytes free, the model takes %d: weights %d, KV %d for %d tokens, scratch %d",
		e.Backend, e.Free, p.Total(), p.Weights, p.KV, p.KVTokens, p.Scratch)
}

// fits returns a *MemoryError when the plan exceeds a device's free memory. Host
// memory is the system's to give.
func (m *Model) fits() error {
	meter, ok := m.backend.(backend.MemoryMeter)
	if !ok {
		return nil
	}
	free, err := meter.FreeMemory()
	if err == nil && m.plan.Total() > free {
		err = &MemoryError{Backend: m.options.backend, Plan: m.plan, Free: free}
	}
	return err
}

// Plan returns what Load would take with the same options, without reading the
// weights or opening the backend. Its errors are Load's.
func Plan(ctx context.Context, path string, opts ...Option) (plan MemoryPlan, err error) {
	o, err := newOptions(opts)
	if err != nil {
		return plan, err
	}
	if err := ctx.Err(); err != nil {
		return plan, err
	}
	m := &Model{options: o}
	if m.checkpoint, err = checkpoint.Open(path); err == nil {
		_, _, err = m.describe()
		m.checkpoint.Close()
	}
	if err != nil {
		return plan, &LoadError{Path: path, Err: err}
	}
	return m.plan, nil
}

func (o *options) plan(cfg *model.Config, weights int64, context int) (MemoryPlan, error) {
	shape, pages, err := o.cache(cfg, context)
	if err != nil {
		return MemoryPlan{}, err
	}
	rows := max(o.prefillTokens, o.maxActive)
	return MemoryPlan{
		Weights:       weights,
		KV:            int64(pages) * int64(shape.PageBytes()),
		Scratch:       scratchBytes(cfg, rows, logitRows(o.backend)),
		KVTokens:      pages * kvcache.PageSize,
		ContextLength: min(context, pages*kvcache.PageSize),
	}, nil
}

// scratchBytes bounds the activations of a step of that many rows: those of the
// widest layer, which the next one reuses, and the logits of the rows that are
// computed at once, logitRows on the device and as many as go to the host.
func scratchBytes(cfg *model.Config, rows, logitRows int) int64 {
	heads := cfg.NumAttentionHeads * cfg.HeadDim
	kvHeads := cfg.NumKeyValueHeads * cfg.HeadDim
	attention := 2*cfg.HiddenSize + 2*heads + 2*kvHeads
	layer := attention + 2*cfg.HiddenSize + 2*cfg.IntermediateSize
	perRow := 4*cfg.HiddenSize + layer // of them one on the host, for Embed
	logits := (engine.LogitRows + logitRows) * cfg.VocabSize
	return 4 * (int64(rows)*int64(perRow) + int64(logits))
}

// logitRows returns the most rows whose logits are computed at once.
func logitRows(backend string) int {
	if backend == "cpu" {
		return engine.LogitRows
	}
	return engine.SiftedRows
}
