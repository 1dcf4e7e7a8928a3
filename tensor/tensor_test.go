// SPDX-License-Identifier: Apache-2.0

package tensor_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tensor"
)

func TestDTypeNamesAreSafetensors(t *testing.T) {
	// The names and sizes of safetensors 0.6's Dtype.
	sizes := map[string]int{
		"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
		"I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8,
	}
	for name, size := range sizes {
		d, err := tensor.ParseDType(name)
		require.NoError(t, err)
		require.Equal(t, name, d.String())
		require.Equal(t, size, d.Size(), name)
	}
}

func TestUnknownDType(t *testing.T) {
	for _, name := range []string{"", "invalid", "f32", "F4", "F32 "} {
		_, err := tensor.ParseDType(name)
		require.EqualError(t, err, fmt.Sprintf("tensor: unknown dtype %q", name))
	}
	require.Zero(t, tensor.Invalid.Size())
	require.Zero(t, tensor.DType(200).Size())
	require.Equal(t, "DType(200)", tensor.DType(200).String())
}

func TestCheckedBytes(t *testing.T) {
	for _, c := range []struct {
		dtype tensor.DType
		shape []int
		want  int
		err   string
	}{
		{tensor.F32, nil, 4, ""},
		{tensor.BF16, []int{3, 5}, 30, ""},
		{tensor.F64, []int{0, 5}, 0, ""},
		{tensor.U8, []int{math.MaxInt}, math.MaxInt, ""},
		{tensor.F16, []int{math.MaxInt}, 0, fmt.Sprintf("tensor: shape [%d] of F16 overflows", math.MaxInt)},
		{tensor.U8, []int{math.MaxInt, 0, 2}, 0, ""},
		{tensor.F32, []int{1 << 15, 1 << 15, 1 << 15, 1 << 15, 1 << 15}, 0,
			"tensor: shape [32768 32768 32768 32768 32768] of F32 overflows"},
		{tensor.F32, []int{2, -1}, 0, "tensor: shape [2 -1] has a negative dimension"},
		{tensor.F32, []int{0, -1}, 0, "tensor: shape [0 -1] has a negative dimension"},
		{tensor.Invalid, []int{2}, 0, "tensor: invalid has no size"},
	} {
		n, err := tensor.CheckedBytes(c.dtype, c.shape)
		if c.err != "" {
			require.EqualError(t, err, c.err)
			continue
		}
		require.NoError(t, err, "%v %v", c.dtype, c.shape)
		require.Equal(t, c.want, n, "%v %v", c.dtype, c.shape)
	}
}

// TestCheckedBytesNeverWraps compares with arithmetic that cannot.
func TestCheckedBytesNeverWraps(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		shape, want := make([]int, rng.IntN(6)), big.NewInt(8)
		for i := range shape {
			shape[i] = rng.Int() >> rng.IntN(62)
			want.Mul(want, big.NewInt(int64(shape[i])))
		}
		n, err := tensor.CheckedBytes(tensor.I64, shape)
		if err == nil {
			require.Zero(t, want.Cmp(big.NewInt(int64(n))), "%v", shape)
		} else {
			// A zero after the overflow does not undo it: refusing is safe.
			require.True(t, !want.IsInt64() || want.Sign() == 0 || want.Int64() > math.MaxInt, "%v: %v", shape, err)
		}
	}
}

func TestElementsRefusesNonsense(t *testing.T) {
	require.Equal(t, 1, tensor.Elements(nil))
	require.Equal(t, 0, tensor.Elements([]int{3, 0}))
	require.PanicsWithValue(t, "tensor: a shape with dimension -1 has no size", func() { tensor.Elements([]int{3, -1}) })
	require.Panics(t, func() { tensor.Elements([]int{math.MaxInt, 2}) })
}

func TestFromFloat32KeepsData(t *testing.T) {
	data := []float32{1, 2, 3, 4, 5, 6}
	x := tensor.FromFloat32(data, 2, 3)
	data[4] = 50
	require.Equal(t, data, tensor.Slice[float32](x))
	require.Equal(t, 6, x.Len())
	require.Equal(t, 24, x.Bytes())
	require.Equal(t, 24, x.Storage.Size())
	require.Equal(t, []int{2, 3, 3, 2}, []int{x.Dim(0), x.Dim(1), x.Dim(-1), x.Dim(-2)})
	require.False(t, x.Quantized())
	require.PanicsWithValue(t, "tensor: FromFloat32: 6 elements, shape [7]", func() { tensor.FromFloat32(data, 7) })
	require.Nil(t, tensor.Slice[float32](tensor.FromFloat32(nil, 0, 3)))
}

