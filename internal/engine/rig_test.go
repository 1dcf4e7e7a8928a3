// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu"
	"github.com/zenlm/zen/internal/engine"
	"github.com/zenlm/zen/kvcache"
	"github.com/zenlm/zen/model"
	"github.com/zenlm/zen/tensor"
)

// counter is a model whose next token is the latest plus one. Its hidden state is
// the token.
type counter struct {
	config model.Config
	steps  []stepped
	onStep func(n int) // called with the number of the step
	fail   string      // what Hidden panics with
	quiet  bool        // keep no steps

	resolve func(token int32) int32 // what a batch's token stands for, or nil

	value float32   // one hidden state
	row   []float32 // [1, vocab]
}

// stepped is what a step computed.
type stepped struct {
	rows      int
	sequences []backend.Sequence
}

func (c *counter) Config() *model.Config { return &c.config }

func (c *counter) Hidden(s *backend.Step, _ *kvcache.Cache) *tensor.Tensor {
	if c.fail != "" {
		panic(c.fail)
	}
	b := s.Batch()
	if !c.quiet {
		c.steps = append(c.steps, stepped{b.Rows(), append([]backend.Sequence(nil), b.Sequences...)})
	}
	if c.onStep != nil {
		c.onStep(len(c.steps))
	}
	out := s.Tensor(len(b.OutputRows), 1)
	for i, row := range b.OutputRows {
		token := b.Tokens[row]
		if c.resolve != nil {
			token = c.resolve(token)
		}
		c.value = float32(token)
		s.Backend().Upload(s.SliceRows(out, i, 1), (*[4]byte)(unsafe.Pointer(&c.value))[:])
	}
	return out
}

func (c *counter) Logits(s *backend.Step, hidden *tensor.Tensor) *tensor.Tensor {
	vocab := c.config.VocabSize
	out := s.Tensor(hidden.Dim(0), vocab)
	for i := range hidden.Dim(0) {
		s.Backend().Download((*[4]byte)(unsafe.Pointer(&c.value))[:], s.SliceRows(hidden, i, 1))
		clear(c.row)
		c.row[(int(c.value)+1)%vocab] = 1
		raw := unsafe.Slice((*byte)(unsafe.Pointer(&c.row[0])), 4*vocab)
		s.Backend().Upload(s.SliceRows(out, i, 1), raw)
	}
	return out
}

// rig is an engine over a counter.
type rig struct {
	engine  *engine.Engine
	model   *counter
	stopped chan struct{} // closed when stopInStep's step has begun
}

func newRig(t *testing.T, pages int, c engine.Config) *rig {
	t.Helper()
	return newRigOf(t, 64, pages, c)
}

func newRigOf(t *testing.T, vocab, pages int, c engine.Config) *rig {
	t.Helper()
	b, err := cpu.New(cpu.Options{Workers: 1})
	require.NoError(t, err)
	return newRigOn(t, b, vocab, pages, c)
}

func newRigOn(t *testing.T, b backend.Backend, vocab, pages int, c engine.Config) *rig {
	t.Helper()
	cache, err := kvcache.New(b, kvcache.Shape{Layers: 1, KVHeads: 1, HeadDim: 2, DType: tensor.F32}, pages)
	require.NoError(t, err)
	m := &counter{config: model.Config{VocabSize: vocab}, row: make([]float32, vocab)}
	c.Model, c.Backend, c.Cache = m, b, cache
	r := &rig{engine.New(c), m, make(chan struct{})}
	t.Cleanup(func() {
		r.engine.Close()
		cache.Close()
		require.NoError(t, b.Close())
	})
	return r
}

// pause stops the engine between two steps until release is called.
func (r *rig) pause() (release func()) {
	paused, resume := make(chan struct{}), make(chan struct{})
	go func() {
		_ = r.engine.Call(func(*kvcache.Cache) error {
			close(paused)
			<-resume
			return nil
		})
	}()
	<-paused
	return func() { close(resume) }
}

// stopInStep stops the engine in its nth step until resume is called. It is called
// before the first task.
func (r *rig) stopInStep(n int) (resume func()) {
	gate := make(chan struct{})
	r.model.onStep = func(step int) {
		switch {
		case step == n:
			close(r.stopped)
			<-gate
		case step > n: // so that an endless task does not fill the cache before the test goes on
			time.Sleep(time.Millisecond)
		}
	}
	return func() { close(gate) }
}

// sequence returns an empty sequence.
func (r *rig) sequence(t *testing.T) (q *kvcache.Sequence) {
	t.Helper()
	require.NoError(t, r.engine.Call(func(c *kvcache.Cache) error {
		q = c.NewSequence()
		return nil
	}))
	return q
}

// hold takes n positions of the cache until release is called.
func (r *rig) hold(t *testing.T, n int) (release func()) {
	t.Helper()
	q := r.sequence(t)
	require.NoError(t, r.engine.Append(q, n))
	return func() {
		require.NoError(t, r.engine.Call(func(*kvcache.Cache) error {
			q.Close()
			return nil
		}))
	}
}
