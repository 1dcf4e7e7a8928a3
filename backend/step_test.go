// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"errors"
	"fmt"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

func rows(n int) *backend.Batch {
	b := &backend.Batch{}
	b.Append(make([]int32, n), n, []int32{0})
	return b
}

// fill writes a value into all of t, and holds reports whether it is still there.
func fill(t *tensor.Tensor, v float32) {
	for i := range tensor.Slice[float32](t) {
		tensor.Slice[float32](t)[i] = v
	}
}

func holds(t *tensor.Tensor, v float32) bool {
	for _, x := range tensor.Slice[float32](t) {
		if x != v {
			return false
		}
	}
	return true
}

func TestScratchTensorsDoNotOverlap(t *testing.T) {
	s := backend.NewStep(newFake())
	for range 3 { // growing, then from one slab
		s.Begin(rows(1))
		var all []*tensor.Tensor
		for i := range 40 {
			x := s.Tensor(i%7, 1000*(i%5)+1)
			require.Zero(t, x.Offset%64)
			if x.Len() > 0 {
				require.Zero(t, uintptr(unsafe.Pointer(&x.HostBytes()[0]))%4)
			}
			fill(x, float32(i))
			all = append(all, x)
		}
		big := s.Tensor(1 << 20)
		fill(big, -1)
		for i, x := range all {
			require.Equal(t, []int{i % 7, 1000*(i%5) + 1}, x.Shape)
			require.True(t, holds(x, float32(i)), "tensor %d", i)
		}
		require.NoError(t, s.Sync())
	}
}

func TestPassesOfOneSizeAllocateNothing(t *testing.T) {
	f := newFake()
	s := backend.NewStep(f)
	batch := rows(2)
	pass := func() {
		s.Begin(batch)
		for range 10 {
			x := s.Tensor(100, 1000)
			m := s.Mark()
			y := s.Tensor(100, 1000)
			s.Add(x, s.View(y, 100, 1000), s.SliceRows(x, 0, 100))
			s.Release(m)
		}
		f.calls = f.calls[:0]
		if err := s.Sync(); err != nil {
			t.Error(err)
		}
	}
	pass()
	pass()
	before := f.allocs
	require.Zero(t, testing.AllocsPerRun(20, pass))
	require.Equal(t, before, f.allocs)
	require.Len(t, f.live, 1, "slabs are not joined")
	s.Close()
	require.Empty(t, f.live)
	require.Zero(t, s.ScratchBytes())
	s.Close()
}

func TestReleaseReusesMemory(t *testing.T) {
	f := newFake()
	s := backend.NewStep(f)
	s.Begin(rows(1))
	keep := s.Tensor(10)
	fill(keep, 7)
	m := s.Mark()
	a := s.Tensor(300, 1000) // crosses into another slab
	fill(a, 8)
	s.Release(m)
	b := s.Tensor(10)
	fill(b, 9)
	require.True(t, holds(keep, 7))
	held := s.ScratchBytes()
	for range 100 {
		s.Release(m)
		s.Tensor(300, 1000)
	}
	require.Equal(t, held, s.ScratchBytes())
}

func TestScratchFailureEndsWithThePass(t *testing.T) {
	f := newFake()
	f.budget = 3 << 20
	s := backend.NewStep(f)
	s.Begin(rows(1))
	x := s.Tensor(1, 1000)
	s.Add(x, x, x)
	y := s.Tensor(1<<20, 4)
	require.Equal(t, []int{1 << 20, 4}, y.Shape)
	s.Add(y, y, y)
	s.Add(x, x, x)
	require.Equal(t, []string{"Add"}, f.calls, "operations after the failure ran")
	require.ErrorIs(t, s.Sync(), errMemory)
	require.NoError(t, s.Sync())

	s.Begin(rows(1))
	x = s.Tensor(1, 1000)
	s.Add(x, x, x)
	require.NoError(t, s.Sync())
	require.Equal(t, []string{"Add", "Add"}, f.calls)
}

func TestDeviceFailureComesFirstAndStays(t *testing.T) {
	f := newFake()
	f.budget = 1
	f.failed = errors.New("fake: lost the device")
	s := backend.NewStep(f)
	s.Begin(rows(1))
	s.Tensor(10)
	require.ErrorIs(t, s.Sync(), f.failed)
	s.Begin(rows(1))
	require.ErrorIs(t, s.Sync(), f.failed)
}

