// SPDX-License-Identifier: Apache-2.0

package checkpoint_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/checkpoint"
	"github.com/zenlm/zen/tensor"
)

// safetensors returns a file of the given header and number of data bytes.
func safetensors(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	for i := range data {
		b = append(b, byte(i))
	}
	return b
}

// length returns a file whose header claims n bytes.
func length(n uint64) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, n), "{}        "...)
}

// one is the header of one tensor.
func one(dtype, shape, offsets string) string {
	return fmt.Sprintf(`{"a":{"dtype":%s,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
}

// openBoth opens files mapped from a folder and read from memory, and returns
// the error, which must be the same but for the folder.
func openBoth(t testing.TB, files map[string][]byte) error {
	t.Helper()
	dir, fsys := t.TempDir(), fstest.MapFS{}
	for name, data := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
		fsys[name] = &fstest.MapFile{Data: data}
	}
	c, mapped := checkpoint.Open(dir)
	if mapped == nil {
		require.NoError(t, c.Close())
	}
	c, read := checkpoint.OpenFS(fsys, ".")
	if read == nil {
		require.NoError(t, c.Close())
	}
	require.Equal(t, mapped == nil, read == nil, "mapped: %v; read: %v", mapped, read)
	if read != nil {
		text := strings.ReplaceAll(mapped.Error(), dir+string(filepath.Separator), "")
		text = strings.ReplaceAll(text, syscall.ENOENT.Error(), fs.ErrNotExist.Error())
		require.Equal(t, text, read.Error())
	}
	return read
}

func TestHostileFilesAreErrors(t *testing.T) {
	u8 := `"U8"`
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"t%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`, i)
		}
		return "{" + b.String()[1:] + "}"
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":                         {nil, "file of 0 bytes is too short"},
		"nine bytes":                    {safetensors("{", 0), "file of 9 bytes is too short"},
		"header longer than the file":   {length(1000), "header of 1000 bytes in a file of 18"},
		"header of 2^64-1":              {length(1<<64 - 1), "header of 18446744073709551615 bytes, limit 8388608"},
		"header of 2^63":                {length(1 << 63), "limit 8388608"},
		"header over the cap":           {length(8<<20 + 1), "header of 8388609 bytes, limit 8388608"},
		"header cut short":              {safetensors(`{"a":`, 0), "JSON at byte"},
		"header of spaces":              {safetensors("   {}", 0), "does not start with {"},
		"header of an array":            {safetensors("[]", 0), "does not start with {"},
		"header not UTF-8":              {safetensors("{\"\xff\":{}}", 0), "not valid UTF-8"},
		"two headers":                   {safetensors("{}{}", 0), "data after the JSON object"},
		"deep":                          {safetensors(`{"a":`+strings.Repeat("[", 1000), 0), "nested deeper than 3"},
		"tensor is null":                {safetensors(`{"a":null}`, 0), "header: "},
		"tensor is a number":            {safetensors(`{"a":1}`, 0), "header: "},
		"metadata is not text":          {safetensors(`{"__metadata__":{"a":1}}`, 0), "header: "},
		"unknown key":                   {safetensors(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}`, 1), "expected 3 keys"},
		"missing key":                   {safetensors(`{"a":{"dtype":"U8","shape":[1]}}`, 1), "expected 3 keys"},
		"unknown dtype":                 {safetensors(one(`"F4"`, "[2]", "[0,1]"), 1), `"F4"`},
		"dtype of another case":         {safetensors(one(`"f32"`, "[1]", "[0,4]"), 4), `"f32"`},
		"dtype is a number":             {safetensors(one("7", "[1]", "[0,1]"), 1), "dtype"},
		"negative dimension":            {safetensors(one(u8, "[-1]", "[0,1]"), 1), "shape"},
		"fractional dimension":          {safetensors(one(u8, "[1.5]", "[0,1]"), 1), "shape"},
		"dimension over uint64":         {safetensors(one(u8, "[99999999999999999999]", "[0,1]"), 1), "shape"},
		"dimension over int":            {safetensors(one(u8, "[18446744073709551615]", "[0,1]"), 1), "overflows"},
		"product overflows to the size": {safetensors(one(u8, "[4294967296,4294967296,1]", "[0,0]"), 0), "overflows"},
		"bytes overflow":                {safetensors(one(`"F64"`, "[2305843009213693952]", "[0,0]"), 0), "overflows"},
		"nine dimensions":               {safetensors(one(u8, "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1), `array of "shape" has more than 8 entries`},
		"shape larger than the data":    {safetensors(one(u8, "[5]", "[0,4]"), 4), "hold 4 bytes, U8 [5] needs 5"},
		"shape smaller than the data":   {safetensors(one(u8, "[3]", "[0,4]"), 4), "hold 4 bytes, U8 [3] needs 3"},
		"end before begin":              {safetensors(one(u8, "[1]", "[1,0]"), 1), "data_offsets [1 0]"},
		"end outside the file":          {safetensors(one(u8, "[5]", "[0,5]"), 4), "data_offsets [0 5] in 4 bytes of data"},
		"begin and end far outside":     {safetensors(one(u8, "[1]", "[18446744073709551614,18446744073709551615]"), 4), "in 4 bytes of data"},
		"negative offset":               {safetensors(one(u8, "[1]", "[-1,0]"), 1), "data_offsets"},
		"three offsets":                 {safetensors(one(u8, "[1]", "[0,1,2]"), 1), "data_offsets"},
		"hole before":                   {safetensors(one(u8, "[1]", "[1,2]"), 2), `data [0, 1) before tensor "a" belongs to no tensor`},
		"trailing bytes":                {safetensors(one(u8, "[1]", "[0,1]"), 3), "data [1, 3) at the end of the file belongs to no tensor"},
		"trailing bytes and no tensors": {safetensors("{}", 1), "data [0, 1) at the end"},
		"empty name":                    {safetensors(`{"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), "empty name"},
		"name of 513 bytes":             {safetensors(`{"`+strings.Repeat("n", 513)+`":{}}`, 0), "has 513 bytes, limit 512"},
		"65,537 tensors":                {safetensors(many(1<<16+1), 0), "65537 tensors, limit 65536"},
		"duplicate tensor":              {safetensors(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, 0), `duplicate key "a"`},
		"duplicate key":                 {safetensors(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"shape":[1]}}`, 1), `duplicate key "shape"`},
		"duplicate metadata":            {safetensors(`{"__metadata__":{},"__metadata__":{}}`, 0), "duplicate key"},
		"overlap": {safetensors(`{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},`+
			`"b":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}`, 4), `tensors overlap: "a", "b"`},
		"same bytes twice": {safetensors(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},`+
			`"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 4), `tensors overlap: "a", "b"`},
		"escaped 8-bit float": {safetensors(one(`"\u00468_E4M3"`, "[1]", "[0,1]"), 1), "F8_E4M3"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			err := openBoth(t, map[string][]byte{"model.safetensors": c.file})
			require.ErrorIs(t, err, checkpoint.ErrCorrupt)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "checkpoint: model.safetensors: ")
			require.Less(t, len(err.Error()), 4000)
			require.Less(t, time.Since(start), 10*time.Second)
			var e *checkpoint.Error
			require.ErrorAs(t, err, &e)
		})
	}
}

func TestTensorErrorsNameTheTensor(t *testing.T) {
	err := openBoth(t, map[string][]byte{"model.safetensors": safetensors(one(`"U8"`, "[5]", "[0,4]"), 4)})
	var e *checkpoint.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "a", e.Tensor)
	require.Equal(t, "model.safetensors", e.Path)
}

// TestTruncatedFile cuts a good file at every length.
func TestTruncatedFile(t *testing.T) {
	whole, err := os.ReadFile("testdata/single/model.safetensors")
	require.NoError(t, err)
	for n := range whole {
		c, err := checkpoint.OpenFS(fstest.MapFS{"model.safetensors": {Data: whole[:n]}}, ".")
		require.Nil(t, c)
		require.ErrorIs(t, err, checkpoint.ErrCorrupt, "%d bytes", n)
	}
	for _, n := range []int{0, 8, 100, len(whole) - 1} {
		require.Error(t, openBoth(t, map[string][]byte{"model.safetensors": whole[:n]}))
	}
	require.ErrorIs(t, openBoth(t, map[string][]byte{"model.safetensors": append(whole, 0)}), checkpoint.ErrCorrupt)
}

func TestMisalignedTensorsAreCopied(t *testing.T) {
	// Data starts at an odd offset, and "b" lies behind three bytes.
	header := `{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},` +
		`"b":{"dtype":"F32","shape":[2],"data_offsets":[3,11]},` +
		`"c":{"dtype":"BF16","shape":[1],"data_offsets":[11,13]}}`
	for pad := range 8 {
		file := safetensors(header+strings.Repeat(" ", pad), 13)
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "model.safetensors"), file, 0o600))
		for _, fsys := range []fs.FS{os.DirFS(dir), fstest.MapFS{"model.safetensors": {Data: file}}} {
			c, err := checkpoint.OpenFS(fsys, ".")
			require.NoError(t, err)
			b, _ := c.Tensor("b")
			require.Equal(t, []byte{3, 4, 5, 6, 7, 8, 9, 10}, b.HostBytes())
			require.Len(t, tensor.Slice[float32](b), 2) // panics on a misaligned address
			bf16, _ := c.Tensor("c")
			require.Equal(t, []uint16{12<<8 | 11}, tensor.Slice[uint16](bf16))
			a, _ := c.Tensor("a")
			require.Equal(t, []byte{0, 1, 2}, a.HostBytes())
			require.Equal(t, int64(13), c.Bytes())
			require.NoError(t, c.Close())
		}
	}
}

// shards is a folder of two shards, a in the first and b in the second.
func shards() map[string][]byte {
	return map[string][]byte{
		"1.safetensors": safetensors(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1),
		"2.safetensors": safetensors(`{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1),
		"model.safetensors.index.json": []byte(
			`{"metadata":{"total_size":2},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}`),
	}
}

