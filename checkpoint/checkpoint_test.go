// SPDX-License-Identifier: Apache-2.0

package checkpoint_test

import (
	"archive/zip"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/checkpoint"
	"github.com/zenlm/zen/tensor"
)

//go:embed testdata/sharded testdata/single
var embedded embed.FS

// expect holds what testdata/_gen/gen.py wrote with Hugging Face's library.
func expect(t *testing.T, c *checkpoint.Checkpoint) {
	t.Helper()
	require.Equal(t, []string{"bf16", "f16", "f32", "f8_e4m3", "f8_e5m2", "i32", "i64", "i8", "scalar", "u8"}, c.Names())
	f32, ok := c.Tensor("f32")
	require.True(t, ok)
	require.Equal(t, tensor.F32, f32.DType)
	require.Equal(t, []int{2, 3}, f32.Shape)
	require.Equal(t, []float32{0, 0.5, 1, 1.5, 2, 2.5}, tensor.Slice[float32](f32))
	for name, want := range map[string][]uint16{
		"f16":  {0x3c00, 0xc000, 0x7bff},
		"bf16": {0x3f80, 0xc000, 0x4049, 0x0000},
	} {
		x, _ := c.Tensor(name)
		require.Equal(t, want, tensor.Slice[uint16](x), name)
	}
	i8, _ := c.Tensor("i8")
	require.Equal(t, []int8{-128, -1, 0, 1, 127}, tensor.Slice[int8](i8))
	i32, _ := c.Tensor("i32")
	require.Equal(t, []int32{-1, 1 << 30}, tensor.Slice[int32](i32))
	scalar, _ := c.Tensor("scalar")
	require.Empty(t, scalar.Shape)
	require.Equal(t, []float32{42}, tensor.Slice[float32](scalar))
	e4m3, _ := c.Tensor("f8_e4m3")
	require.Equal(t, tensor.F8E4M3, e4m3.DType)
	require.Equal(t, []byte{0x38, 0x3c, 0xbe}, e4m3.HostBytes()) // 1, 1.5, -1.75
	e5m2, _ := c.Tensor("f8_e5m2")
	require.Equal(t, tensor.F8E5M2, e5m2.DType)
	total := int64(0)
	for _, name := range c.Names() {
		x, _ := c.Tensor(name)
		total += int64(x.Bytes())
	}
	require.Equal(t, total, c.Bytes())
	_, ok = c.Tensor("F32")
	require.False(t, ok)
}

// zipped returns a zip that holds the files of a folder.
func zipped(t *testing.T, dir string) fs.FS {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	require.NoError(t, w.AddFS(os.DirFS(dir)))
	require.NoError(t, w.Close())
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	require.NoError(t, err)
	return r
}

func TestOpenReadsHuggingFaceFiles(t *testing.T) {
	for _, folder := range []string{"single", "sharded"} {
		dir := filepath.Join("testdata", folder)
		root, err := os.OpenRoot("testdata")
		require.NoError(t, err)
		defer root.Close()
		for kind, open := range map[string]func(...checkpoint.Option) (*checkpoint.Checkpoint, error){
			"folder": func(o ...checkpoint.Option) (*checkpoint.Checkpoint, error) { return checkpoint.Open(dir, o...) },
			"root": func(o ...checkpoint.Option) (*checkpoint.Checkpoint, error) {
				return checkpoint.OpenFS(root.FS(), folder, o...)
			},
			"embed": func(o ...checkpoint.Option) (*checkpoint.Checkpoint, error) {
				return checkpoint.OpenFS(embedded, "testdata/"+folder, o...)
			},
			"zip": func(o ...checkpoint.Option) (*checkpoint.Checkpoint, error) {
				return checkpoint.OpenFS(zipped(t, dir), ".", o...)
			},
		} {
			t.Run(folder+"/"+kind, func(t *testing.T) {
				c, err := open()
				require.NoError(t, err)
				expect(t, c)
				config, err := c.ReadFile("config.json", 100)
				require.NoError(t, err)
				require.Equal(t, "{}\n", string(config))
				require.NoError(t, c.Close())

				var calls, done, total int64
				c, err = open(checkpoint.WithProgress(func(d, n int64) error {
					require.Greater(t, d, done)
					calls, done, total = calls+1, d, n
					return nil
				}))
				require.NoError(t, err)
				defer c.Close()
				expect(t, c)
				require.Positive(t, calls)
				require.Equal(t, total, done)
			})
		}
	}
}

func TestProgressErrorEndsOpen(t *testing.T) {
	stop := errors.New("stop")
	for name, fsys := range map[string]fs.FS{"mapped": os.DirFS("testdata/single"), "read": zipped(t, "testdata/single")} {
		_, err := checkpoint.OpenFS(fsys, ".", checkpoint.WithProgress(func(int64, int64) error { return stop }))
		require.ErrorIs(t, err, stop, name)
	}
}

func TestCloseTwiceAndUseAfterClose(t *testing.T) {
	c, err := checkpoint.Open("testdata/single")
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	_, ok := c.Tensor("f32")
	require.False(t, ok)
	require.Empty(t, c.Names())
	require.Zero(t, c.Bytes())
	_, err = c.ReadFile("config.json", 100)
	require.ErrorIs(t, err, fs.ErrClosed)
}

