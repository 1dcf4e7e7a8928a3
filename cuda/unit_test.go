// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// looked returns a matrix whose largest magnitude has been read.
func looked(dtype tensor.DType, out, in int, bits uint16) *tensor.Tensor {
	m := &memory{magnitudeAt: 1, magnitude: bits, seen: true}
	if dtype == tensor.Q8 || dtype == tensor.Q4 {
		return &tensor.Tensor{DType: dtype, Shape: []int{out, in}, Storage: &memory{}, Scales: &tensor.Tensor{Storage: m}}
	}
	m.halved = dtype == tensor.BF16
	return &tensor.Tensor{DType: tensor.F16, Shape: []int{out, in}, Storage: m}
}

func bounded(n int, largest float32) *tensor.Tensor {
	return &tensor.Tensor{DType: tensor.F32, Shape: []int{n}, Storage: &memory{largest: largest}}
}

// A matrix of BF16 is multiplied by what brings its largest to [2^14, 2^15), and products
// by the inverse, for every finite largest.
func TestScaleUndoesHalving(t *testing.T) {
	b := &Backend{stream: &stream{}}
	for bits := uint16(0); bits < infinityBF16; bits += 7 {
		scale := float64(b.scaleOf(looked(tensor.BF16, 8, 8, bits)))
		fraction, _ := math.Frexp(scale)
		require.Equal(t, 0.5, fraction, "%#x: no power of two", bits)
		if value := float64(tensor.BF16ToF32(bits)); value >= 0x1p-112 {
			require.GreaterOrEqual(t, value/scale, 0x1p14, "%#x", bits)
			require.Less(t, value/scale, 0x1p15, "%#x", bits)
		}
	}
	require.EqualValues(t, 1, b.scaleOf(looked(tensor.F16, 8, 8, 0x3c00)))
	require.EqualValues(t, 1, b.scaleOf(&tensor.Tensor{Storage: &memory{}}))
}

// Widened, no element of a quantised matrix leaves F16.
func TestQuantizedMatricesFitF16(t *testing.T) {
	b := &Backend{stream: &stream{}}
	for bits := uint16(0); bits < infinityF16; bits++ {
		unit := float64(b.unitOf(looked(tensor.Q8, 8, 64, bits)))
		largest := 128 * float64(tensor.F16ToF32(bits)) * unit
		require.LessOrEqual(t, largest, 0x1p15, "%#x", bits)
		if bits > 0 {
			require.GreaterOrEqual(t, largest, 0x1p14, "%#x", bits)
		}
	}
}

func TestNormalizedRowsFitF16(t *testing.T) {
	for _, n := range []int{1, 64, 3584, 1 << 20} {
		for _, largest := range []float32{0x1p-126, 1e-3, 1, 7.5, 1e30, math.MaxFloat32} {
			unit := float64(normUnit(bounded(n, largest)))
			most := math.Sqrt(float64(n)) * float64(largest) * unit
			require.LessOrEqual(t, most, 0x1p15, "%d %g", n, largest)
			if largest > 1e-20 {
				require.GreaterOrEqual(t, most, 0x1p14, "%d %g", n, largest)
			}
		}
	}
	require.Zero(t, normUnit(bounded(64, 0)), "no bound is known")
	require.EqualValues(t, 8, largestOf(floatBytes([]float32{1, -8, float32(math.Inf(1)), float32(math.NaN())})))
	require.EqualValues(t, float32(0x1p-126), largestOf(floatBytes([]float32{0, 0})))
}

// Products are kept as F16 where a bound is known that leaves them their digits.
func TestProductsFitF16OrStayFloat32(t *testing.T) {
	b := &Backend{stream: &stream{}}
	for _, c := range []struct {
		weight *tensor.Tensor
		bound  float64 // of the largest element
	}{
		{looked(tensor.BF16, 8, 64, 0x3f80), 1}, {looked(tensor.F16, 8, 64, 0x4000), 2},
		{looked(tensor.Q8, 8, 64, 0x2400), 2}, {looked(tensor.Q4, 8, 64, 0x2c00), 0.5},
	} {
		unit := float64(b.outputUnit(bounded(64, 3), c.weight))
		require.LessOrEqual(t, 64*3*c.bound*unit, 0x1p15, "%v", c)
		require.Greater(t, 64*3*c.bound*unit, 0x1p13, "%v", c)
	}
	require.NotZero(t, b.outputUnit(bounded(64, 0x1p17), looked(tensor.BF16, 8, 64, 0x3f80)))
	require.Zero(t, b.outputUnit(bounded(64, 0x1.1p18), looked(tensor.BF16, 8, 64, 0x3f80)), "the range is too wide")
	require.Zero(t, b.outputUnit(bounded(64, 1), &tensor.Tensor{DType: tensor.F16, Storage: &memory{}}), "nobody has looked")
}