func TestHostileIndexesAreErrors(t *testing.T) {
	require.NoError(t, openBoth(t, shards()))
	mapTo := func(file string) string { return fmt.Sprintf(`{"weight_map":{"a":%q}}`, file) }
	for name, c := range map[string]struct{ index, want string }{
		"empty":             {"", "does not start with {"},
		"no weight_map":     {"{}", "weight_map is not an object"},
		"weight_map null":   {`{"weight_map":null}`, "weight_map is not an object"},
		"weight_map empty":  {`{"weight_map":{}}`, "weight_map is not an object"},
		"weight_map a list": {`{"weight_map":["a"]}`, "weight_map is not an object"},
		"file is a number":  {`{"weight_map":{"a":1}}`, "weight_map is not an object"},
		"other case":        {`{"Weight_Map":{"a":"1.safetensors"}}`, "weight_map is not an object"},
		"way up":            {mapTo("../1.safetensors"), `not a .safetensors file of this folder: "../1.safetensors"`},
		"absolute":          {mapTo("/etc/x.safetensors"), "not a .safetensors file of this folder"},
		"inner way up":      {mapTo("x/../../1.safetensors"), "not a .safetensors file of this folder"},
		"folder":            {mapTo("x/1.safetensors"), "not a .safetensors file of this folder"},
		"backslash":         {mapTo(`..\1.safetensors`), "not a .safetensors file of this folder"},
		"drive":             {mapTo("c:1.safetensors"), "not a .safetensors file of this folder"},
		"empty file name":   {mapTo(""), "not a .safetensors file of this folder"},
		"dot dot":           {mapTo(".."), "not a .safetensors file of this folder"},
		"NUL":               {`{"weight_map":{"a":"1\u0000.safetensors"}}`, "not a .safetensors file of this folder"},
		"other file":        {mapTo("config.json"), `not a .safetensors file of this folder: "config.json"`},
		"long file name":    {mapTo(strings.Repeat("x", 300) + ".safetensors"), "not a .safetensors file of this folder"},
		"duplicate tensor":  {`{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}`, `duplicate key "a"`},
		"duplicate map":     {`{"weight_map":{"a":"1.safetensors"},"weight_map":{}}`, `duplicate key "weight_map"`},
		"lacks a tensor":    {`{"weight_map":{"a":"1.safetensors","b":"2.safetensors","z":"2.safetensors"}}`, `shards lack: "z"`},
		"swapped":           {`{"weight_map":{"b":"1.safetensors","a":"2.safetensors"}}`, `does not place here: "b"`},
		"tensor not in it":  {`{"weight_map":{"a":"1.safetensors","c":"2.safetensors"}}`, `does not place here: "b"`},
		"not JSON":          {`{"weight_map":`, "JSON at byte"},
		"deep":              {`{"x":` + strings.Repeat("[", 100), "nested deeper"},
	} {
		t.Run(name, func(t *testing.T) {
			files := shards()
			files["model.safetensors.index.json"] = []byte(c.index)
			err := openBoth(t, files)
			require.ErrorIs(t, err, checkpoint.ErrCorrupt)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestIndexErrorsAreListedTogether(t *testing.T) {
	files := shards()
	files["model.safetensors.index.json"] = []byte(`{"weight_map":{
		"a":"1.safetensors", "q":"2.safetensors", "x":"3.safetensors", "y":"4.safetensors"}}`)
	err := openBoth(t, files)
	require.ErrorContains(t, err, `checkpoint: 2.safetensors: model.safetensors.index.json does not place here: "b"`)
	require.ErrorContains(t, err, "checkpoint: 3.safetensors: file does not exist")
	require.ErrorContains(t, err, "checkpoint: 4.safetensors: file does not exist")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, err, checkpoint.ErrCorrupt)
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "model.safetensors"), 0o700))
	_, err := checkpoint.Open(dir)
	require.ErrorIs(t, err, checkpoint.ErrCorrupt)
	require.ErrorContains(t, err, "not a regular file")
}

