// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tensor"
)

var formats = []tensor.DType{tensor.Q8, tensor.Q4}

// operands are random ones of a panel.
func operands(rng *rand.Rand, format tensor.DType, blocks, rows int) (w []byte, s []uint16, x []byte) {
	w, s = make([]byte, blocks*block*width), make([]uint16, blocks*width)
	if format == tensor.Q4 {
		w, s = w[:len(w)/2], make([]uint16, 2*len(s))
	}
	for i := range w {
		w[i] = byte(rng.Uint32())
	}
	for i := range s {
		s[i] = uint16(rng.IntN(0x4400)) | uint16(rng.IntN(2))<<15
	}
	row := make([]float32, rows*blocks*block)
	for i := range row {
		row[i] = float32(rng.NormFloat64())
	}
	x = make([]byte, rows*blocks*BlockBytes)
	QuantizeRow(x, row)
	return w, s, x
}

// Every variant gives the bits of the Go loop, whatever the number of rows, and
// writes nothing else.
func TestPanelVariantsGiveTheSameBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, format := range formats {
		for _, blocks := range []int{1, 2, 3, 14, 32} {
			for _, rows := range []int{1, 2, 7, 8, 9, 15, 16, 17, 33, 48} {
				w, s, x := operands(rng, format, blocks, rows)
				ldd := width + rng.IntN(5)
				want := make([]float32, rows*ldd)
				panelGeneric(format, want, ldd, w, s, x, blocks, rows)
				got := make([]float32, rows*ldd)
				Panel(format, got, ldd, w, s, x, blocks, rows, make([]byte, ScratchBytes(blocks)))
				require.Equal(t, want, got, "%v: %d blocks, %d rows", format, blocks, rows)
				one := make([]float32, width)
				Panel(format, one, width, w, s, x[(rows-1)*blocks*BlockBytes:], blocks, 1, make([]byte, ScratchBytes(blocks)))
				require.Equal(t, want[(rows-1)*ldd:][:width], one, "the last row alone")
			}
		}
	}
}

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
			scale := math.Float32frombits(binary.LittleEndian.Uint32(d[block:]))
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

func TestNonFiniteActivationsShow(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, format := range formats {
			w, s, _ := operands(rng, format, 2, 1)
			row := make([]float32, 2*block)
			row[70] = float32(bad)
			x := make([]byte, 2*BlockBytes)
			QuantizeRow(x, row)
			dst := make([]float32, width)
			Panel(format, dst, width, w, s, x, 2, 1, make([]byte, ScratchBytes(2)))
			for _, v := range dst {
				require.True(t, math.IsNaN(float64(v)))
			}
		}
	}
}

func TestShortOperandsPanic(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	w, s, x := operands(rng, tensor.Q8, 2, 3)
	dst, scratch := make([]float32, 3*width), make([]byte, ScratchBytes(2))
	for name, f := range map[string]func(){
		"dst":     func() { Panel(tensor.Q8, dst[1:], width, w, s, x, 2, 3, scratch) },
		"w":       func() { Panel(tensor.Q8, dst, width, w[1:], s, x, 2, 3, scratch) },
		"s":       func() { Panel(tensor.Q8, dst, width, w, s[1:], x, 2, 3, scratch) },
		"x":       func() { Panel(tensor.Q8, dst, width, w, s, x[1:], 2, 3, scratch) },
		"scratch": func() { Panel(tensor.Q8, dst, width, w, s, x, 2, 3, scratch[1:]) },
		"row":     func() { QuantizeRow(x, make([]float32, 63)) },
	} {
		require.Panics(t, f, name)
	}
}

func BenchmarkPanel(b *testing.B) {
	const blocks, panels = 32, 64
	rng := rand.New(rand.NewPCG(5, 5))
	for _, format := range formats {
		for _, rows := range []int{1, 8, 64, 512} {
			b.Run(fmt.Sprintf("format=%v/rows=%d/k=%d", format, rows, blocks*block), func(b *testing.B) {
				w, s, x := operands(rng, format, blocks*panels, rows)
				dst, scratch := make([]float32, rows*width), make([]byte, ScratchBytes(blocks))
				b.SetBytes(int64(len(w) + 2*len(s)))
				for b.Loop() {
					for p := range panels {
						Panel(format, dst, width, w[p*len(w)/panels:], s[p*len(s)/panels:], x, blocks, rows, scratch)
					}
				}
				ops := 2 * float64(rows*panels*blocks*block*width) * float64(b.N)
				b.ReportMetric(ops/b.Elapsed().Seconds()/1e9, "GOP/s")
			})
		}
	}
}
