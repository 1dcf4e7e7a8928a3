// SPDX-License-Identifier: Apache-2.0

package cpu_test

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/backend/backendtest"
	"github.com/zenlm/zen/cpu"
	"github.com/zenlm/zen/cpu/internal/simd"
	"github.com/zenlm/zen/tensor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, o cpu.Options) *cpu.Backend {
	b, err := cpu.New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func TestConformance(t *testing.T) {
	for name, o := range map[string]cpu.Options{
		"workers=5":    {Workers: 5},
		"blas=another": {Workers: 2, BLAS: anotherBLAS{}},
	} {
		t.Run(name, func(t *testing.T) {
			backendtest.Run(t, func(t *testing.T) backend.Backend {
				b, err := cpu.New(o)
				require.NoError(t, err)
				return b
			})
		})
	}
}

// roundingBackend is the CPU with rounded activations, under a name by which the checks open it
// again.
type roundingBackend struct{ *cpu.Backend }

func (roundingBackend) Name() string { return "cpu, rounding" }

func init() {
	backend.Register("cpu, rounding", func(o backend.Options) (backend.Backend, error) {
		b, err := cpu.New(cpu.Options{Workers: o.Workers, Rounding: true})
		return roundingBackend{b}, err
	})
}

func TestConformanceWithRounding(t *testing.T) {
	backendtest.Run(t, func(t *testing.T) backend.Backend {
		b, err := backend.Open("cpu, rounding", backend.Options{Workers: 2})
		require.NoError(t, err)
		return b
	})
}

// TestConformanceOfVariants runs the instruction set that a processor with AVX-512
// would not choose; the tag purego leaves plain Go.
func TestConformanceOfVariants(t *testing.T) {
	for _, name := range []string{"AVX2"} {
		t.Run("simd="+name, func(t *testing.T) {
			defer simd.Use(name)()
			backendtest.Run(t, func(t *testing.T) backend.Backend {
				b, err := cpu.New(cpu.Options{Workers: 2})
				require.NoError(t, err)
				return b
			})
		})
	}
}

// anotherBLAS is a caller's own: a plain triple loop in float64.
type anotherBLAS struct{ gonum.Implementation }

func (anotherBLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int,
	b []float32, ldb int, beta float32, c []float32, ldc int) {
	if tA != blas.NoTrans || tB != blas.Trans {
		panic("only x·yᵀ is used")
	}
	for i := range m {
		for j := range n {
			sum := 0.
			for l := range k {
				sum += float64(a[i*lda+l]) * float64(b[j*ldb+l])
			}
			if beta != 0 { // what c held may be NaN
				sum += float64(beta * c[i*ldc+j])
			}
			c[i*ldc+j] = float32(sum)
		}
	}
}

func TestOptions(t *testing.T) {
	_, err := cpu.New(cpu.Options{Workers: -1})
	require.EqualError(t, err, "cpu: -1 workers")
	require.Equal(t, runtime.GOMAXPROCS(0), open(t, cpu.Options{}).Workers())
	require.Equal(t, 3, open(t, cpu.Options{Workers: 3}).Workers())
	require.True(t, open(t, cpu.Options{}).Deterministic())
	require.False(t, open(t, cpu.Options{BLAS: anotherBLAS{}}).Deterministic())

	b, err := backend.Open("cpu", backend.Options{Workers: 2})
	require.NoError(t, err)
	require.Equal(t, "cpu", b.Name())
	require.Equal(t, 2, b.(*cpu.Backend).Workers())
	require.Regexp(t, `^2 workers; INT8 and INT4 by \w+, BF16 by \w+, `, b.(backend.Describer).Describe())
	require.NoError(t, b.Close())
}

func TestCloseTwice(t *testing.T) {
	b, err := cpu.New(cpu.Options{Workers: 2})
	require.NoError(t, err)
	_, err = b.Alloc(tensor.F32, 100)
	require.NoError(t, err)
	require.NoError(t, b.Close())
	require.NoError(t, b.Close())
}