func TestLinksAreFollowedInAFolderAndConfinedByARoot(t *testing.T) {
	outside, err := filepath.Abs("testdata/single/model.safetensors")
	require.NoError(t, err)
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "model.safetensors")); err != nil {
		t.Skip("this system lets the test make no links: ", err)
	}
	c, err := checkpoint.Open(dir) // as in the download cache of Hugging Face
	require.NoError(t, err)
	require.NoError(t, c.Close())
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	_, err = checkpoint.OpenFS(root.FS(), ".")
	require.Error(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, "model.safetensors")))
	require.NoError(t, os.Symlink("model.safetensors", filepath.Join(dir, "model.safetensors")))
	_, err = checkpoint.Open(dir) // a link to itself
	require.Error(t, err)
}

// lying is a file system whose file reports another size than it has, or fails.
type lying struct {
	data []byte
	size int64
	err  error
}

func (l lying) Open(name string) (fs.File, error) {
	if name != "model.safetensors" {
		return nil, fs.ErrNotExist
	}
	return &lyingFile{lying: l, r: bytes.NewReader(l.data)}, nil
}

type lyingFile struct {
	lying
	r *bytes.Reader
}

func (f *lyingFile) Close() error               { return nil }
func (f *lyingFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *lyingFile) Name() string               { return "model.safetensors" }
func (f *lyingFile) Size() int64                { return f.size }
func (f *lyingFile) Mode() fs.FileMode          { return 0 }
func (f *lyingFile) ModTime() time.Time         { return time.Time{} }
func (f *lyingFile) IsDir() bool                { return false }
func (f *lyingFile) Sys() any                   { return nil }

