// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tensor"
)

// Matrices of many tiles, which blocks share, give what the widened weight gives, twice: the
// first leaves counters as it found them.
func TestQuantizedProductsAgreeWithWidenedWeights(t *testing.T) {
	b, err := open(0)
	if err != nil {
		t.Skip(err)
	}
	defer func() { require.NoError(t, b.Close()) }()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, dtype := range []tensor.DType{tensor.Q8, tensor.Q4} {
		for _, m := range []struct{ out, in int }{{1000, 520}, {129, 9000}, {4608, 3584}, {64, 64}} {
			weight := randomQuantized(t, b, rng, dtype, m.out, m.in)
			for _, n := range []int{1, 8, 13, 32, 50, 64, 128, 131} {
				_, x := small(rng, n*m.in)
				_, before := small(rng, n*m.out)
				_, bias := small(rng, m.out)
				p := product{x: operand(t, b, tensor.F32, floatBytes(x), n, m.in), weight: weight,
					bias: operand(t, b, tensor.F32, floatBytes(bias), m.out)}
				wide := b.added(t, p, before, b.gemmWide)
				for range 2 {
					got := b.added(t, p, before, b.gemmQuantized)
					require.Less(t, distance(got, wide), 1e-3, "%v [%d %d] %d rows", dtype, m.out, m.in, n)
				}
				b.Free(p.x)
				b.Free(p.bias)
			}
			b.Free(weight)
		}
	}
}

// added returns what the product p, by run, makes of before.
func (b *Backend) added(t *testing.T, p product, before []float32, run func(product)) []float32 {
	n, out := p.x.Dim(0), p.weight.Dim(0)
	dst := operand(t, b, tensor.F32, floatBytes(before), n, out)
	defer b.Free(dst)
	p.dst, p.residual = address(dst), address(dst)
	run(p)
	got := make([]float32, n*out)
	b.Download(floatBytes(got), dst)
	require.NoError(t, b.Sync())
	return got
}

// distance returns max|got-want| / max|want|, NaN where either has one.
func distance(got, want []float32) float64 {
	diff, size := 0.0, 0.0
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= diff) {
			diff = d
		}
		size = max(size, math.Abs(float64(want[i])))
	}
	return diff / size
}

// randomQuantized returns a matrix of random quants and of scales from 2⁻⁷ to 2⁻⁵.
func randomQuantized(t *testing.T, b *Backend, rng *rand.Rand, dtype tensor.DType, out, in int) *tensor.Tensor {
	layout := layoutOf(dtype, in)
	quants := make([]byte, out*layout.rowBytes)
	for i := range quants {
		quants[i] = byte(rng.Uint32())
	}
	var halfScales []byte
	for range out * layout.scales {
		halfScales = binary.LittleEndian.AppendUint16(halfScales, uint16(0x2000+rng.IntN(0x800)))
	}
	return &tensor.Tensor{DType: dtype, Shape: []int{out, in},
		Storage: operand(t, b, tensor.U8, quants, len(quants)).Storage,
		Scales:  operand(t, b, tensor.F16, halfScales, out, layout.scales)}
}

// Each number of rows goes to the kernel that is for it, in as many launches as it
// takes, and rows follow each other in x, dst and the residual.
func TestRowsOfQuantizedProducts(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(5, 6))
	for _, dtype := range []tensor.DType{tensor.Q8, tensor.Q4} {
		small, large := randomQuantized(t, b, rng, dtype, 300, 520), &tensor.Tensor{DType: dtype, Shape: []int{1 << 14, 3584}, Scales: &tensor.Tensor{}}
		require.True(t, b.streams(b.gemvRows(small), small))
		require.False(t, b.streams(9, small))
		require.True(t, b.readsOnce(9, small))
		wide := &tensor.Tensor{DType: dtype, Shape: []int{300, 11008}, Scales: &tensor.Tensor{}}
		require.True(t, b.streams(4, wide))
		require.False(t, b.streams(5, wide))
		require.True(t, b.readsOnce(5, wide))
		require.True(t, b.readsOnce(qgemmAlways, small))
		require.False(t, b.readsOnce(qgemmAlways+1, small))
		require.True(t, b.readsOnce(qgemmLarge, large))
		require.False(t, b.readsOnce(qgemmLarge+1, large))
		require.Equal(t, 64, b.qgemmRows(dtype))
		for n, columns := range map[int][]int{5: {8}, 16: {16}, 17: {32}, 64: {64}, 65: {64, 8}, 128: {64, 64}} {
			require.NoError(t, b.Sync())
			b.qgemm(small, product16{dst: 1 << 20, x: halves{address: 1 << 21, rowScale: 1 << 23, scale: 1}, residual: 1 << 22, n: n, in: 520, out: 300, stride: 300})
			require.Len(t, b.stream.launches, len(columns), "%d rows", n)
			for i, l := range b.stream.launches {
				require.Equal(t, b.kernels.qgemm[variantOf(columns[i])][dtype], l.function)
				require.Equal(t, uint32(96), l.bytes)
				word := func(at int) uint64 { return binary.LittleEndian.Uint64(l.params[at:]) }
				require.Equal(t, uint64(1<<20+i*64*300*4), word(0), "dst")
				require.Equal(t, uint64(1<<21+i*64*520*2), word(8), "x")
				require.Equal(t, uint64(1<<22+i*64*300*4), word(40), "residual")
				require.Equal(t, uint64(1<<23+i*64*4), word(48), "scales of rows")
				require.Equal(t, min(64, n-64*i), int(binary.LittleEndian.Uint32(l.params[72:])), "rows")
			}
			b.stream.launches = b.stream.launches[:0]
		}
		b.Free(small)
	}
	require.NoError(t, b.Close())
}

func variantOf(columns int) int {
	for i, c := range qgemmColumns {
		if c == columns {
			return i
		}
	}
	return -1
}

// Shared memory of every kind of card holds two stages at least of each variant that
// is used, for as many blocks as are meant to share a multiprocessor.
func TestStagesOfQuantizedProductsFit(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	for _, shared := range []int{99 << 10, 163 << 10, 227 << 10} {
		b.device.info.shared = shared
		for _, dtype := range []tensor.DType{tensor.Q8, tensor.Q4} {
			most := b.qgemmRows(dtype)
			require.GreaterOrEqual(t, most, 16, "%v %d", dtype, shared)
			for n := 1; n <= most; n++ {
				s := b.qgemmShape(n, &tensor.Tensor{DType: dtype, Shape: []int{5000, 3584}})
				label := fmt.Sprintf("%v of %d rows, %d bytes", dtype, n, shared)
				require.GreaterOrEqual(t, s.columns, n, label)
				stages := float64(s.shared-qgemmFixed(s.columns)) / float64(qgemmStage(dtype, s.columns))
				require.Contains(t, []float64{2, 3, 4}, stages, label)
				perProcessor := blocks(s.blocks, b.device.info.multiprocessors)
				require.LessOrEqual(t, perProcessor*(s.shared+256+1024), shared+1024, label)
			}
		}
	}
	require.NoError(t, b.Close())
}
