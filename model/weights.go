// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/layers"
	"github.com/zenlm/zen/quant"
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
	format tensor.DType // matrices are quantised to, or Invalid
}

// slot is a bound tensor: the host's until Load replaces it by the backend's.
type slot struct {
	tensor **tensor.Tensor
	name   string // in the checkpoint, empty for a constant
}

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
	w.slots = append(w.slots, slot{&l.Weight, name + ".weight"})
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
	w.slots = append(w.slots, slot{tensor: dst})
}

// Quantize lets Load bring every matrix into a block format, tensor.Q8 or tensor.Q4.
// Matrices of the checkpoint that are quantised already must have that format.
func (w *Weights) Quantize(format tensor.DType) error {
	for _, s := range w.slots {
		t := *s.tensor
		same := t.DType == format || t.DType == tensor.I8 && format == tensor.Q8
		if t.Quantized() && !same {
			return fmt.Errorf("%w: %s is quantised as %v already, want %v; it is not quantised twice",
				ErrUnsupported, s.name, t.DType, format)
		}
	}
	w.format = format
	return nil
}

// Bytes returns the bytes of what was bound as Load will leave it, shared tensors
// counted once.
func (w *Weights) Bytes() (n int64) {
	for t, s := range w.distinct() {
		n += storedBytes(w.formatOf(s, t), t)
	}
	return n
}

// distinct yields every host tensor that was bound with the first slot it is in.
func (w *Weights) distinct() iter.Seq2[*tensor.Tensor, slot] {
	return func(yield func(*tensor.Tensor, slot) bool) {
		seen := map[*tensor.Tensor]bool{}
		for _, s := range w.slots {
			if t := *s.tensor; t != nil && !seen[t] {
				seen[t] = true
				if !yield(t, s) {
					return
				}
			}
		}
	}
}

// formatOf returns the type that Load gives to t.
func (w *Weights) formatOf(s slot, t *tensor.Tensor) tensor.DType {
	if w.format == tensor.Invalid || s.name == "" || len(t.Shape) != 2 || t.Quantized() {
		return t.DType
	}
	return w.format
}

// Load quantises what Quantize asked for, hands every bound tensor to the backend,
// and calls progress, which may be nil, with the bytes of the checkpoint done and in
// all. What was loaded before an error stays with the backend until its Close.
func (w *Weights) Load(ctx context.Context, b backend.Backend, progress func(done, total int64)) error {
	loaded := map[*tensor.Tensor]*tensor.Tensor{}
	done, total := int64(0), int64(0)
	for t := range w.distinct() {
		total += storedBytes(t.DType, t)
	}
	step := func(bytes int) {
		if done += int64(bytes); progress != nil {
			progress(min(done, total), total)
		}
	}
	for host, s := range w.distinct() {
		if err := ctx.Err(); err != nil {
			return err
		}
		t, err := w.load(ctx, b, host, w.formatOf(s, host), step)
		if err != nil {
			return fmt.Errorf("model: %s: %v %v: %w", s.name, host.DType, host.Shape, err)
		}
		loaded[host] = t
	}
	for _, s := range w.slots {
		*s.tensor = loaded[*s.tensor]
	}
	return b.Sync()
}

// load hands one tensor to the backend in the given format.
func (w *Weights) load(ctx context.Context, b backend.Backend, host *tensor.Tensor, format tensor.DType,
	step func(bytes int)) (*tensor.Tensor, error) {
	if format == host.DType {
		defer step(int(storedBytes(host.DType, host)))
		return b.Weight(host)
	}
	alloc := func(n int) ([]byte, error) { return hostMemory(b, n) }
	q, err := quant.Quantize(ctx, format, host, runtime.GOMAXPROCS(0), alloc, step)
	if err != nil {
		return nil, err
	}
	return b.Weight(q)
}

