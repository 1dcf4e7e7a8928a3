// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/zenlm/zen/tensor"
)

// The 16-bit types by their definition, through float64: nothing here is shared
// with a backend's own conversion. Under the race detector a check would spend most of
// its time here: what is arithmetic on its own operands alone goes without it, here and
// in the references.

// format is a binary floating-point type of 16 bits.
type format struct{ mantissa, bias int }

var formats = map[tensor.DType]format{tensor.F16: {10, 15}, tensor.BF16: {7, 127}}

// value returns what the bits mean.
//
//go:norace
//go:nocheckptr
func (f format) value(h uint16) float64 {
	fraction := int(h) & (1<<f.mantissa - 1)
	exponent := int(h) & 0x7fff >> f.mantissa
	var v float64
	switch {
	case exponent == 2*f.bias+1 && fraction != 0:
		return math.NaN()
	case exponent == 2*f.bias+1:
		v = math.Inf(1)
	case exponent == 0:
		v = float64(fraction) * power(1-f.bias-f.mantissa)
	default:
		v = float64(fraction|1<<f.mantissa) * power(exponent-f.bias-f.mantissa)
	}
	if h>>15 == 1 {
		v = -v
	}
	return v
}

// power returns 2ⁿ for n of normal numbers: what math.Ldexp(1, n) does.
//
//go:norace
//go:nocheckptr
func power(n int) float64 { return math.Float64frombits(uint64(1023+n) << 52) }

// bits returns the nearest value's bits, ties to even.
//
//go:norace
//go:nocheckptr
func (f format) bits(v float64) uint16 {
	sign := uint16(0)
	if math.Signbit(v) {
		sign = 1 << 15
	}
	top := 2*f.bias + 1
	switch a := math.Abs(v); {
	case v != v:
		return sign | uint16(top<<f.mantissa|1<<(f.mantissa-1))
	case a == 0:
		return sign
	default:
		e := int(math.Float64bits(a)>>52) - 1023 // 2ᵉ <= a < 2ᵉ⁺¹, where a is normal
		exponent := max(e+f.bias, 1)
		units := math.RoundToEven(a * power(f.mantissa+f.bias-exponent))
		// A fraction that rounds up to the next power of two carries into the exponent.
		h := float64((exponent-1)<<f.mantissa) + units
		return sign | uint16(min(h, float64(top<<f.mantissa)))
	}
}

// encode returns the nearest elements' bytes.
//
//go:norace
//go:nocheckptr
func encode(dtype tensor.DType, values []float64) []byte {
	out, f := make([]byte, len(values)*dtype.Size()), formats[dtype]
	for i, v := range values {
		if dtype == tensor.F32 {
			binary.NativeEndian.PutUint32(out[4*i:], math.Float32bits(float32(v)))
		} else {
			binary.NativeEndian.PutUint16(out[2*i:], f.bits(v))
		}
	}
	return out
}

// decode returns the elements' values.
//
//go:norace
//go:nocheckptr
func decode(dtype tensor.DType, data []byte) []float64 {
	out, f := make([]float64, len(data)/dtype.Size()), formats[dtype]
	for i := range out {
		if dtype == tensor.F32 {
			out[i] = float64(math.Float32frombits(binary.NativeEndian.Uint32(data[4*i:])))
		} else {
			out[i] = f.value(binary.NativeEndian.Uint16(data[2*i:]))
		}
	}
	return out
}

// uniform returns n float32 values in (-1, 1).
//
//go:norace
//go:nocheckptr
func uniform(rng *rand.Rand, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = float64(2*rng.Float32() - 1)
	}
	return values
}

// spread returns n float32 values of either sign between 2⁻¹⁰ and 2¹⁰.
func spread(rng *rand.Rand, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = float64(2*rng.Float32()-1) * math.Exp2(float64(rng.IntN(21)-10))
	}
	return values
}