func TestReadFile(t *testing.T) {
	c, err := checkpoint.Open("testdata/single")
	require.NoError(t, err)
	defer c.Close()
	_, err = c.ReadFile("tokenizer.json", 100)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, filepath.Join("testdata", "single", "tokenizer.json"))
	_, err = c.ReadFile("config.json", 2)
	require.ErrorIs(t, err, checkpoint.ErrCorrupt)
	require.ErrorContains(t, err, "3 bytes, limit 2")
	for _, name := range []string{"", ".", "..", "../single/config.json", "/etc/passwd", `..\x`, "c:x", "a\x00"} {
		_, err = c.ReadFile(name, 100)
		require.ErrorIs(t, err, fs.ErrInvalid, name)
	}
}

func TestMissingFolder(t *testing.T) {
	_, err := checkpoint.Open(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = checkpoint.OpenFS(fstest.MapFS{}, "../x")
	require.ErrorIs(t, err, fs.ErrInvalid)
	var e *checkpoint.Error
	_, err = checkpoint.Open(t.TempDir())
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "neither model.safetensors nor model.safetensors.index.json")
}

func TestWriteIsReadByOpen(t *testing.T) {
	scales := &tensor.Tensor{DType: tensor.F16, Shape: []int{2, 1}, Storage: tensor.Memory{0, 0x3c, 0, 0x40}}
	quantised := &tensor.Tensor{DType: tensor.I8, Shape: []int{2, 64}, Storage: make(tensor.Memory, 128), Scales: scales}
	tensors := map[string]*tensor.Tensor{
		"x.weight": quantised,
		"odd":      {DType: tensor.U8, Shape: []int{3}, Storage: tensor.Memory{9, 1, 2, 3}, Offset: 1},
		"norm":     tensor.FromFloat32([]float32{1, 2}, 2),
		"empty":    tensor.FromFloat32(nil, 0, 4),
		"<&é":      tensor.FromFloat32([]float32{7}),
	}
	var first, second bytes.Buffer
	require.NoError(t, checkpoint.Write(&first, tensors))
	require.NoError(t, checkpoint.Write(&second, tensors))
	require.Equal(t, first.Bytes(), second.Bytes())

	dir := t.TempDir()
	require.NoError(t, checkpoint.Save(dir, tensors))
	require.NoError(t, checkpoint.Save(dir, tensors)) // over the first
	c, err := checkpoint.Open(dir)
	require.NoError(t, err)
	defer c.Close()
	require.Equal(t, []string{"<&é", "empty", "norm", "odd", "x.weight", "x.weight_scale"}, c.Names())
	for name, want := range tensors {
		got, ok := c.Tensor(name)
		require.True(t, ok, name)
		require.Equal(t, want.DType, got.DType, name)
		require.Equal(t, append([]int{}, want.Shape...), got.Shape, name)
		require.Equal(t, string(want.HostBytes()), string(got.HostBytes()), name)
	}
	got, _ := c.Tensor("x.weight_scale")
	require.Equal(t, []uint16{0x3c00, 0x4000}, tensor.Slice[uint16](got))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestWriteRefusesWhatAFileCannotHold(t *testing.T) {
	ok := tensor.FromFloat32([]float32{1}, 1)
	quantised := *ok
	quantised.Scales = ok
	for name, tensors := range map[string]map[string]*tensor.Tensor{
		"no name":        {"": ok},
		"metadata":       {"__metadata__": ok},
		"bad UTF-8":      {"\xff": ok},
		"8-bit float":    {"a": {DType: tensor.F8E4M3, Shape: []int{1}, Storage: tensor.Memory{0}}},
		"no type":        {"a": {Shape: []int{1}, Storage: tensor.Memory{0}}},
		"no memory":      {"a": {DType: tensor.U8, Shape: []int{1}}},
		"outside":        {"a": {DType: tensor.U8, Shape: []int{2}, Storage: tensor.Memory{0, 0}, Offset: 1}},
		"negative":       {"a": {DType: tensor.U8, Shape: []int{-1}, Storage: tensor.Memory{0, 0}}},
		"scale collides": {"a": &quantised, "a_scale": ok},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, checkpoint.Write(&bytes.Buffer{}, tensors))
			dir := t.TempDir()
			require.Error(t, checkpoint.Save(dir, tensors))
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func ExampleOpen() {
	c, err := checkpoint.Open("testdata/sharded")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	t, _ := c.Tensor("f32")
	fmt.Println(t.DType, t.Shape, tensor.Slice[float32](t))
	// Output: F32 [2 3] [0 0.5 1 1.5 2 2.5]
}

func ExampleOpenFS() {
	c, err := checkpoint.OpenFS(embedded, "testdata/single", checkpoint.WithProgress(func(done, total int64) error {
		fmt.Println("read", done == total)
		return nil
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(len(c.Names()), "tensors,", c.Bytes(), "bytes")
	// Output:
	// read true
	// 10 tensors, 72 bytes
}

func ExampleWrite() {
	var b bytes.Buffer
	err := checkpoint.Write(&b, map[string]*tensor.Tensor{"bias": tensor.FromFloat32([]float32{1, 2}, 2)})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := checkpoint.OpenFS(fstest.MapFS{"model.safetensors": {Data: b.Bytes()}}, ".")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(c.Names())
	// Output: [bias]
}

func ExampleSave() {
	err := checkpoint.Save("no/such/folder", nil)
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output: true
}
