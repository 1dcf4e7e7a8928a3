// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"errors"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// fake counts what a Step asks of a backend. Its memory is the host's.
type fake struct {
	backend.Backend // operations that a test does not expect panic

	calls  []string
	live   map[*tensor.Tensor]int // bytes
	allocs int
	budget int // bytes that may be live, 0 for no limit
	failed error
}

func newFake() *fake { return &fake{live: map[*tensor.Tensor]int{}} }

var errMemory = errors.New("fake: out of memory")

func (f *fake) Alloc(dtype tensor.DType, shape ...int) (*tensor.Tensor, error) {
	t := &tensor.Tensor{DType: dtype, Shape: append([]int(nil), shape...)}
	held := t.Bytes()
	for _, n := range f.live {
		held += n
	}
	if f.budget > 0 && held > f.budget {
		return nil, errMemory
	}
	f.allocs++
	f.live[t] = t.Bytes()
	t.Storage = make(tensor.Memory, t.Bytes())
	return t, nil
}

func (f *fake) Free(t *tensor.Tensor) {
	if _, ok := f.live[t]; !ok {
		panic("fake: free of what is not live")
	}
	delete(f.live, t)
}

func (f *fake) Begin(*backend.Batch) {}
func (f *fake) Sync() error          { return f.failed }

func (f *fake) Embed(_, _ *tensor.Tensor)                 { f.calls = append(f.calls, "Embed") }
func (f *fake) RMSNorm(_, _, _ *tensor.Tensor, _ float32) { f.calls = append(f.calls, "RMSNorm") }
func (f *fake) MatMul(_, _, _, _ *tensor.Tensor)          { f.calls = append(f.calls, "MatMul") }
func (f *fake) RotaryAppend(_, _, _, _ *tensor.Tensor, _ backend.KV) {
	f.calls = append(f.calls, "RotaryAppend")
}
func (f *fake) Attention(_, _ *tensor.Tensor, _ backend.KV, _ float32, _ int) {
	f.calls = append(f.calls, "Attention")
}
func (f *fake) SwiGLU(_, _, _ *tensor.Tensor)  { f.calls = append(f.calls, "SwiGLU") }
func (f *fake) Add(_, _, _ *tensor.Tensor)     { f.calls = append(f.calls, "Add") }
func (f *fake) SelectRows(_, _ *tensor.Tensor) { f.calls = append(f.calls, "SelectRows") }