// functions returns what was launched since the last flush; word is a parameter of a launch.
func functions(b *Backend) (all []uint64) {
	for _, l := range b.stream.launches {
		all = append(all, l.function)
	}
	return all
}

func word(l launch, at int) uint64 { return binary.LittleEndian.Uint64(l.params[at:]) }

// The rows of a product that is added to x are scaled by the norm of x, where that comes
// next, or else before anything else happens.
func TestRowsAreScaledByTheNormThatFollows(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	const n, width = 16, 64
	rows := func() *tensor.Tensor { return operand(t, b, tensor.F32, make([]byte, 4*n*width), n, width) }
	x, y, a := rows(), rows(), rows()
	norm := operand(t, b, tensor.F32, make([]byte, 4*width), width)
	o := backend.Projection{Weight: operand(t, b, tensor.F16, make([]byte, 2*width*width), width, width), Bias: norm}
	add := func() {
		require.NoError(t, b.Sync())
		b.MatMulAdd(x, a, o)
		require.Equal(t, address(x), b.due.x)
		require.NotContains(t, functions(b), b.kernels.scaleRows)
	}
	add() // and its memory is there

	add()
	due := b.due
	b.RMSNorm(y, x, norm, 1e-6)
	require.Zero(t, b.due)
	require.NotContains(t, functions(b), b.kernels.scaleRows)
	l := b.stream.launches[len(b.stream.launches)-1]
	require.Equal(t, []uint64{b.kernels.rmsNorm, due.product, due.rowScale, due.bias}, []uint64{l.function, word(l, 24), word(l, 32), word(l, 40)})
	require.Equal(t, address(norm), due.bias)

	for name, next := range map[string]func(){
		"another operation":   func() { b.Add(y, y, y) },
		"the norm of others":  func() { b.RMSNorm(y, a, norm, 1e-6) },
		"a norm in its place": func() { b.RMSNorm(x, x, norm, 1e-6) },
		"another product":     func() { b.MatMulAdd(y, a, o) },
		"a product of F16": func() {
			b.library(product16{dst: address(y), x: halves{address: address(a)}, weight: address(o.Weight), n: n, in: width, out: width, stride: width})
		},
	} {
		add()
		before := len(b.stream.launches)
		next()
		require.Equal(t, b.kernels.scaleRows, functions(b)[before], name)
	}
	for name, next := range map[string]func(){
		"Sync": func() { _ = b.Sync() }, "Upload": func() { b.Upload(y, make([]byte, 4*n*width)) },
		"Download": func() { b.Download(make([]byte, 4*n*width), x) },
		"Alloc":    func() { _, _ = b.Alloc(tensor.F32, 1) },
	} {
		add()
		next()
		require.Zero(t, b.due, name)
	}
	require.NoError(t, b.Close())
}

// Rows that a norm has just written need no scales of their own.
func TestRowsOfANormShareTheirUnit(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	const n, width = 16, 64
	rows := func() *tensor.Tensor { return operand(t, b, tensor.F32, make([]byte, 4*n*width), n, width) }
	x, y, z := rows(), rows(), rows()
	norm, err := b.Weight(&tensor.Tensor{DType: tensor.F32, Shape: []int{width}, Storage: tensor.Memory(floatBytes(make([]float32, width)))})
	require.NoError(t, err)
	weight := operand(t, b, tensor.F16, make([]byte, 2*width*width), width, width)
	convert := func() launch {
		for _, l := range b.stream.launches {
			if l.function == b.kernels.convert {
				return l
			}
		}
		require.Fail(t, "no conversion")
		return launch{}
	}
	b.MatMul(z, y, weight, nil) // and its memory is there
	require.NoError(t, b.Sync())

	b.RMSNorm(y, x, norm, 1e-6)
	b.MatMul(z, y, weight, nil)
	require.Zero(t, word(convert(), 8), "scales of rows")
	require.NotContains(t, functions(b), b.kernels.scaleRows)
	require.NoError(t, b.Sync())

	b.RMSNorm(y, x, norm, 1e-6)
	b.Add(x, x, x)
	b.MatMul(z, y, weight, nil)
	require.NotZero(t, word(convert(), 8), "something lay between")
	require.Contains(t, functions(b), b.kernels.scaleRows)
	require.NoError(t, b.Sync())

	b.Upload(norm, make([]byte, 4*width))
	b.RMSNorm(y, x, norm, 1e-6)
	b.MatMul(z, y, weight, nil)
	require.NotZero(t, word(convert(), 8), "the norm has other weights, of which no bound is known")
	require.NoError(t, b.Close())
}