func TestAllocIsAlignedAndLazy(t *testing.T) {
	b := open(t, cpu.Options{})
	for _, n := range []int{1, 100, 1 << 20} {
		x, err := b.Alloc(tensor.U8, n)
		require.NoError(t, err)
		require.Zero(t, uintptr(unsafe.Pointer(&x.HostBytes()[0]))%64)
	}
	if runtime.GOOS != "linux" || math.MaxInt == math.MaxInt32 {
		return // memory may be committed at once there
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := b.Alloc(tensor.U8, 1<<20, 1<<14)
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.Less(t, after.HeapAlloc-min(before.HeapAlloc, after.HeapAlloc), uint64(1<<20), "on the Go heap")
}

func TestAllocFailureIsError(t *testing.T) {
	b := open(t, cpu.Options{})
	if math.MaxInt > math.MaxInt32 { // with 32 bits there may be as much
		_, err := b.Alloc(tensor.F32, math.MaxInt/8)
		require.ErrorContains(t, err, "cpu: no memory for")
	}
	_, err := b.Alloc(tensor.F32, math.MaxInt, 4)
	require.ErrorContains(t, err, "overflows")
}

func TestWeightKeepsAlignedMemory(t *testing.T) {
	b := open(t, cpu.Options{})
	data := make([]byte, 4*64*8+1)
	for _, c := range []struct {
		dtype  tensor.DType
		offset int
		kept   bool
	}{
		{tensor.F32, 0, true}, {tensor.F32, 4, true}, {tensor.F32, 2, false}, {tensor.F32, 1, false},
		{tensor.BF16, 2, true}, {tensor.F16, 1, false}, {tensor.I8, 1, true},
	} {
		host := &tensor.Tensor{DType: c.dtype, Shape: []int{4, 64}, Storage: tensor.Memory(data), Offset: c.offset}
		if c.dtype == tensor.I8 {
			host.Scales = &tensor.Tensor{DType: tensor.F16, Shape: []int{4, 1}, Storage: tensor.Memory(data), Offset: 1}
		}
		w, err := b.Weight(host)
		require.NoError(t, err)
		same := &w.HostBytes()[0] == &host.HostBytes()[0]
		require.Equal(t, c.kept, same, "%v at %d", c.dtype, c.offset)
		require.Equal(t, host.HostBytes(), w.HostBytes())
		if c.dtype == tensor.I8 {
			require.NotSame(t, &w.Scales.HostBytes()[0], &host.Scales.HostBytes()[0])
			require.Same(t, &data[1], &host.Scales.HostBytes()[0], "host has changed")
		}
		b.Free(w)
	}
	require.Zero(t, data[0]) // the caller's memory is still there
}

// TestWideningIsExact shows that a 16-bit or quantised weight gives the same bits
// as the same weight in float32. Where the processor multiplies BF16 itself, the
// order of the sums is another: there a few bits may differ.
func TestWideningIsExact(t *testing.T) {
	b := open(t, cpu.Options{Workers: 3})
	step := backend.NewStep(b)
	defer step.Close()
	for _, dtype := range []tensor.DType{tensor.F16, tensor.BF16, tensor.I8} {
		for _, n := range []int{1, 3, 130} {
			const in, out = 192, 101
			weight, wide := randomWeight(dtype, out, in)
			x := tensor.FromFloat32(ramp(n*in), n, in)
			got, want := make([]float32, n*out), make([]float32, n*out)
			w, err := b.Weight(weight)
			require.NoError(t, err)
			step.Begin(&backend.Batch{})
			step.MatMul(tensor.FromFloat32(got, n, out), x, w, nil)
			step.MatMul(tensor.FromFloat32(want, n, out), x, tensor.FromFloat32(wide, out, in), nil)
			if dtype == tensor.BF16 && simd.HasBF16() {
				require.InDeltaSlice(t, want, got, 1e-4, "%v, %d rows", dtype, n)
				continue
			}
			require.Equal(t, want, got, "%v, %d rows", dtype, n)
		}
	}
}

// TestRowsOfManyPasses shows that a row has the bits that it has alone where there are too many
// rows for one pass over the weight.
func TestRowsOfManyPasses(t *testing.T) {
	const in, out, n = 2048, 9, 2200
	x, bias := ramp(n*in), tensor.FromFloat32(ramp(out), out)
	run := func(dtype tensor.DType, rounding bool) []float32 {
		b, all := open(t, cpu.Options{Workers: 2, Rounding: rounding}), make([]float32, n*out)
		weight, _ := randomWeight(dtype, out, in)
		w, err := b.Weight(weight)
		require.NoError(t, err)
		b.MatMul(tensor.FromFloat32(all, n, out), tensor.FromFloat32(x, n, in), w, bias)
		for row := range n {
			alone := make([]float32, out)
			b.MatMul(tensor.FromFloat32(alone, 1, out), tensor.FromFloat32(x[row*in:][:in], 1, in), w, bias)
			require.Equal(t, alone, all[row*out:][:out], "%v, row %d, rounding %v", dtype, row, rounding)
		}
		return all
	}
	require.Equal(t, run(tensor.F16, false), run(tensor.F16, true))
	rounded := slices.Compare(run(tensor.BF16, false), run(tensor.BF16, true)) != 0
	require.Equal(t, simd.HasPairs(out, in), rounded)
}

// TestFloat32WeightAtAnyAddress shows that the address of a weight is not in the
// result, as gonum's inner product would have it.
func TestFloat32WeightAtAnyAddress(t *testing.T) {
	b := open(t, cpu.Options{})
	const in, out, n = 100, 9, 2
	values, x := ramp(in*out), tensor.FromFloat32(ramp(n*in), n, in)
	var want []float32
	for skip := range 4 {
		data := make([]float32, in*out+4)
		copy(data[skip:], values)
		got := make([]float32, n*out)
		b.MatMul(tensor.FromFloat32(got, n, out), x, tensor.FromFloat32(data[skip:skip+in*out], out, in), nil)
		if want == nil {
			want = got
		}
		require.Equal(t, want, got)
	}
}

func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Sin(float64(i) * 1.7))
	}
	return x
}

