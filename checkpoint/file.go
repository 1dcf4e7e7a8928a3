// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"unsafe"

	"github.com/zenlm/zen/tensor"
)

// file is one safetensors file.
type file struct {
	path    string // for errors
	entries []entry
	size    int
	start   []byte  // length and header, until loaded
	source  fs.File // nil when the file is mapped or loaded
	memory  memory
	aligned memory // copies of misaligned tensors
}

// openFile checks the header of a file and maps the rest if it can be mapped.
// On an error nothing stays open.
func openFile(fsys fs.FS, name, path string) (*file, error) {
	src, size, err := openRegular(fsys, name)
	if err != nil {
		return nil, at(path, err)
	}
	f := &file{path: path, source: src}
	if f.entries, f.start, err = readHeader(src, size); err == nil {
		f.size = int(size)
		err = f.mapSource()
	}
	if err != nil {
		return nil, at(path, errors.Join(err, f.close()))
	}
	return f, nil
}

// openRegular opens a regular file: a pipe would block, a device has no end.
func openRegular(fsys fs.FS, name string) (fs.File, int64, error) {
	info, err := fs.Stat(fsys, name)
	if err == nil && !info.Mode().IsRegular() {
		err = corruptf("not a regular file but %v", info.Mode().Type())
	}
	if err != nil {
		return nil, 0, err
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, 0, err
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = corruptf("not a regular file but %v", info.Mode().Type())
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// at adds the path to an error that lacks it.
func at(path string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Path = path
		return e
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // says the path, relative to the file system
	}
	return &Error{Path: path, Err: err}
}

// mapSource maps the file and closes it. A file that cannot be mapped stays open
// for load.
func (f *file) mapSource() error {
	osFile, ok := f.source.(*os.File)
	if !ok {
		return nil
	}
	m, err := mapFile(osFile, f.size)
	if err != nil {
		return nil
	}
	f.memory, f.start, f.source = m, nil, nil
	return osFile.Close()
}

// load brings the tensors' bytes into memory: it reads a file that is not mapped
// and, if touch, the pages of one that is. step is called with the bytes done.
func (f *file) load(touch bool, step func(n int) error) error {
	var err error
	switch {
	case f.source != nil:
		err = f.read(step)
	case touch:
		err = f.memory.touch(step)
	}
	if err == nil {
		err = f.align()
	}
	if err != nil {
		return at(f.path, err)
	}
	return nil
}

func (f *file) read(step func(n int) error) error {
	m, err := allocate(f.size)
	if err != nil {
		return err
	}
	f.memory = m
	n := copy(m.bytes, f.start)
	for n < f.size {
		span := m.bytes[n:min(n+touchBytes, f.size)]
		if err := readFull(f.source, span); err != nil {
			return err
		}
		n += len(span)
		if err := step(len(span)); err != nil {
			return err
		}
	}
	// The end also makes a zip compare its checksum.
	if n, err := io.ReadFull(f.source, make([]byte, 1)); n > 0 {
		return corruptf("file is longer than %d bytes", f.size)
	} else if err != io.EOF {
		return err
	}
	err = f.source.Close()
	f.source, f.start = nil, nil
	return errors.Join(err, m.protect())
}

// tensors returns the file's tensors by name.
func (f *file) tensors(add func(name string, t *tensor.Tensor)) {
	var storage, copies tensor.Storage = tensor.Memory(f.memory.bytes), tensor.Memory(f.aligned.bytes)
	next := 0
	for _, e := range f.entries {
		t := &tensor.Tensor{DType: e.dtype, Shape: e.shape, Storage: storage, Offset: e.begin}
		if f.misaligned(e) {
			t.Storage, t.Offset = copies, next
			next = roundUp(next + e.end - e.begin)
		}
		add(e.name, t)
	}
}

// align copies the tensors whose elements lie across their natural alignment.
// Other writers than Hugging Face's make such files.
func (f *file) align() error {
	total := 0
	for _, e := range f.entries {
		if f.misaligned(e) {
			total = roundUp(total + e.end - e.begin)
		}
	}
	if total == 0 {
		return nil
	}
	m, err := allocate(total)
	if err != nil {
		return err
	}
	f.aligned = m
	next := 0
	for _, e := range f.entries {
		if f.misaligned(e) {
			next = roundUp(next + copy(m.bytes[next:], f.memory.bytes[e.begin:e.end]))
		}
	}
	return m.protect()
}

func (f *file) misaligned(e entry) bool {
	base := uintptr(unsafe.Pointer(unsafe.SliceData(f.memory.bytes)))
	return (base+uintptr(e.begin))%uintptr(e.dtype.Size()) != 0
}

// roundUp returns n, rounded up to a cache line.
func roundUp(n int) int { return (n + 63) &^ 63 }

// close releases what the file holds. It may be called again.
func (f *file) close() error {
	var errs []error
	if f.source != nil {
		errs = append(errs, f.source.Close())
	}
	for _, m := range []*memory{&f.memory, &f.aligned} {
		if m.release != nil {
			errs = append(errs, m.release())
		}
		*m = memory{}
	}
	f.source = nil
	return errors.Join(errs...)
}