// Gate and up are F16 where their bounds are known.
func TestGateAndUpOfManyRowsAreF16(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	const n, hidden, inner = 16, 64, 128
	host := func(dtype tensor.DType, shape ...int) *tensor.Tensor {
		size, err := tensor.CheckedBytes(dtype, shape)
		require.NoError(t, err)
		w, err := b.Weight(&tensor.Tensor{DType: dtype, Shape: shape, Storage: tensor.Memory(make([]byte, size))})
		require.NoError(t, err)
		return w
	}
	x := operand(t, b, tensor.F32, make([]byte, 4*n*hidden), n, hidden)
	gated := backend.Gated{Norm: host(tensor.F32, hidden), Eps: 1e-6,
		Gate: backend.Projection{Weight: host(tensor.BF16, inner, hidden)}, Up: backend.Projection{Weight: host(tensor.F16, inner, hidden)}}
	down := backend.Projection{Weight: host(tensor.BF16, hidden, inner)}
	require.Equal(t, tensor.F16, gated.Gate.Weight.DType)
	for _, c := range []struct {
		bias *tensor.Tensor
		want tensor.DType
	}{{nil, tensor.F16}, {host(tensor.F32, inner), tensor.F32}} {
		gated.Up.Bias = c.bias
		for range 2 { // its memory is there the second time
			require.NoError(t, b.Sync())
			require.True(t, b.MLPAdd(x, gated, down))
		}
		require.Contains(t, functions(b), b.kernels.swiGLURows[c.want])
	}
	require.NoError(t, b.Sync())
	require.NoError(t, b.Close())
}

// The driver gives memory in pieces of 2 MiB: a matrix that fills one takes no other.
func TestMagnitudesLieBesideTheirMatrices(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	w, err := b.Weight(&tensor.Tensor{DType: tensor.BF16, Shape: []int{1024, 1024}, Storage: tensor.Memory(make([]byte, 2<<20))})
	require.NoError(t, err)
	m := w.Storage.(*memory)
	require.Equal(t, 2<<20, b.memory.live[m.address])
	require.Equal(t, rounded(magnitudeBytes), b.memory.live[m.magnitudeAt])
	address, beside := m.address, m.beside
	m.forget()
	b.Free(w)
	require.NotContains(t, b.memory.live, address)
	require.NotContains(t, b.memory.live, beside)
	require.NoError(t, b.Close())
}

func TestOnlyVocabulariesAreSliced(t *testing.T) {
	for _, c := range []struct{ in, out, want int }{
		{2048, 11008, 11008}, {11008, 2048, 2048}, {3584, 18944, 18944}, {2048, 151936, 10240}, {3584, 151936, 5760}, {1 << 20, 1000, gemmTile},
	} {
		require.Equal(t, c.want, sliceOutputs(c.in, c.out), "%v", c)
	}
}

// Outputs in F16 of a matrix that is widened in slices follow each other.
func TestSlicesOfF16FollowEachOther(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	const n, in, out = 300, 4096, 30000
	weight := &tensor.Tensor{DType: tensor.Q4, Shape: []int{out, in}, Storage: &memory{}, Scales: &tensor.Tensor{Storage: &memory{}}}
	p := product{dst: 1 << 20, x: &tensor.Tensor{Shape: []int{n, in}}, x16: halves{address: 1 << 21, scale: 1}, weight: weight}
	for unit, size := range map[float32]int{0: 4, 0.5: 2} {
		p.unit = unit
		b.gemmWide(p)
		var at []uint64
		for _, l := range b.stream.launches {
			if l.blas == 1 {
				at = append(at, word(l, 0))
			}
		}
		b.stream.launches = b.stream.launches[:0] // there is nothing at these addresses
		var want []uint64
		for first := 0; first < out; first += sliceOutputs(in, out) {
			want = append(want, 1<<20+uint64(size*first))
		}
		require.Len(t, want, 6)
		require.Equal(t, want, at, "%d bytes", size)
	}
	require.NoError(t, b.Close())
}