// randomWeight returns a weight and its elements as float32.
func randomWeight(dtype tensor.DType, out, in int) (*tensor.Tensor, []float32) {
	w := &tensor.Tensor{DType: dtype, Shape: []int{out, in}}
	data := make([]byte, out*in*dtype.Size())
	wide := make([]float32, out*in)
	for i := range wide {
		h := uint16(i*40503) & 0xbfff // below 2 in F16 and BF16
		switch dtype {
		case tensor.BF16:
			wide[i] = math.Float32frombits(uint32(h) << 16)
		case tensor.F16:
			h &^= 0x4000
			wide[i] = float32(math.Ldexp(float64(h&0x3ff|0x400), int(h>>10&15)-25))
			if h>>10&15 == 0 {
				wide[i] = float32(math.Ldexp(float64(h&0x3ff), -24))
			}
			if h>>15 == 1 {
				wide[i] = -wide[i]
			}
		}
		if dtype == tensor.I8 {
			data[i] = byte(h)
			wide[i] = float32(int8(h)) * 0.09375
		} else {
			data[2*i], data[2*i+1] = byte(h), byte(h>>8)
		}
	}
	w.Storage = tensor.Memory(data)
	if dtype == tensor.I8 {
		scales := make([]byte, 2*out*in/tensor.QuantBlock)
		for i := 0; i < len(scales); i += 2 {
			scales[i+1] = 0x2e // 0.09375 is 0x2e00
		}
		w.Scales = &tensor.Tensor{DType: tensor.F16, Shape: []int{out, in / tensor.QuantBlock}, Storage: tensor.Memory(scales)}
	}
	return w, wide
}

func TestPanicOfWorkerSurfaces(t *testing.T) {
	for _, workers := range []int{1, 2, 5} {
		b := open(t, cpu.Options{Workers: workers, BLAS: panicBLAS{}})
		x, w := tensor.FromFloat32(make([]float32, 64), 1, 64), tensor.FromFloat32(make([]float32, 64*1000), 1000, 64)
		dst := tensor.FromFloat32(make([]float32, 1000), 1, 1000)
		for range 3 {
			text := func() (text string) {
				defer func() { text, _ = recover().(string) }()
				b.MatMul(dst, x, w, nil)
				return ""
			}()
			require.True(t, strings.Contains(text, "no such matrix"), text)
			// The pool still works.
			b.Add(dst, dst, dst)
		}
	}
}

type panicBLAS struct{ gonum.Implementation }

func (panicBLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int,
	b []float32, ldb int, beta float32, c []float32, ldc int) {
	panic("no such matrix")
}

func TestSeveralBackendsAtOnce(t *testing.T) {
	const in, out, n = 256, 400, 3
	want := make([]float32, n*out)
	x, w := tensor.FromFloat32(ramp(n*in), n, in), tensor.FromFloat32(ramp(in*out), out, in)
	open(t, cpu.Options{Workers: 1}).MatMul(tensor.FromFloat32(want, n, out), x, w, nil)
	done := make(chan []float32)
	for workers := range 4 {
		go func() {
			b, err := cpu.New(cpu.Options{Workers: workers + 1})
			if err != nil {
				panic(err)
			}
			got := make([]float32, n*out)
			for range 50 {
				b.MatMul(tensor.FromFloat32(got, n, out), x, w, nil)
			}
			if err := b.Close(); err != nil {
				panic(err)
			}
			done <- got
		}()
	}
	for range 4 {
		require.Equal(t, want, <-done)
	}
}
