// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/layers"
	"github.com/zenlm/zen/tensor"
)

// Source is where named tensors come from; checkpoint.Checkpoint is one.
type Source interface {
	// Tensor returns the tensor of that name in the host's memory.
	Tensor(name string) (*tensor.Tensor, bool)
	// Names returns all names.
	Names() []string
}

// Weights binds a source's tensors to layers by name, collects what does not
// fit, and loads what was bound onto a backend.
type Weights struct {
	source Source
	used   map[string]bool
	slots  []slot
	errs   []error
}

// slot is a bound tensor: the host's until Load replaces it by the backend's.
type slot struct{ tensor **tensor.Tensor }

// NewWeights returns an empty binding to source.
func NewWeights(source Source) *Weights {
	return &Weights{source: source, used: map[string]bool{}}
}

// Linear binds name.weight [out, in] and, if bias, name.bias [out].
func (w *Weights) Linear(name string, out, in int, bias bool) *layers.Linear {
	l := &layers.Linear{}
	w.bind(&l.Weight, name+".weight", out, in)
	if bias {
		w.bind(&l.Bias, name+".bias", out)
	}
	return l
}

// RMSNorm binds name.weight [hidden].
func (w *Weights) RMSNorm(name string, hidden int, eps float64) *layers.RMSNorm {
	n := &layers.RMSNorm{Eps: float32(eps)}
	w.bind(&n.Weight, name+".weight", hidden)
	return n
}

// Embedding binds name.weight [vocab, hidden].
func (w *Weights) Embedding(name string, vocab, hidden int) *layers.Embedding {
	e := &layers.Embedding{}
	w.bind(&e.Weight, name+".weight", vocab, hidden)
	return e
}

// Tied returns the output projection over an embedding's weight, which is
// loaded once. A checkpoint that stores name.weight all the same must store the
// embedding's bytes.
func (w *Weights) Tied(name string, e *layers.Embedding) *layers.Linear {
	l := &layers.Linear{Weight: e.Weight}
	w.slots = append(w.slots, slot{&l.Weight})
	if t, ok := w.source.Tensor(name + ".weight"); ok {
		w.used[name+".weight"] = true
		if e.Weight != nil && !sameBytes(t, e.Weight) {
			w.fail(name+".weight", "tie_word_embeddings is true and it differs from the embedding")
		}
	}
	return l
}

// Constant binds a tensor that is not in the checkpoint, such as a table.
func (w *Weights) Constant(dst **tensor.Tensor, host *tensor.Tensor) {
	*dst = host
	w.slots = append(w.slots, slot{dst})
}

// Bytes returns the bytes of what was bound, shared tensors counted once.
func (w *Weights) Bytes() (n int64) {
	seen := map[*tensor.Tensor]bool{}
	for _, s := range w.slots {
		if t := *s.tensor; t != nil && !seen[t] {
			seen[t] = true
			n += hostBytes(t)
		}
	}
	return n
}

// Load hands every bound tensor to the backend and calls progress, which may be
// nil, with the bytes done and in all. What was loaded before an error stays with
// the backend until its Close.
func (w *Weights) Load(ctx context.Context, b backend.Backend, progress func(done, total int64)) error {
	loaded := map[*tensor.Tensor]*tensor.Tensor{}
	done, total := int64(0), w.Bytes()
	for _, s := range w.slots {
		host := *s.tensor
		if loaded[host] == nil {
			if err := ctx.Err(); err != nil {
				return err
			}
			t, err := b.Weight(host)
			if err != nil {
				return fmt.Errorf("model: weight %v %v: %w", host.DType, host.Shape, err)
			}
			loaded[host] = t
			if done += hostBytes(host); progress != nil {
				progress(done, total)
			}
		}
		*s.tensor = loaded[host]
	}
	return b.Sync()
}

// bind sets dst to the named tensor and checks its shape and type.
func (w *Weights) bind(dst **tensor.Tensor, name string, shape ...int) {
	t, ok := w.source.Tensor(name)
	if !ok {
		w.fail(name, "missing")
		return
	}
	w.used[name] = true
	if !slices.Equal(t.Shape, shape) {
		w.fail(name, fmt.Sprintf("shape %v, want %v", t.Shape, shape))
		return
	}
	switch t.DType {
	case tensor.F32, tensor.F16, tensor.BF16:
	case tensor.I8:
		if t = w.quantized(t, name); t == nil {
			return
		}
	default:
		w.fail(name, fmt.Sprintf("dtype %v, want F32, F16, BF16 or I8 with scales", t.DType))
		return
	}
	*dst = t
	w.slots = append(w.slots, slot{dst})
}

// quantized returns the I8 tensor with its scales, or nil when they do not fit.
//
//	t             [out, in] I8
//	name+"_scale" [out, in/QuantBlock] F16
func (w *Weights) quantized(t *tensor.Tensor, name string) *tensor.Tensor {
	scaleName := name + "_scale"
	scales, ok := w.source.Tensor(scaleName)
	if !ok {
		w.fail(scaleName, "missing")
		return nil
	}
	w.used[scaleName] = true
	if len(t.Shape) != 2 || t.Dim(1)%tensor.QuantBlock != 0 {
		w.fail(name, fmt.Sprintf("shape %v of I8, want rows of a multiple of %d", t.Shape, tensor.QuantBlock))
		return nil
	}
	want := []int{t.Dim(0), t.Dim(1) / tensor.QuantBlock}
	if scales.DType != tensor.F16 || !slices.Equal(scales.Shape, want) {
		w.fail(scaleName, fmt.Sprintf("%v %v, want F16 %v", scales.DType, scales.Shape, want))
		return nil
	}
	q := *t
	q.Scales = scales
	return &q
}

func (w *Weights) fail(name, what string) {
	w.errs = append(w.errs, fmt.Errorf("%s: %s", name, what))
}

// check returns all that failed to bind and the names nothing asked for.
func (w *Weights) check() error {
	var unknown []string
	for _, name := range w.source.Names() {
		if !w.used[name] {
			unknown = append(unknown, name)
		}
	}
	errs := w.errs
	if len(unknown) > 0 {
		slices.Sort(unknown)
		errs = append(errs, fmt.Errorf("unknown: %s", summary(unknown)))
	}
	if len(errs) == 0 {
		return nil
	}
	if n := len(errs) - maxListed; n > 0 {
		errs = append(slices.Clip(errs[:maxListed]), fmt.Errorf("and %d more", n))
	}
	return fmt.Errorf("%w: %w", ErrWeights, errors.Join(errs...))
}

// maxListed bounds the tensors named in one error.
const maxListed = 20

func summary(names []string) string {
	if n := len(names) - maxListed; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), n)
	}
	return strings.Join(names, ", ")
}

func hostBytes(t *tensor.Tensor) int64 {
	n := int64(t.Bytes())
	if t.Scales != nil {
		n += int64(t.Scales.Bytes())
	}
	return n
}

func sameBytes(a, b *tensor.Tensor) bool {
	return a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && string(a.HostBytes()) == string(b.HostBytes())
}
