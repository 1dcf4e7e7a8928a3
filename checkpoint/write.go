// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/nlpodyssey/safetensors"

	"github.com/zenlm/zen/tensor"
)

// Write writes tensors, which lie in the host's memory, as one safetensors file.
// The scales of a quantised matrix are written under its name with "_scale"
// added. The same tensors always give the same bytes; every tensor is aligned to
// the size of its elements. Elements of F8E4M3 and F8E5M2 cannot be written.
func Write(w io.Writer, tensors map[string]*tensor.Tensor) error {
	views := make(map[string]view, len(tensors))
	add := func(name string, t *tensor.Tensor) error {
		v, err := newView(name, t)
		if _, taken := views[name]; taken && err == nil {
			err = errors.New("two tensors of this name")
		}
		if err != nil {
			return fmt.Errorf("checkpoint: write: tensor %s: %w", quote(name), err)
		}
		views[name] = v
		return nil
	}
	for name, t := range tensors {
		if err := add(name, t); err != nil {
			return err
		}
		if t.Scales != nil {
			if err := add(name+"_scale", t.Scales); err != nil {
				return err
			}
		}
	}
	// transformers refuses a file without this entry.
	return safetensors.SerializeToWriter(views, map[string]string{"format": "pt"}, w)
}

// Save writes tensors to model.safetensors in dir, which must exist. The file
// appears whole or not at all and replaces one that is there.
func Save(dir string, tensors map[string]*tensor.Tensor) (err error) {
	f, err := os.CreateTemp(dir, weightsName+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	b := bufio.NewWriterSize(f, 1<<20)
	err = Write(b, tensors)
	if err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, weightsName))
}

// view is a tensor as the safetensors package wants it.
type view struct {
	dtype safetensors.DType
	shape []uint64
	data  []byte
}

func newView(name string, t *tensor.Tensor) (view, error) {
	if name == "" || name == "__metadata__" || len(name) > maxName || !utf8.ValidString(name) {
		return view{}, errors.New("not a name a file can hold")
	}
	dtype, err := safetensors.ParseDType(t.DType.String())
	if err != nil {
		return view{}, fmt.Errorf("dtype %v cannot be written", t.DType)
	}
	size, err := tensor.CheckedBytes(t.DType, t.Shape)
	if err != nil {
		return view{}, err
	}
	m, ok := t.Storage.(tensor.Memory)
	if !ok || t.Offset < 0 || t.Offset > len(m) || size > len(m)-t.Offset || len(t.Shape) > maxDims {
		return view{}, fmt.Errorf("%v %v at offset %d does not lie in the host's memory", t.DType, t.Shape, t.Offset)
	}
	v := view{dtype: dtype, shape: make([]uint64, len(t.Shape)), data: m[t.Offset : t.Offset+size]}
	for i, d := range t.Shape {
		v.shape[i] = uint64(d)
	}
	return v, nil
}

func (v view) DType() safetensors.DType { return v.dtype }
func (v view) Shape() []uint64          { return v.shape }
func (v view) Data() []byte             { return v.data }
func (v view) DataLen() uint64          { return uint64(len(v.data)) }
