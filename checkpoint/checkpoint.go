// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"

	"github.com/zenlm/zen/tensor"
)

// Checkpoint is an open folder. Its methods may be called from several
// goroutines; tensors may be read from several goroutines until Close.
type Checkpoint struct {
	fsys  fs.FS
	dir   string // in fsys
	label string // of the folder, for errors

	mu      sync.RWMutex
	closed  bool
	files   []*file
	tensors map[string]*tensor.Tensor
	names   []string // sorted
	bytes   int64
}

// Option changes how Open and OpenFS work.
type Option func(*options)

type options struct{ progress func(done, total int64) error }

// WithProgress makes Open read the weights before it returns, into memory or
// the page cache, and calls progress about every 16 MiB from Open's goroutine
// with the bytes read and in all. An error from progress ends Open, which
// returns it.
func WithProgress(progress func(done, total int64) error) Option {
	return func(o *options) { o.progress = progress }
}

// Open opens the checkpoint in a folder of the operating system. The caller
// closes it. Symbolic links in the folder are followed, since the download cache
// of Hugging Face consists of them; to confine them, use OpenFS with the FS of an
// os.Root, which maps files as well.
//
// The error is an *Error that matches ErrCorrupt when the files are wrong and
// fs.ErrNotExist when they are missing.
func Open(dir string, opts ...Option) (*Checkpoint, error) {
	return open(&Checkpoint{fsys: os.DirFS(dir), dir: ".", label: dir}, opts)
}

// OpenFS opens the checkpoint in the folder dir of fsys, "." for its root. Files
// that are an *os.File are mapped, others read into memory outside the Go heap.
func OpenFS(fsys fs.FS, dir string, opts ...Option) (*Checkpoint, error) {
	if !fs.ValidPath(dir) {
		return nil, &Error{Path: dir, Err: fs.ErrInvalid}
	}
	return open(&Checkpoint{fsys: fsys, dir: dir, label: dir}, opts)
}

func open(c *Checkpoint, opts []Option) (*Checkpoint, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, &Error{Path: c.label, Err: errors.ErrUnsupported} // tensors are little-endian
	}
	err := c.openFiles()
	if err == nil {
		err = c.load(o.progress)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// openFiles opens model.safetensors, or the shards of the index where there is
// none, as transformers does.
func (c *Checkpoint) openFiles() error {
	_, err := fs.Stat(c.fsys, path.Join(c.dir, weightsName))
	if err == nil {
		return c.openShards([]string{weightsName}, nil)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return at(c.path(weightsName), err)
	}
	data, err := c.ReadFile(indexName, maxIndexBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{Path: c.label, Err: fmt.Errorf("neither %s nor %s: %w", weightsName, indexName, fs.ErrNotExist)}
	}
	if err != nil {
		return err
	}
	shards, weightMap, err := parseIndex(data)
	if err != nil {
		return at(c.path(indexName), err)
	}
	return c.openShards(shards, weightMap)
}

// openShards opens files and compares their tensors with the index, if any. The
// error joins those of all files.
func (c *Checkpoint) openShards(shards []string, weightMap map[string]string) error {
	var errs []error
	seen := map[string]bool{}
	for _, shard := range shards {
		f, err := openFile(c.fsys, path.Join(c.dir, shard), c.path(shard))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.files = append(c.files, f)
		if weightMap == nil {
			continue
		}
		var extra []string
		for _, e := range f.entries {
			if weightMap[e.name] != shard {
				extra = append(extra, e.name)
			}
			seen[e.name] = seen[e.name] || weightMap[e.name] == shard
		}
		if extra != nil {
			errs = append(errs, &Error{Path: f.path, Err: corruptf("%s does not place here: %s", indexName, listed(extra))})
		}
	}
	// Shards that did not open lack everything; their own error says why.
	if opened := len(c.files) == len(shards); opened && weightMap != nil {
		missing := slices.DeleteFunc(slices.Sorted(maps.Keys(weightMap)), func(n string) bool { return seen[n] })
		if len(missing) > 0 {
			errs = append(errs, &Error{Path: c.path(indexName), Err: corruptf("shards lack: %s", listed(missing))})
		}
	}
	return errors.Join(errs...)
}

// load brings the weights into memory as far as progress asks for it, and lists
// them.
func (c *Checkpoint) load(progress func(done, total int64) error) error {
	done, total := int64(0), int64(0)
	for _, f := range c.files {
		total += int64(f.size)
		if f.source != nil {
			done += int64(len(f.start)) // read with the header
		}
	}
	step := func(n int) error {
		done += int64(n)
		if progress == nil {
			return nil
		}
		return progress(done, total)
	}
	c.tensors = map[string]*tensor.Tensor{}
	for _, f := range c.files {
		if err := f.load(progress != nil, step); err != nil {
			return err
		}
		f.tensors(func(name string, t *tensor.Tensor) {
			c.tensors[name] = t
			c.bytes += int64(t.Bytes())
		})
	}
	c.names = slices.Sorted(maps.Keys(c.tensors))
	return nil
}

// path returns the path of a file of the folder, for errors.
func (c *Checkpoint) path(name string) string { return filepath.Join(c.label, name) }

// ReadFile returns a file of the folder, such as config.json. name has no
// separators. The error matches fs.ErrNotExist when there is no such file, and
// ErrCorrupt when it has more than maxBytes bytes or is not a regular file.
func (c *Checkpoint) ReadFile(name string, maxBytes int) ([]byte, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return nil, &Error{Path: c.path(name), Err: fs.ErrClosed}
	}
	if !plainName(name) {
		return nil, &Error{Path: c.path(name), Err: fs.ErrInvalid}
	}
	f, size, err := openRegular(c.fsys, path.Join(c.dir, name))
	if err != nil {
		return nil, at(c.path(name), err)
	}
	defer f.Close()
	if size > int64(maxBytes) {
		return nil, &Error{Path: c.path(name), Err: corruptf("%d bytes, limit %d", size, maxBytes)}
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(maxBytes)+1))
	if err != nil {
		return nil, at(c.path(name), err)
	}
	if len(data) > maxBytes {
		return nil, &Error{Path: c.path(name), Err: corruptf("more than %d bytes", maxBytes)}
	}
	return data, nil
}

// Tensor returns the tensor of that name. Its memory is read-only, aligned to
// the size of an element, and ends with Close; the Tensor itself is shared and
// must not be changed. There are none after Close.
func (c *Checkpoint) Tensor(name string) (*tensor.Tensor, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t, ok := c.tensors[name]
	return t, ok
}

// Names returns the names of all tensors, sorted. The caller owns the slice.
func (c *Checkpoint) Names() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.names)
}

// Bytes returns the bytes of all tensors.
func (c *Checkpoint) Bytes() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.bytes
}

// Close releases the memory of all tensors, which must not be used afterwards.
// Calling it again does nothing.
func (c *Checkpoint) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, f := range c.files {
		if err := f.close(); err != nil {
			errs = append(errs, at(f.path, err))
		}
	}
	c.closed, c.files, c.tensors, c.names, c.bytes = true, nil, nil, nil, 0
	return errors.Join(errs...)
}
