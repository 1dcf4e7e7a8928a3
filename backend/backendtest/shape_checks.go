// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// misuse is a call with operands of the wrong shape and the text it panics with.
type misuse struct {
	name string
	want string
	call func(s *backend.Step)
}

// of describes a tensor: a wrong call must not get as far as its memory.
func of(dtype tensor.DType, shape ...int) *tensor.Tensor {
	return &tensor.Tensor{DType: dtype, Shape: shape}
}

func f32(shape ...int) *tensor.Tensor { return of(tensor.F32, shape...) }

func quantized(out, in int) *tensor.Tensor {
	t := of(tensor.I8, out, in)
	t.Scales = of(tensor.F16, out, in/tensor.QuantBlock)
	return t
}

// misuses are calls on a batch of 3 rows of which 2 are output rows.
func misuses() []misuse {
	kv := backend.KV{K: of(tensor.F16, 4, 2, 8, 6), V: of(tensor.F16, 4, 2, 8, 6)}
	other := backend.KV{K: kv.K, V: of(tensor.F16, 4, 2, 8, 8)}
	integers := backend.KV{K: of(tensor.I8, 4, 2, 8, 6), V: of(tensor.I8, 4, 2, 8, 6)}
	return []misuse{
		{"Embed of other rows", "backend: Embed: dst is F32 [2 5], want [3 -1]",
			func(s *backend.Step) { s.Embed(f32(2, 5), f32(9, 5)) }},
		{"Embed of another width", "backend: Embed: table is F32 [9 4], want [-1 5]",
			func(s *backend.Step) { s.Embed(f32(3, 5), f32(9, 4)) }},
		{"Embed into another type", "backend: Embed: dst is F16 [3 5], want [3 -1]",
			func(s *backend.Step) { s.Embed(of(tensor.F16, 3, 5), f32(9, 5)) }},
		{"RMSNorm of another width", "backend: RMSNorm: dst is F32 [3 4], want [3 5]",
			func(s *backend.Step) { s.RMSNorm(f32(3, 4), f32(3, 5), f32(5), 0) }},
		{"RMSNorm by another weight", "backend: RMSNorm: weight is F32 [4], want [5]",
			func(s *backend.Step) { s.RMSNorm(f32(3, 5), f32(3, 5), f32(4), 0) }},
		{"RMSNorm by integers", "backend: RMSNorm: weight is I8 [5], want [5]",
			func(s *backend.Step) { s.RMSNorm(f32(3, 5), f32(3, 5), of(tensor.I8, 5), 0) }},
		{"MatMul of a vector", "backend: MatMul: x is F32 [5], want [-1 -1]",
			func(s *backend.Step) { s.MatMul(f32(3, 4), f32(5), f32(4, 5), nil) }},
		{"MatMul of other rows", "backend: MatMul: dst is F32 [2 4], want [3 -1]",
			func(s *backend.Step) { s.MatMul(f32(2, 4), f32(3, 5), f32(4, 5), nil) }},
		{"MatMul of another width", "backend: MatMul: weight is F32 [4 6], want [4 5]",
			func(s *backend.Step) { s.MatMul(f32(3, 4), f32(3, 5), f32(4, 6), nil) }},
		{"MatMul by a transposed weight", "backend: MatMul: weight is F32 [5 4], want [4 5]",
			func(s *backend.Step) { s.MatMul(f32(3, 4), f32(3, 5), f32(5, 4), nil) }},
		{"MatMul by integers without scales", "backend: MatMul: weight is I8 [4 64], want [4 64]",
			func(s *backend.Step) { s.MatMul(f32(3, 4), f32(3, 64), of(tensor.I8, 4, 64), nil) }},
		{"MatMul by part of a block", "backend: MatMul: weight is I8 [4 65], want [4 65]",
			func(s *backend.Step) { s.MatMul(f32(3, 4), f32(3, 65), quantized(4, 65), nil) }},
		{"MatMul with another bias", "backend: MatMul: bias is F32 [5], want [4]",
			func(s *backend.Step) { s.MatMul(f32(3, 4), f32(3, 5), f32(4, 5), f32(5)) }},
		{"RotaryAppend of uneven heads", "backend: RotaryAppend: q is F32 [3 3 6], want [3 -1 6]",
			func(s *backend.Step) { s.RotaryAppend(f32(3, 3, 6), f32(3, 2, 6), f32(3, 2, 6), f32(8, 6), kv) }},
		{"RotaryAppend of another head dim", "backend: RotaryAppend: k is F32 [3 2 4], want [3 2 6]",
			func(s *backend.Step) { s.RotaryAppend(f32(3, 4, 6), f32(3, 2, 4), f32(3, 2, 6), f32(8, 6), kv) }},
		{"RotaryAppend of other rows", "backend: RotaryAppend: v is F32 [2 2 6], want [3 2 6]",
			func(s *backend.Step) { s.RotaryAppend(f32(3, 4, 6), f32(3, 2, 6), f32(2, 2, 6), f32(8, 6), kv) }},
		{"RotaryAppend by another table", "backend: RotaryAppend: table is F32 [8 5], want [-1 6]",
			func(s *backend.Step) { s.RotaryAppend(f32(3, 4, 6), f32(3, 2, 6), f32(3, 2, 6), f32(8, 5), kv) }},
		{"RotaryAppend past the table", "backend: RotaryAppend: table is F32 [2 6], want [3 6]",
			func(s *backend.Step) { s.RotaryAppend(f32(3, 4, 6), f32(3, 2, 6), f32(3, 2, 6), f32(2, 6), kv) }},
		{"RotaryAppend into unlike caches", "backend: RotaryAppend: kv is F16 [4 2 8 6], want [4 2 8 8]",
			func(s *backend.Step) { s.RotaryAppend(f32(3, 4, 6), f32(3, 2, 6), f32(3, 2, 6), f32(8, 6), other) }},
		{"Attention of another head dim", "backend: Attention: q is F32 [3 4 8], want [3 -1 6]",
			func(s *backend.Step) { s.Attention(f32(3, 4, 8), f32(3, 4, 8), kv, 1, 0) }},
		{"Attention of other heads", "backend: Attention: dst is F32 [3 2 6], want [3 4 6]",
			func(s *backend.Step) { s.Attention(f32(3, 2, 6), f32(3, 4, 6), kv, 1, 0) }},
		{"Attention over integers without scales", "backend: Attention: kv is I8 [4 2 8 6], want [4 2 8 6]",
			func(s *backend.Step) { s.Attention(f32(3, 4, 6), f32(3, 4, 6), integers, 1, 0) }},
		{"Attention in a negative window", "backend: Attention: negative window",
			func(s *backend.Step) { s.Attention(f32(3, 4, 6), f32(3, 4, 6), kv, 1, -1) }},
		{"SwiGLU of another width", "backend: SwiGLU: up is F32 [3 4], want [3 5]",
			func(s *backend.Step) { s.SwiGLU(f32(3, 5), f32(3, 5), f32(3, 4)) }},
		{"Add of other rows", "backend: Add: a is F32 [2 5], want [3 5]",
			func(s *backend.Step) { s.Add(f32(3, 5), f32(2, 5), f32(3, 5)) }},
		{"SelectRows of all rows", "backend: SelectRows: dst is F32 [3 5], want [2 5]",
			func(s *backend.Step) { s.SelectRows(f32(3, 5), f32(3, 5)) }},
		{"SelectRows of other rows", "backend: SelectRows: x is F32 [4 5], want [3 -1]",
			func(s *backend.Step) { s.SelectRows(f32(2, 5), f32(4, 5)) }},
	}
}

func shapeChecks() []check {
	var all []check
	for _, m := range misuses() {
		all = append(all, check{"wrong shape/" + m.name, func(d *device) {
			batch := &backend.Batch{OutputRows: []int32{0, 2}}
			batch.Append(make([]int32, 3), 3, pageList(1))
			d.step.Begin(batch)
			if got := panicText(func() { m.call(d.step) }); got != m.want {
				d.Errorf("panics with %q, want %q", got, m.want)
			}
		}})
	}
	return all
}

// panicText returns what f panics with, "" when it does not.
func panicText(f func()) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}