func TestRowsIsAView(t *testing.T) {
	x := tensor.FromFloat32([]float32{0, 1, 2, 3, 4, 5, 6, 7}, 4, 2)
	v := x.Rows(1, 2)
	require.Equal(t, []int{2, 2}, v.Shape)
	require.Equal(t, []float32{2, 3, 4, 5}, tensor.Slice[float32](v))
	require.Equal(t, []float32{4, 5}, tensor.Slice[float32](v.Rows(1, 1)))
	require.Equal(t, []int{4, 2}, x.Shape, "the view changed its tensor")
	tensor.Slice[float32](v)[0] = 20
	require.EqualValues(t, 20, tensor.Slice[float32](x)[2])
	require.Empty(t, tensor.Slice[float32](x.Rows(4, 0)))
	require.Len(t, v.HostBytes(), 16)
	require.Equal(t, 16, cap(v.HostBytes()), "append would write behind the view")
	for _, c := range [][2]int{{-1, 1}, {0, -1}, {4, 1}, {0, 5}, {1, math.MaxInt}} {
		require.Panics(t, func() { x.Rows(c[0], c[1]) }, "%v", c)
	}
}

func TestRowsOfQuantizedTakesScalesAlong(t *testing.T) {
	x := tensor.Tensor{DType: tensor.I8, Shape: []int{3, 128}, Storage: make(tensor.Memory, 400), Offset: 10,
		Scales: &tensor.Tensor{DType: tensor.F16, Shape: []int{3, 2}, Storage: make(tensor.Memory, 12)}}
	require.True(t, x.Quantized())
	v := x.Rows(2, 1)
	require.Equal(t, 10+2*128, v.Offset)
	require.Equal(t, 2*2*2, v.Scales.Offset)
	require.Equal(t, []int{1, 2}, v.Scales.Shape)
}

func TestSliceRefusesOtherTypes(t *testing.T) {
	m := make(tensor.Memory, 64)
	at := func(dtype tensor.DType, offset int) *tensor.Tensor {
		return &tensor.Tensor{DType: dtype, Shape: []int{4}, Storage: m, Offset: offset}
	}
	require.Len(t, tensor.Slice[int32](at(tensor.I32, 8)), 4)
	require.Len(t, tensor.Slice[uint16](at(tensor.BF16, 2)), 4)
	require.Len(t, tensor.Slice[int8](at(tensor.I8, 3)), 4)
	require.PanicsWithValue(t, "tensor: Slice: float32 of a BF16 tensor at offset 0",
		func() { tensor.Slice[float32](at(tensor.BF16, 0)) })
	require.PanicsWithValue(t, "tensor: Slice: float32 of a F32 tensor at offset 2",
		func() { tensor.Slice[float32](at(tensor.F32, 2)) })
	require.Panics(t, func() { tensor.Slice[int8](at(tensor.I8, 61)) }, "past the memory")
}

type elsewhere struct{}

func (elsewhere) Size() int { return 64 }

func TestHostBytesRefusesDeviceMemory(t *testing.T) {
	x := tensor.Tensor{DType: tensor.F32, Shape: []int{4}, Storage: elsewhere{}}
	require.PanicsWithValue(t, "tensor: HostBytes: memory is tensor_test.elsewhere", func() { x.HostBytes() })
}

func ExampleFromFloat32() {
	x := tensor.FromFloat32([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
	fmt.Println(x.DType, x.Shape, x.Bytes())
	fmt.Println(tensor.Slice[float32](x.Rows(1, 2)))
	// Output:
	// F32 [3 2] 24
	// [3 4 5 6]
}

func ExampleParseDType() {
	d, err := tensor.ParseDType("BF16")
	fmt.Println(d, d.Size(), err)
	_, err = tensor.ParseDType("F7")
	fmt.Println(err)
	// Output:
	// BF16 2 <nil>
	// tensor: unknown dtype "F7"
}

func ExampleCheckedBytes() {
	fmt.Println(tensor.CheckedBytes(tensor.F16, []int{151936, 2048}))
	_, err := tensor.CheckedBytes(tensor.F16, []int{-1, 2048})
	fmt.Println(err)
	// Output:
	// 622329856 <nil>
	// tensor: shape [-1 2048] has a negative dimension
}
