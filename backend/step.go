// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"slices"

	"github.com/zenlm/zen/tensor"
)

// A Step is one forward pass: a backend, the batch, and scratch tensors that
// live until the next Begin. Its operations are the Backend's, with operands
// checked first. A Step is used by one goroutine at a time.
type Step struct {
	backend  Backend
	fuser    Fuser     // the backend, or nil
	grouper  Grouper   // likewise
	products []Product // that a grouper is given
	batch    *Batch
	err      error
	arena    arena
}

// NewStep returns a step without a batch; Begin gives it one.
func NewStep(b Backend) *Step {
	fuser, _ := b.(Fuser)
	grouper, _ := b.(Grouper)
	return &Step{backend: b, fuser: fuser, grouper: grouper, arena: arena{backend: b}}
}

// Backend returns the backend the step runs on.
func (s *Step) Backend() Backend { return s.backend }

// Batch returns the batch of the pass.
func (s *Step) Batch() *Batch { return s.batch }

// Rows returns the number of rows of the batch.
func (s *Step) Rows() int { return len(s.batch.Tokens) }

// Begin ends the life of all scratch tensors and starts a pass over b, which
// must be valid and stay unchanged until Sync.
func (s *Step) Begin(b *Batch) {
	s.batch = b
	s.arena.reset()
	s.backend.Begin(b)
}

// Follow is Begin of the pass after one that ended with a search for the largest elements,
// before its Sync: see Follower. b is another batch than that one's.
func (s *Step) Follow(f Follower, b *Batch) {
	s.batch = b
	s.arena.reset()
	f.Follow(b)
}

// Sync waits for the pass and returns its first failure. A failure to find
// scratch memory ends with the pass; a failure of the device stays.
func (s *Step) Sync() error {
	err := s.backend.Sync()
	if err == nil {
		err = s.err
	}
	s.err = nil
	return err
}

// ScratchBytes returns the bytes of scratch memory held.
func (s *Step) ScratchBytes() int { return s.arena.bytes() }

// Close frees the scratch memory.
func (s *Step) Close() { s.arena.free() }

// Tensor returns an uninitialised F32 scratch tensor. It lives until the next
// Begin, or until Release of an earlier Mark.
func (s *Step) Tensor(shape ...int) *tensor.Tensor {
	t, err := s.arena.tensor(shape)
	if err != nil && s.err == nil {
		s.err = err
	}
	return t
}

// View returns t's elements under another shape with as many elements. It lives
// as long as t and no longer than a tensor made now.
func (s *Step) View(t *tensor.Tensor, shape ...int) *tensor.Tensor {
	if tensor.Elements(shape) != t.Len() {
		wrong("View", "tensor", t, shape)
	}
	v := s.arena.next()
	v.Tensor = *t
	v.Shape = append(v.dims[:0], shape...)
	return &v.Tensor
}

// SliceRows returns the view of n rows of t from start on, which lives as View's.
//
//	t       [rows, columns]
//	result  [n, columns]; same memory
func (s *Step) SliceRows(t *tensor.Tensor, start, n int) *tensor.Tensor {
	if len(t.Shape) != 2 || start < 0 || n < 0 || start > t.Dim(0)-n {
		wrong("SliceRows", "tensor", t, []int{start + n, -1})
	}
	v := s.arena.next()
	v.Tensor = *t
	v.Shape = append(v.dims[:0], n, t.Dim(1))
	v.Offset += start * t.Dim(1) * t.DType.Size()
	return &v.Tensor
}

// Mark returns a point for Release.
func (s *Step) Mark() Mark { return s.arena.mark() }

// Release ends the life of the scratch tensors made since m. Operations already
// given to the device may still use them.
func (s *Step) Release(m Mark) { s.arena.release(m) }

// Failed reports whether scratch memory ran out: what follows would compute on nothing, and
// is not done. Sync returns why.
func (s *Step) Failed() bool { return s.err != nil }

// Mark is a point in a step's scratch memory.
type Mark struct{ slab, used, tensors int }

const (
	slabBytes = 1 << 20
	alignment = 64 // bytes: a cache line, the widest vector
)

// arena is a stack of scratch tensors in a few slabs of device memory. Slabs
// grow while a pass runs and are joined into one when the next begins, so that
// passes of the same size allocate nothing.
type arena struct {
	backend Backend
	slabs   []*tensor.Tensor // F32
	slab    int              // index of the slab in use
	used    int              // bytes used of it
	tensors []*scratch
	count   int // tensors in use
}

type scratch struct {
	tensor.Tensor
	dims [4]int
}

func (a *arena) mark() Mark { return Mark{a.slab, a.used, a.count} }

func (a *arena) release(m Mark) { a.slab, a.used, a.count = m.slab, m.used, m.tensors }

func (a *arena) bytes() (n int) {
	for _, s := range a.slabs {
		n += s.Bytes()
	}
	return n
}

func (a *arena) free() {
	for _, s := range a.slabs {
		a.backend.Free(s)
	}
	a.slabs = nil
	a.release(Mark{})
}

func (a *arena) reset() {
	if len(a.slabs) > 1 {
		total := a.bytes()
		a.free()
		// A failure shows when a tensor is asked for.
		if s, err := a.backend.Alloc(tensor.F32, total/4); err == nil {
			a.slabs = append(a.slabs, s)
		}
	}
	a.release(Mark{})
}

func (a *arena) tensor(shape []int) (*tensor.Tensor, error) {
	t := a.next()
	t.Tensor = tensor.Tensor{DType: tensor.F32, Shape: append(t.dims[:0], shape...)}
	bytes := (t.Bytes() + alignment - 1) &^ (alignment - 1)
	if err := a.fit(bytes); err != nil {
		return &t.Tensor, err
	}
	slab := a.slabs[a.slab]
	t.Storage, t.Offset = slab.Storage, slab.Offset+a.used
	a.used += bytes
	return &t.Tensor, nil
}

// next returns the struct of the next tensor in use.
func (a *arena) next() *scratch {
	if a.count == len(a.tensors) {
		a.tensors = append(a.tensors, new(scratch))
	}
	a.count++
	return a.tensors[a.count-1]
}

// fit moves to the first slab from here on with room for bytes, and adds one
// where there is none.
func (a *arena) fit(bytes int) error {
	for ; a.slab < len(a.slabs); a.slab, a.used = a.slab+1, 0 {
		if a.used+bytes <= a.slabs[a.slab].Bytes() {
			return nil
		}
	}
	slab, err := a.backend.Alloc(tensor.F32, max(bytes, slabBytes)/4)
	if err != nil {
		return err
	}
	a.slabs = append(slices.Clip(a.slabs), slab)
	return nil
}
