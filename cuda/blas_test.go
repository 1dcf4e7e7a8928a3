// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/backend/backendtest"
	"github.com/zenlm/zen/tensor"
)

// The contract with the package's own products in cuBLASLt's place.
func TestBackendContractWithoutCuBLASLt(t *testing.T) {
	b, err := open(0)
	if err != nil {
		t.Skip(err)
	}
	require.NoError(t, b.Close())
	backendtest.Run(t, func(t *testing.T) backend.Backend {
		b, err := open(0)
		require.NoError(t, err)
		b.blas.close()
		b.blas = nil
		return b
	}, backendtest.WidensI8(tensor.F16))
}

// small returns n small values as float16, and the values.
func small(rng *rand.Rand, n int) (data []byte, values []float32) {
	for range n {
		bits := tensor.F32ToF16(rng.Float32()*2 - 1)
		data = binary.LittleEndian.AppendUint16(data, bits)
		values = append(values, tensor.F16ToF32(bits))
	}
	return data, values
}

// operand uploads bytes.
func operand(t *testing.T, b *Backend, dtype tensor.DType, data []byte, shape ...int) *tensor.Tensor {
	x, err := b.Alloc(dtype, shape...)
	require.NoError(t, err)
	b.Upload(x, data)
	return x
}

func floatBytes(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

// What the library is told of shapes, strides and operands is what a product of
// matrices is.
func TestProductsOfCuBLASLt(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	require.NotNil(t, b.blas)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		n, in, out, stride int
		bias, add          bool
	}{{9, 16, 12, 12, false, false}, {9, 16, 12, 20, true, false}, {10, 24, 8, 8, true, true}, {70, 8, 4, 8, false, true}} {
		x16, x := small(rng, c.n*c.in)
		w16, w := small(rng, c.out*c.in)
		_, bias := small(rng, c.out)
		_, dst := small(rng, c.n*c.stride)
		d := operand(t, b, tensor.F32, floatBytes(dst), c.n, c.stride)
		p := product16{dst: address(d), x: halves{address: address(operand(t, b, tensor.F16, x16, c.n, c.in)), scale: 0.5},
			weight: address(operand(t, b, tensor.F16, w16, c.out, c.in)), wScale: 4,
			n: c.n, in: c.in, out: c.out, stride: c.stride}
		if c.bias {
			p.bias = address(operand(t, b, tensor.F32, floatBytes(bias), c.out))
		}
		if c.add {
			p.residual = p.dst
		}
		require.True(t, b.library(p))
		if !c.bias && !c.add {
			requireHalf(t, b, p, d)
		}
		got := make([]float32, len(dst))
		b.Download(floatBytes(got), d)
		require.NoError(t, b.Sync())
		for i := range c.n {
			for o := range c.stride {
				want := dst[i*c.stride+o]
				if o < c.out {
					want = reference(x[i*c.in:][:c.in], w[o*c.in:][:c.in], bias[o], want, c.bias, c.add)
				}
				require.InDelta(t, want, got[i*c.stride+o], 1e-5, "%+v: row %d output %d", c, i, o)
			}
		}
	}
	require.NoError(t, b.Close())
}

// requireHalf requires that p's results as F16, times a power of two, are those in d.
func requireHalf(t *testing.T, b *Backend, p product16, d *tensor.Tensor) {
	half := operand(t, b, tensor.F16, make([]byte, 2*p.n*p.stride), p.n, p.stride)
	p.dst, p.unit = address(half), 0.125
	require.True(t, b.library(p))
	want, got := make([]float32, p.n*p.stride), make([]byte, 2*p.n*p.stride)
	b.Download(floatBytes(want), d)
	b.Download(got, half)
	require.NoError(t, b.Sync())
	for i := range p.n {
		for o := range p.out {
			at := i*p.stride + o
			h := tensor.F16ToF32(binary.LittleEndian.Uint16(got[2*at:]))
			require.InDelta(t, want[at], 8*h, 0x1p-10*math.Abs(float64(want[at]))+1e-6)
		}
	}
}

// reference is an element of a product whose scales are 1/2 and 4.
func reference(x, w []float32, bias, residual float32, useBias, useResidual bool) float32 {
	sum := float32(0)
	for k := range x {
		sum += 2 * x[k] * w[k]
	}
	if useBias {
		sum += bias
	}
	if useResidual {
		sum += residual
	}
	return sum
}

// Rows of a bucket share a plan; a shape without an algorithm is remembered too.
func TestPlansAreMadeOnce(t *testing.T) {
	if !child(t, "ZEN_NO_ALGORITHM=24") {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	memory, err := b.alloc(1 << 20)
	require.NoError(t, err)
	at := memory.address
	p := product16{dst: at, x: halves{address: at + 1<<18}, weight: at + 1<<19, in: 8, out: 16, stride: 16}
	for _, n := range []int{65, 81, 80, 65} {
		p.n = n
		require.True(t, b.library(p))
	}
	require.Len(t, b.blas.plans, 2)
	p.out, p.stride = 24, 24
	require.False(t, b.library(p))
	require.False(t, b.library(p))
	require.Len(t, b.blas.plans, 3)
	p.dst += 4
	p.out, p.stride = 16, 16
	require.False(t, b.library(p), "an address that is no multiple of 16")
	require.NoError(t, b.Sync())
	require.NoError(t, b.Close())
}

func TestBucketsHoldTheirRows(t *testing.T) {
	before := 0
	for n := 1; n < 5000; n++ {
		got := bucket(n)
		require.GreaterOrEqual(t, got, n)
		require.LessOrEqual(t, got, n+max(7, n/4))
		require.GreaterOrEqual(t, got, before)
		require.Equal(t, got, bucket(got))
		before = got
	}
}

// A product that the library refuses is an error with its name.
func TestFailureOfCuBLASLtIsAnError(t *testing.T) {
	if !child(t, "ZEN_NO_PRODUCT=16") {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	memory, err := b.alloc(1 << 20)
	require.NoError(t, err)
	p := product16{dst: memory.address, x: halves{address: memory.address}, weight: memory.address, n: 8, in: 8, out: 16, stride: 16}
	require.True(t, b.library(p))
	var fault *Error
	require.ErrorAs(t, b.Sync(), &fault)
	require.Equal(t, "CUBLAS_STATUS_EXECUTION_FAILED", fault.Name)
	require.NoError(t, b.Close())
}