func (f *lyingFile) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if err == io.EOF && f.err != nil {
		err = f.err
	}
	return n, err
}

func TestFileSystemsThatLie(t *testing.T) {
	header := one(`"U8"`, "[4]", "[0,4]")
	file := safetensors(header, 4)
	huge := safetensors(one(`"U8"`, "[1099511627776]", "[0,1099511627776]"), 4)
	broken := errors.New("broken disk")
	for name, c := range map[string]struct {
		fsys lying
		want error
	}{
		"shorter than it says":     {lying{file[:len(file)-1], int64(len(file)), nil}, checkpoint.ErrCorrupt},
		"longer than it says":      {lying{append(bytes.Clone(file), 0), int64(len(file)), nil}, checkpoint.ErrCorrupt},
		"negative size":            {lying{file, -1, nil}, checkpoint.ErrCorrupt},
		"largest size":             {lying{file, 1<<63 - 1, nil}, nil}, // the address space, on 32 bits
		"a terabyte that is not":   {lying{huge, int64(len(huge)) - 4 + 1<<40, nil}, nil},
		"read fails at the end":    {lying{file, int64(len(file)), broken}, broken},
		"read fails in the header": {lying{file[:12], int64(len(file)), broken}, broken},
		"header ends early":        {lying{file[:12], int64(len(file)), nil}, checkpoint.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			opened, err := checkpoint.OpenFS(c.fsys, ".")
			require.Nil(t, opened)
			require.Error(t, err)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
		})
	}
}