func TestViews(t *testing.T) {
	s := backend.NewStep(newFake())
	s.Begin(rows(1))
	x := s.Tensor(4, 6)
	for i := range tensor.Slice[float32](x) {
		tensor.Slice[float32](x)[i] = float32(i)
	}
	v := s.View(x, 4, 3, 2)
	require.Equal(t, []int{4, 3, 2}, v.Shape)
	require.Equal(t, tensor.Slice[float32](x), tensor.Slice[float32](v))
	r := s.SliceRows(x, 1, 2)
	require.Equal(t, []int{2, 6}, r.Shape)
	require.Equal(t, tensor.Slice[float32](x)[6:18], tensor.Slice[float32](r))
	require.Equal(t, []int{4, 6}, x.Shape)
	require.Panics(t, func() { s.View(x, 4, 5) })
	require.Panics(t, func() { s.SliceRows(x, 3, 2) })
	require.Panics(t, func() { s.SliceRows(v, 0, 1) })
}

func TestOperationsReachTheBackend(t *testing.T) {
	f := newFake()
	s := backend.NewStep(f)
	require.Same(t, f, s.Backend())
	batch := rows(3)
	batch.OutputRows = []int32{2}
	s.Begin(batch)
	require.Same(t, batch, s.Batch())
	require.Equal(t, 3, s.Rows())
	f32 := func(shape ...int) *tensor.Tensor { return &tensor.Tensor{DType: tensor.F32, Shape: shape} }
	kv := backend.KV{K: f32(5, 2, 8, 4), V: f32(5, 2, 8, 4)}
	quantized := &tensor.Tensor{DType: tensor.I8, Shape: []int{9, 64},
		Scales: &tensor.Tensor{DType: tensor.F16, Shape: []int{9, 1}}}
	s.Embed(f32(3, 64), quantized)
	s.RMSNorm(f32(3, 64), f32(3, 64), f32(64), 1e-6)
	s.MatMul(f32(3, 9), f32(3, 64), quantized, f32(9))
	s.MatMul(f32(0, 9), f32(0, 64), quantized, nil)
	s.RotaryAppend(f32(3, 6, 4), f32(3, 2, 4), f32(3, 2, 4), f32(3, 4), kv)
	s.Attention(f32(3, 6, 4), f32(3, 6, 4), kv, 1, 0)
	s.SwiGLU(f32(3, 9), f32(3, 9), f32(3, 9))
	s.Add(f32(3, 9), f32(3, 9), f32(3, 9))
	s.SelectRows(f32(1, 9), f32(3, 9))
	require.Equal(t, []string{"Embed", "RMSNorm", "MatMul", "MatMul", "RotaryAppend", "Attention",
		"SwiGLU", "Add", "SelectRows"}, f.calls)
}

// Wrong shapes are backend/backendtest's, which tries them on every backend.
func TestWrongShapeDoesNotReachTheBackend(t *testing.T) {
	f := newFake()
	s := backend.NewStep(f)
	s.Begin(rows(3))
	f32 := func(shape ...int) *tensor.Tensor { return &tensor.Tensor{DType: tensor.F32, Shape: shape} }
	require.PanicsWithValue(t, "backend: Add: b is F32 [2 9], want [3 9]",
		func() { s.Add(f32(3, 9), f32(3, 9), f32(2, 9)) })
	require.PanicsWithValue(t, "backend: RotaryAppend: table is F32 [2 4], want [3 4]", func() {
		kv := backend.KV{K: f32(5, 2, 8, 4), V: f32(5, 2, 8, 4)}
		s.RotaryAppend(f32(3, 6, 4), f32(3, 2, 4), f32(3, 2, 4), f32(2, 4), kv)
	})
	require.Empty(t, f.calls)
}

func TestOpen(t *testing.T) {
	_, err := backend.Open("no such device", backend.Options{})
	require.ErrorIs(t, err, backend.ErrUnavailable)
	require.ErrorContains(t, err, `"no such device" is not linked into this program`)

	var got backend.Options
	open := func(o backend.Options) (backend.Backend, error) {
		got = o
		return newFake(), nil
	}
	name := fmt.Sprintf("fake%d", len(backend.Registered())) // new in every -count
	backend.Register(name, open)
	require.Contains(t, backend.Registered(), name)
	_, err = backend.Open(name, backend.Options{Workers: 3})
	require.NoError(t, err)
	require.Equal(t, 3, got.Workers)
	require.PanicsWithValue(t, "backend: Register: "+name+" is taken", func() { backend.Register(name, open) })
}

func ExampleOpen() {
	_, err := backend.Open("abacus", backend.Options{})
	fmt.Println(errors.Is(err, backend.ErrUnavailable))
	// Output: true
}

func ExampleStep() {
	var b backend.Backend = newFake() // backend.Open("cpu", backend.Options{})
	s := backend.NewStep(b)
	defer s.Close()

	batch := &backend.Batch{}
	batch.Append([]int32{5, 6, 7}, 3, []int32{0})
	s.Begin(batch)
	x := s.Tensor(s.Rows(), 64)
	s.Add(x, x, x)
	fmt.Println(x.Shape, s.Sync())
	// Output: [3 64] <nil>
}
