// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/nlpodyssey/safetensors"

	"github.com/zenlm/zen/tensor"
)

// A safetensors file is the header's length as a little-endian uint64, the
// header, and the tensors' bytes without gaps. The header is a JSON object of
//
//	"name": {"dtype": "BF16", "shape": [out, in], "data_offsets": [begin, end]}
//
// and an optional "__metadata__" of strings. The format allows a header of
// 100 MB; a model of 405 B parameters has one of 150 kB.
const (
	lengthBytes    = 8
	maxHeaderBytes = 8 << 20
	maxTensors     = 1 << 16 // in one file
	maxName        = 512     // bytes
	maxDims        = 8
)

func headerLimits() limits {
	return limits{bytes: maxHeaderBytes, depth: 3, keys: 4*maxTensors + 1024, text: maxName, list: maxDims}
}

// entry is a tensor as the header describes it.
type entry struct {
	name       string
	dtype      tensor.DType
	shape      []int
	begin, end int // bytes from the start of the file
}

// readHeader reads the start of a file of size bytes. The entries come in the
// order of their data and fill the file to its end. start is what was read.
func readHeader(r io.Reader, size int64) (entries []entry, start []byte, err error) {
	if size < lengthBytes+2 {
		return nil, nil, corruptf("file of %d bytes is too short for a header", size)
	}
	if size > math.MaxInt {
		return nil, nil, fmt.Errorf("file of %d bytes does not fit this platform's address space", size)
	}
	start = make([]byte, lengthBytes)
	if err := readFull(r, start); err != nil {
		return nil, nil, err
	}
	n := binary.LittleEndian.Uint64(start)
	if n > maxHeaderBytes {
		return nil, nil, corruptf("header of %d bytes, limit %d", n, maxHeaderBytes)
	}
	if int64(n) > size-lengthBytes {
		return nil, nil, corruptf("header of %d bytes in a file of %d", n, size)
	}
	start = append(start, make([]byte, n)...)
	if err := readFull(r, start[lengthBytes:]); err != nil {
		return nil, nil, err
	}
	entries, err = parseHeader(start[lengthBytes:], int(size)-len(start))
	for i := range entries {
		entries[i].begin += len(start)
		entries[i].end += len(start)
	}
	return entries, start, err
}

// readFull fills b; a file that ends early is shorter than its Stat said.
func readFull(r io.Reader, b []byte) error {
	n, err := io.ReadFull(r, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return corruptf("file ends %d bytes early", len(b)-n)
	}
	return err
}

// parseHeader returns the tensors of a header that is followed by dataBytes
// bytes, with offsets from the start of those.
func parseHeader(header []byte, dataBytes int) ([]entry, error) {
	f8 := map[string]tensor.DType{}
	typed := slices.Clone(header)
	err := scanJSON(header, headerLimits(), func(path []level, end int64) {
		maskF8(typed, f8, path, int(end))
	})
	if err != nil {
		return nil, err
	}
	var md safetensors.Metadata
	if err := json.Unmarshal(typed, &md); err != nil {
		return nil, corruptf("header: %v", err)
	}
	tensors := md.Tensors()
	if len(tensors) > maxTensors {
		return nil, corruptf("header has %d tensors, limit %d", len(tensors), maxTensors)
	}
	entries := make([]entry, 0, len(tensors))
	for name, info := range tensors {
		e, err := newEntry(name, info, f8[name], dataBytes)
		if err != nil {
			return nil, &Error{Tensor: name, Err: err}
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.name, b.name))
	})
	return entries, checkLayout(entries, dataBytes)
}

// maskF8 notes a tensor whose dtype is one of the 8-bit floats, which the
// safetensors package does not know, and writes a type of the same size over it.
func maskF8(typed []byte, f8 map[string]tensor.DType, path []level, end int) {
	if len(path) != 2 || path[1].key != "dtype" {
		return
	}
	for _, d := range []tensor.DType{tensor.F8E4M3, tensor.F8E5M2} {
		quoted := `"` + d.String() + `"`
		if begin := end - len(quoted); begin >= 0 && string(typed[begin:end]) == quoted {
			copy(typed[begin:end], `"U8"       `)
			f8[path[0].key] = d
		}
	}
}

func newEntry(name string, info *safetensors.TensorInfo, f8 tensor.DType, dataBytes int) (entry, error) {
	if name == "" {
		return entry{}, corruptf("empty name")
	}
	e := entry{name: name, dtype: f8, shape: make([]int, len(info.Shape))}
	if f8 == tensor.Invalid {
		var err error
		if e.dtype, err = tensor.ParseDType(info.DType.String()); err != nil {
			return entry{}, corruptf("%v", err)
		}
	}
	for i, d := range info.Shape {
		if d > math.MaxInt {
			return entry{}, corruptf("shape %v overflows", info.Shape)
		}
		e.shape[i] = int(d)
	}
	size, err := tensor.CheckedBytes(e.dtype, e.shape)
	if err != nil {
		return entry{}, corruptf("%v", err)
	}
	begin, end := info.DataOffsets[0], info.DataOffsets[1]
	if begin > end || end > uint64(dataBytes) {
		return entry{}, corruptf("data_offsets %v in %d bytes of data", info.DataOffsets, dataBytes)
	}
	if e.begin, e.end = int(begin), int(end); e.end-e.begin != size {
		return entry{}, corruptf("data_offsets %v hold %d bytes, %v %v needs %d",
			info.DataOffsets, e.end-e.begin, e.dtype, e.shape, size)
	}
	return e, nil
}

// checkLayout returns an error unless the entries, in the order of their data,
// cover dataBytes bytes without gaps or overlaps.
func checkLayout(entries []entry, dataBytes int) error {
	end := 0
	var overlapping []string
	for i, e := range entries {
		if e.begin < end {
			overlapping = append(overlapping, entries[i-1].name, e.name)
		} else if e.begin > end {
			return corruptf("data [%d, %d) before tensor %s belongs to no tensor", end, e.begin, quote(e.name))
		}
		end = max(end, e.end)
	}
	if overlapping != nil {
		return corruptf("tensors overlap: %s", listed(slices.Compact(overlapping)))
	}
	if end != dataBytes {
		return corruptf("data [%d, %d) at the end of the file belongs to no tensor", end, dataBytes)
	}
	return nil
}