// hostMemory returns zeroed memory: the backend's own where that is the host's, so
// that its Close frees it and nothing is copied.
func hostMemory(b backend.Backend, n int) ([]byte, error) {
	t, err := b.Alloc(tensor.U8, n)
	if err != nil {
		return nil, err
	}
	if _, ok := t.Storage.(tensor.Memory); ok {
		return t.HostBytes(), nil
	}
	b.Free(t)
	return make([]byte, n), nil
}

// Tensors returns what Load loaded of the checkpoint, as a checkpoint stores it. It
// fails where the backend's memory is not the host's.
func (w *Weights) Tensors() (map[string]*tensor.Tensor, error) {
	all := map[string]*tensor.Tensor{}
	for _, s := range w.slots {
		t := *s.tensor
		if s.name == "" {
			continue
		}
		if _, ok := t.Storage.(tensor.Memory); !ok {
			return nil, fmt.Errorf("%w: %s is in a device's memory", ErrUnsupported, s.name)
		}
		if _, ok := w.source.Tensor(s.name); !ok {
			continue // a tied projection, which the checkpoint leaves out
		}
		all[s.name] = t
		if dtype, ok := panelTypes[t.DType]; ok {
			all[s.name] = &tensor.Tensor{DType: dtype, Shape: tensor.PanelShape(t.DType, t.Shape),
				Storage: t.Storage, Offset: t.Offset, Scales: t.Scales}
		}
	}
	return all, nil
}

// panelTypes are the types under which a checkpoint stores block formats.
var panelTypes = map[tensor.DType]tensor.DType{tensor.Q8: tensor.I8, tensor.Q4: tensor.U8}

// bind sets dst to the named tensor and checks its shape and type.
func (w *Weights) bind(dst **tensor.Tensor, name string, shape ...int) {
	t, ok := w.source.Tensor(name)
	if !ok {
		w.fail(name, "missing")
		return
	}
	w.used[name] = true
	if len(shape) == 2 && len(t.Shape) == 3 {
		if t = w.panels(t, name, shape); t != nil {
			*dst = t
			w.slots = append(w.slots, slot{dst, name})
		}
		return
	}
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
	w.slots = append(w.slots, slot{dst, name})
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

// panels returns the matrix of a block format, or nil when its parts do not fit. U8
// holds Q4, I8 holds Q8.
func (w *Weights) panels(t *tensor.Tensor, name string, shape []int) *tensor.Tensor {
	format := tensor.Q8
	if t.DType == tensor.U8 {
		format = tensor.Q4
	}
	want := tensor.PanelShape(format, shape)
	if t.DType != tensor.U8 && t.DType != tensor.I8 || !slices.Equal(t.Shape, want) {
		w.fail(name, fmt.Sprintf("%v %v, want I8 or U8 %v, the panels of %v", t.DType, t.Shape, want, shape))
		return nil
	}
	scaleName := name + "_scale"
	scales, ok := w.source.Tensor(scaleName)
	if !ok {
		w.fail(scaleName, "missing")
		return nil
	}
	w.used[scaleName] = true
	if want := tensor.PanelScalesShape(format, shape); scales.DType != tensor.F16 || !slices.Equal(scales.Shape, want) {
		w.fail(scaleName, fmt.Sprintf("%v %v, want F16 %v", scales.DType, scales.Shape, want))
		return nil
	}
	return &tensor.Tensor{DType: format, Shape: slices.Clone(shape), Storage: t.Storage, Offset: t.Offset, Scales: scales}
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

// storedBytes returns the bytes of t, scales included, in its own type or a block
// format.
func storedBytes(format tensor.DType, t *tensor.Tensor) int64 {
	if format != t.DType {
		return int64(tensor.Elements(tensor.PanelShape(format, t.Shape))) +
			2*int64(tensor.Elements(tensor.PanelScalesShape(format, t.Shape)))
	}
	n := int64(t.Bytes())
	if t.Scales != nil {
		n += int64(t.Scales.Bytes())
	}
	return n
}

func sameBytes(a, b *tensor.Tensor) bool {
	return a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && string(a.HostBytes()) == string(b.HostBytes())
}
