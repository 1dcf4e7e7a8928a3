// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tensor"
)

var formats = []tensor.DType{tensor.Q8, tensor.Q4}

// eachQuant runs test with every variant this processor has, one at a time.
func eachQuant(t *testing.T, test func(t *testing.T)) {
	defer func(k quantKernels) { quantChosen = k }(quantChosen)
	for _, k := range quantVariants() {
		quantChosen = k
		t.Run(k.name, test)
	}
}

// Every variant gives the bits of the Go loop and writes nothing else.
func TestQuantizeRowVariants(t *testing.T) {
	eachQuant(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 7))
		for range 3000 {
			blocks := 1 + rng.IntN(5)
			x := make([]float32, blocks*block)
			for i := range x {
				x[i] = rowValue(rng, i/block)
			}
			want := make([]byte, blocks*BlockBytes)
			quantizeGeneric(want, x)
			got := bytes.Repeat([]byte{0xa5}, blocks*BlockBytes+16)
			QuantizeRow(got[:blocks*BlockBytes], x)
			want = append(want, bytes.Repeat([]byte{0xa5}, 16)...)
			same(t, want, got, &Product{Blocks: blocks, Rows: 1})
		}
		QuantizeRow(nil, nil)
	})
}

// rowValue is usually a number as activations are; blocks differ in what else.
func rowValue(rng *rand.Rand, b int) float32 {
	odd := []float32{0, 1e-40, 1e-36, 1e38, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	switch {
	case b%5 == 1 && rng.IntN(64) == 0:
		return odd[rng.IntN(len(odd))]
	case b%5 == 2: // ties
		return float32(rng.IntN(255)-127) / 2
	case b%5 == 3:
		return math.Float32frombits(rng.Uint32N(0x00800000)) // subnormal
	case b%5 == 4:
		return math.Float32frombits(rng.Uint32())
	}
	return float32(rng.NormFloat64())
}

func blockScale(x []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(x[block:])) }

func TestQuantizeRowKeepsHalfAStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		x := make([]float32, 2*block)
		sigma := math.Exp2(float64(rng.IntN(200) - 100))
		for i := range x {
			x[i] = float32(rng.NormFloat64() * sigma)
		}
		dst := make([]byte, 2*BlockBytes)
		QuantizeRow(dst, x)
		for b := range 2 {
			d := dst[b*BlockBytes:]
			scale := blockScale(d)
			sums := [2]int32{}
			for i := range block {
				q := int8(d[i])
				sums[i/32] += int32(q)
				diff := math.Abs(float64(x[b*block+i]) - float64(q)*float64(scale))
				require.LessOrEqual(t, diff, 0.5001*float64(scale))
			}
			require.EqualValues(t, uint32(-8*sums[0]), binary.LittleEndian.Uint32(d[block+4:]))
			require.EqualValues(t, uint32(-8*sums[1]), binary.LittleEndian.Uint32(d[block+8:]))
			require.EqualValues(t, uint32(-128*(sums[0]+sums[1])), binary.LittleEndian.Uint32(d[block+12:]))
		}
	}
}

func TestQuantizeRowWrongLengthsPanic(t *testing.T) {
	require.Panics(t, func() { QuantizeRow(make([]byte, BlockBytes), make([]float32, 63)) })
	require.Panics(t, func() { QuantizeRow(make([]byte, BlockBytes-1), make([]float32, 64)) })
}

func BenchmarkQuantizeRow(b *testing.B) {
	rng := rand.New(rand.NewPCG(8, 8))
	x := make([]float32, 2048)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	dst := make([]byte, len(x)/block*BlockBytes)
	defer func(k quantKernels) { quantChosen = k }(quantChosen)
	for _, k := range quantVariants() {
		quantChosen = k
		b.Run(fmt.Sprintf("impl=%s/k=%d", k.name, len(x)), func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				QuantizeRow(dst, x)
			}
		})
	}
}