func FuzzHeader(f *testing.F) {
	for _, file := range []string{"single/model.safetensors", "sharded/model-00001-of-00002.safetensors"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add(safetensors(one(`"F8_E4M3"`, "[1]", "[0,1]"), 1))
	f.Add(safetensors(one(`"F32"`, "[1]", "[1,5]")+" ", 5))
	f.Add(safetensors(`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"I16","shape":[1,1],"data_offsets":[0,2]}}`, 2))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := checkpoint.OpenFS(fstest.MapFS{"model.safetensors": {Data: data}}, ".")
		if err != nil {
			require.Nil(t, c)
			require.ErrorIs(t, err, checkpoint.ErrCorrupt)
			return
		}
		defer c.Close()
		sum := byte(0)
		for _, name := range c.Names() {
			x, ok := c.Tensor(name)
			require.True(t, ok)
			require.NotEmpty(t, name)
			for _, b := range x.HostBytes() { // a fault here is a range outside the file
				sum += b
			}
		}
		require.LessOrEqual(t, c.Bytes(), int64(len(data)))
	})
}

// FuzzHeaderJSON gives the fuzzer the header alone, with as much data as the
// last offset in it asks for.
func FuzzHeaderJSON(f *testing.F) {
	f.Add(one(`"F32"`, "[2,2]", "[0,16]"), uint16(16))
	f.Add(one(`"F8_E5M2"`, "[3]", "[0,3]"), uint16(3))
	f.Add(`{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}}`, uint16(2))
	f.Fuzz(func(t *testing.T, header string, n uint16) {
		c, err := checkpoint.OpenFS(fstest.MapFS{"model.safetensors": {Data: safetensors(header, int(n))}}, ".")
		if err != nil {
			require.ErrorIs(t, err, checkpoint.ErrCorrupt)
			return
		}
		defer c.Close()
		total := int64(0)
		for _, name := range c.Names() {
			x, _ := c.Tensor(name)
			total += int64(len(x.HostBytes()))
		}
		require.Equal(t, int64(n), total)
	})
}

func FuzzIndex(f *testing.F) {
	f.Add(string(shards()["model.safetensors.index.json"]))
	f.Add(`{"weight_map":{"a":"../1.safetensors"}}`)
	f.Add(`{"weight_map":{"a":"1.safetensors","b":"2.safetensors","b":"1.safetensors"}}`)
	f.Fuzz(func(t *testing.T, index string) {
		files := fstest.MapFS{"up.safetensors": {Data: shards()["1.safetensors"]}}
		for name, data := range shards() {
			files["dir/"+name] = &fstest.MapFile{Data: data}
		}
		files["dir/model.safetensors.index.json"].Data = []byte(index)
		c, err := checkpoint.OpenFS(files, "dir")
		if err != nil {
			require.True(t, errors.Is(err, checkpoint.ErrCorrupt) || errors.Is(err, fs.ErrNotExist), err)
			return
		}
		defer c.Close()
		require.Subset(t, []string{"a", "b"}, c.Names())
	})
}
