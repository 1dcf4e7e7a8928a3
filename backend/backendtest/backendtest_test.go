// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu"
	"github.com/zenlm/zen/tensor"
)

func openCPU() backend.Backend {
	b, err := cpu.New(cpu.Options{Workers: 2})
	if err != nil {
		panic(err)
	}
	return b
}

// recorder notes failures instead of failing.
type recorder struct{ failures []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// broken is a backend with one operation's result changed.
type broken struct {
	backend.Backend
	op     string
	change func(t *tensor.Tensor)
}

func (b broken) did(op string, t *tensor.Tensor) {
	if op == b.op && t.Len() > 0 {
		b.change(t)
	}
}

func (b broken) Alloc(dtype tensor.DType, shape ...int) (*tensor.Tensor, error) {
	t, err := b.Backend.Alloc(dtype, shape...)
	if err == nil {
		b.did("Alloc", t)
	}
	return t, err
}

func (b broken) Weight(host *tensor.Tensor) (*tensor.Tensor, error) {
	c := *host // a copy, so that the change is not one of the caller's memory
	c.Storage, c.Offset = tensor.Memory(slices.Clone(host.HostBytes())), 0
	t, err := b.Backend.Weight(&c)
	if err == nil {
		b.did("Weight", t)
	}
	return t, err
}

func (b broken) Upload(dst *tensor.Tensor, src []byte) {
	b.Backend.Upload(dst, src)
	b.did("Upload", dst)
}

func (b broken) QuantizesKV() bool { return backend.QuantizesKV(b.Backend) }

func (b broken) Embed(dst, table *tensor.Tensor) {
	b.Backend.Embed(dst, table)
	b.did("Embed", dst)
}

func (b broken) RMSNorm(dst, x, weight *tensor.Tensor, eps float32) {
	b.Backend.RMSNorm(dst, x, weight, eps)
	b.did("RMSNorm", dst)
}

func (b broken) MatMul(dst, x, weight, bias *tensor.Tensor) {
	b.Backend.MatMul(dst, x, weight, bias)
	b.did("MatMul", dst)
	b.did("MatMul changes x", x)
}

func (b broken) RotaryAppend(q, k, v, table *tensor.Tensor, kv backend.KV) {
	b.Backend.RotaryAppend(q, k, v, table, kv)
	b.did("RotaryAppend", q)
	b.did("RotaryAppend K", kv.K)
	b.did("RotaryAppend V", kv.V)
	if s := kv.V.Scales; s != nil {
		b.did("RotaryAppend scales", s)
	}
	b.did("RotaryAppend changes v", v)
}

func (b broken) Attention(dst, q *tensor.Tensor, kv backend.KV, scale float32, window int) {
	b.Backend.Attention(dst, q, kv, scale, window)
	b.did("Attention", dst)
}

func (b broken) SwiGLU(dst, gate, up *tensor.Tensor) {
	b.Backend.SwiGLU(dst, gate, up)
	b.did("SwiGLU", dst)
}

func (b broken) Add(dst, x, y *tensor.Tensor) {
	b.Backend.Add(dst, x, y)
	b.did("Add", dst)
}

func (b broken) SelectRows(dst, x *tensor.Tensor) {
	b.Backend.SelectRows(dst, x)
	b.did("SelectRows", dst)
}

func (b broken) CopyPage(kv backend.KV, dst, src int) {
	b.Backend.CopyPage(kv, dst, src)
	b.did("CopyPage", kv.V)
	if s := kv.K.Scales; s != nil {
		b.did("CopyPage scales", s)
	}
}

// last changes the last element that is a number by a part in a thousand, or the
// last byte of other types.
func last(t *tensor.Tensor) {
	data := t.HostBytes()
	if t.DType != tensor.F32 && t.DType != tensor.F16 && t.DType != tensor.BF16 {
		data[len(data)-1]++
		return
	}
	values, size := decode(t.DType, data), t.DType.Size()
	for i := len(values) - 1; i >= 0; i-- {
		if v := values[i]; v == v && v != 0 {
			copy(data[i*size:], encode(t.DType, []float64{v * (1 + 3*cacheTolerance(t.DType) + 1e-3)}))
			return
		}
	}
}

// flip changes the last byte.
func flip(t *tensor.Tensor) { t.HostBytes()[t.Bytes()-1] ^= 1 }

// past writes one element after the end.
func past(t *tensor.Tensor) {
	c := *t
	c.Shape, c.Offset = []int{1}, t.Offset+t.Bytes()
	clear(c.HostBytes())
}

// ulp changes the last element by one unit where there are several rows.
func ulp(t *tensor.Tensor) {
	if x := tensor.Slice[float32](t); t.Dim(0) > 1 {
		x[len(x)-1] = math.Nextafter32(x[len(x)-1], 2)
	}
}

// noNaN hides what is not finite.
func noNaN(t *tensor.Tensor) {
	for i, v := range tensor.Slice[float32](t) {
		if v-v != 0 {
			tensor.Slice[float32](t)[i] = 0
		}
	}
}

// firstNaN lets the first element stay as it was.
func firstNaN(t *tensor.Tensor) { tensor.Slice[float32](t)[0] = float32(math.NaN()) }

// The defects that do not show in one operation's result.
type (
	noBias     struct{ backend.Backend }
	noEps      struct{ backend.Backend }
	noWindow   struct{ backend.Backend }
	noScale    struct{ backend.Backend }
	noCopy     struct{ backend.Backend }
	offset     struct{ backend.Backend }
	badSync    struct{ backend.Backend }
	badClose   struct{ backend.Backend }
	otherName  struct{ backend.Backend }
	endless    struct{ backend.Backend }
	lastPage   struct{ backend.Backend }
	sharedPage struct{ backend.Backend }
	rounds     struct{ backend.Backend }
)

// fuses is a Fuser that leaves everything to the composition, and has values of a cache
// of one type come a quarter too large where QKVAppend appends them.
type fuses struct {
	backend.Backend
	cache tensor.DType
	asked *bool
}

func louder(cache tensor.DType) func(backend.Backend) backend.Backend {
	return func(b backend.Backend) backend.Backend { return fuses{b, cache, new(bool)} }
}

func (f fuses) QuantizesKV() bool { return backend.QuantizesKV(f.Backend) }

func (f fuses) QKVAppend(_, _ *tensor.Tensor, _ backend.QKV) bool {
	*f.asked = true
	return false
}

func (fuses) MatMulSwiGLU(_, _ *tensor.Tensor, _ backend.Gated) bool        { return false }
func (fuses) MatMulAdd(_, _ *tensor.Tensor, _ backend.Projection) bool      { return false }
func (fuses) MLPAdd(*tensor.Tensor, backend.Gated, backend.Projection) bool { return false }

// nudges is a Fuser whose last row comes one unit away where there are several.
type nudges struct{ fuses }

func (nudges) MLPAdd(x *tensor.Tensor, _ backend.Gated, _ backend.Projection) bool {
	ulp(x)
	return false
}

func (f fuses) RotaryAppend(q, k, v, table *tensor.Tensor, kv backend.KV) {
	f.Backend.RotaryAppend(q, k, v, table, kv)
	if *f.asked && kv.V.DType == f.cache {
		t := kv.V
		if t.Scales != nil {
			t = t.Scales
		}
		values := decode(t.DType, t.HostBytes())
		scaled(1.25, values)
		copy(t.HostBytes(), encode(t.DType, values))
	}
	*f.asked = false
}

func (b noBias) MatMul(dst, x, w, _ *tensor.Tensor) { b.Backend.MatMul(dst, x, w, nil) }
func (b noEps) RMSNorm(dst, x, w *tensor.Tensor, _ float32) {
	b.Backend.RMSNorm(dst, x, w, 0)
}
func (b noWindow) Attention(dst, q *tensor.Tensor, kv backend.KV, scale float32, _ int) {
	b.Backend.Attention(dst, q, kv, scale, 0)
}
func (b noScale) Attention(dst, q *tensor.Tensor, kv backend.KV, _ float32, window int) {
	b.Backend.Attention(dst, q, kv, 1, window)
}
func (b noCopy) CopyPage(backend.KV, int, int) {}
func (b offset) Download(dst []byte, src *tensor.Tensor) {
	c := *src
	c.Offset = 0
	b.Backend.Download(dst, &c)
}
func (b badSync) Sync() error { return errors.New("lost the device") }
func (b badClose) Close() error {
	return errors.Join(b.Backend.Close(), errors.New("lost the device"))
}
func (b otherName) Name() string { return "another" }
func (b endless) Alloc(dtype tensor.DType, shape ...int) (*tensor.Tensor, error) {
	if t, err := b.Backend.Alloc(dtype, shape...); err == nil {
		return t, nil
	}
	return b.Backend.Alloc(dtype, 1)
}

// Attention of many rows loses the last row's last bit: one sum in another order.
func (b rounds) Attention(dst, q *tensor.Tensor, kv backend.KV, scale float32, window int) {
	b.Backend.Attention(dst, q, kv, scale, window)
	if x := tensor.Slice[float32](dst); dst.Dim(0) > 500 {
		i := len(x) - 1
		x[i] = math.Float32frombits(math.Float32bits(x[i]) ^ 1)
	}
}

// Begin hides the last position of every sequence of several rows.
func (b lastPage) Begin(batch *backend.Batch) {
	c := backend.Batch{Tokens: batch.Tokens, Positions: batch.Positions, OutputRows: batch.OutputRows}
	for _, s := range batch.Sequences {
		s.Length = max(s.Length-1, s.Rows)
		c.Sequences = append(c.Sequences, s)
	}
	b.Backend.Begin(&c)
}

// Begin gives every sequence the first one's pages.
func (b sharedPage) Begin(batch *backend.Batch) {
	c := backend.Batch{Tokens: batch.Tokens, Positions: batch.Positions, OutputRows: batch.OutputRows}
	for _, s := range batch.Sequences {
		if first := batch.Sequences[0].Pages; len(first) >= len(s.Pages) {
			s.Pages = first
		}
		c.Sequences = append(c.Sequences, s)
	}
	b.Backend.Begin(&c)
}

func TestBrokenBackendIsCaught(t *testing.T) {
	changed := func(op string, change func(*tensor.Tensor)) func(backend.Backend) backend.Backend {
		return func(b backend.Backend) backend.Backend { return broken{b, op, change} }
	}
	for _, c := range []struct {
		name, by string // the checks that must catch it
		breaks   func(backend.Backend) backend.Backend
	}{
		{"Alloc not zero", "memory/fresh", changed("Alloc", last)},
		{"Alloc of too much", "memory/too much", func(b backend.Backend) backend.Backend { return endless{b} }},
		{"Upload past the end", "memory/what", changed("Upload", func(t *tensor.Tensor) {
			if t.Offset > 0 {
				t.Storage.(tensor.Memory)[t.Offset-1]++
			}
		})},
		{"Upload of other bytes", "memory/what", changed("Upload", last)},
		{"Download without offset", "memory/what", func(b backend.Backend) backend.Backend { return offset{b} }},
		{"Weight", "MatMul/weight=F32", changed("Weight", last)},
		{"Weight of BF16", "Embed/table=BF16", changed("Weight", last)},
		{"Embed", "Embed", changed("Embed", last)},
		{"RMSNorm", "RMSNorm", changed("RMSNorm", last)},
		{"RMSNorm past the end", "RMSNorm", changed("RMSNorm", past)},
		{"RMSNorm without eps", "RMSNorm", func(b backend.Backend) backend.Backend { return noEps{b} }},
		{"MatMul", "MatMul/weight=F32", changed("MatMul", last)},
		{"MatMul past the end", "MatMul/weight=BF16", changed("MatMul", past)},
		{"MatMul leaves an element", "MatMul/weight=I8", changed("MatMul", firstNaN)},
		{"MatMul changes x", "MatMul/weight=F16", changed("MatMul changes x", last)},
		{"MatMul without bias", "MatMul/weight=F32", func(b backend.Backend) backend.Backend { return noBias{b} }},
		{"MatMul hides NaN", "NaN and infinity/MatMul", changed("MatMul", noNaN)},
		{"RotaryAppend of queries", "RotaryAppend", changed("RotaryAppend", last)},
		{"RotaryAppend of keys", "RotaryAppend", changed("RotaryAppend K", last)},
		{"RotaryAppend of values", "RotaryAppend", changed("RotaryAppend V", last)},
		{"RotaryAppend changes v", "RotaryAppend", changed("RotaryAppend changes v", last)},
		{"RotaryAppend past the cache", "RotaryAppend", changed("RotaryAppend V", past)},
		{"RotaryAppend to other pages", "RotaryAppend", func(b backend.Backend) backend.Backend { return sharedPage{b} }},
		{"Attention", "Attention/cache=F32/groups", changed("Attention", last)},
		{"Attention over I8", "Attention/cache=I8/windows", changed("Attention", last)},
		{"RotaryAppend of I8 scales", "RotaryAppend/cache=I8", changed("RotaryAppend scales", last)},
		{"QKVAppend", "Fused/weight=BF16", louder(tensor.F32)},
		{"QKVAppend into I8", "Fused/weight=BF16", louder(tensor.I8)},
		{"CopyPage of I8 scales", "CopyPage/cache=I8", changed("CopyPage scales", flip)},
		{"Attention past the end", "Attention/cache=F16/lengths", changed("Attention", past)},
		{"Attention without window", "Attention/cache=F32/windows", func(b backend.Backend) backend.Backend { return noWindow{b} }},
		{"Attention without scale", "Attention/cache=F32/head dims", func(b backend.Backend) backend.Backend { return noScale{b} }},
		{"Attention one position short", "Attention/cache=F32/lengths", func(b backend.Backend) backend.Backend { return lastPage{b} }},
		{"Attention over other pages", "Attention/cache=F32/page sizes", func(b backend.Backend) backend.Backend { return sharedPage{b} }},
		{"Attention hides NaN", "NaN and infinity/Attention", changed("Attention", noNaN)},
		{"SwiGLU", "SwiGLU", changed("SwiGLU", last)},
		{"SwiGLU hides NaN", "NaN and infinity/SwiGLU", changed("SwiGLU", noNaN)},
		{"Add", "Add", changed("Add", last)},
		{"Add hides NaN", "NaN and infinity/Add", changed("Add", noNaN)},
		{"SelectRows", "SelectRows", changed("SelectRows", last)},
		{"CopyPage", "CopyPage", changed("CopyPage", last)},
		{"CopyPage does nothing", "CopyPage", func(b backend.Backend) backend.Backend { return noCopy{b} }},
		{"Sync", "memory/sync", func(b backend.Backend) backend.Backend { return badSync{b} }},
		{"Close", "memory/free", func(b backend.Backend) backend.Backend { return badClose{b} }},
		{"Name", "memory/registered", func(b backend.Backend) backend.Backend { return otherName{b} }},
		{"RMSNorm depends on the batch", "Deterministic/schedules/weight=F32", changed("RMSNorm", ulp)},
		{"MatMul depends on the batch", "Deterministic/schedules/weight=I8", changed("MatMul", ulp)},
		{"Attention depends on the batch", "Deterministic/schedules/weight=BF16", changed("Attention", ulp)},
		{"Attention depends on the chunk", "Deterministic/attention", changed("Attention", ulp)},
		{"Attention depends on the length", "Deterministic/attention", func(b backend.Backend) backend.Backend { return rounds{b} }},
		{"SwiGLU depends on the batch", "Deterministic/schedules/weight=F16", changed("SwiGLU", ulp)},
		{"MLPAdd depends on the batch", "Deterministic/schedules/weight=BF16/cache=F16/window=0/fused=true",
			func(b backend.Backend) backend.Backend { return nudges{fuses{b, tensor.U8, new(bool)}} }},
		{"MatMul depends on the workers", "Deterministic/workers/weight=F32", changed("MatMul", ulp)},
	} {
		t.Run(c.name, func(t *testing.T) {
			open := func() backend.Backend { return c.breaks(openCPU()) }
			f := failures(c.by, open)
			require.NotEmpty(t, f, "not caught")
			t.Log(f[0])
		})
	}
}

// failures runs the checks whose names begin with prefix until one fails.
func failures(prefix string, open func() backend.Backend) []string {
	var r recorder
	for _, c := range checks() {
		if strings.HasPrefix(c.name, prefix) && len(r.failures) == 0 {
			c.run(&r, open)
		}
	}
	return r.failures
}

func TestWrapperWithoutDefectPasses(t *testing.T) {
	require.Empty(t, failures("", func() backend.Backend {
		return broken{openCPU(), "none", nil}
	}))
}

func TestPanicOfBackendIsFailure(t *testing.T) {
	open := func() backend.Backend {
		return broken{openCPU(), "Add", func(*tensor.Tensor) { panic("lost the device") }}
	}
	require.Contains(t, strings.Join(failures("Add", open), "\n"), "lost the device")
}

func TestWithinRefusesNaN(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	require.False(t, within(nan, 1, inf))
	require.False(t, within(1, 1, nan))
	require.False(t, within(1.1, 1, 0.05))
	require.False(t, within(inf, 1, 1))
	require.False(t, within(1, nan, inf), "NaN is hidden")
	require.True(t, within(1.1, 1, 0.2))
	require.True(t, within(nan, inf, 0))
}

func TestFormatsMatchTheirDefinition(t *testing.T) {
	for _, c := range []struct {
		dtype tensor.DType
		value float64
		bits  uint16
	}{ // IEEE 754-2008 table 3.5 and the values around its limits
		{tensor.F16, 1, 0x3c00}, {tensor.F16, -2, 0xc000}, {tensor.F16, 65504, 0x7bff},
		{tensor.F16, 65519.99, 0x7bff}, {tensor.F16, 65520, 0x7c00}, {tensor.F16, 0x1p-14, 0x0400},
		{tensor.F16, 0x1p-24, 0x0001}, {tensor.F16, 0x1p-25, 0x0000}, {tensor.F16, 0x1.01p-25, 0x0001},
		{tensor.F16, 1.0 / 3, 0x3555}, {tensor.F16, math.Inf(-1), 0xfc00}, {tensor.F16, 1 + 0x1p-11, 0x3c00},
		{tensor.F16, 1 + 0x3p-11, 0x3c02}, {tensor.F16, math.Copysign(0, -1), 0x8000},
		{tensor.BF16, 1, 0x3f80}, {tensor.BF16, math.Pi, 0x4049}, {tensor.BF16, math.MaxFloat32, 0x7f80},
		{tensor.BF16, 0x1p-133, 0x0001}, {tensor.BF16, 1 + 0x1p-8, 0x3f80}, {tensor.BF16, 1 + 0x3p-8, 0x3f82},
	} {
		require.Equal(t, c.bits, formats[c.dtype].bits(c.value), "%v of %v", c.dtype, c.value)
	}
	for dtype, f := range formats {
		for i := range 1 << 16 {
			v := f.value(uint16(i))
			if v == v {
				require.Equal(t, uint16(i), f.bits(v), "%v", dtype)
			}
		}
	}
}

// sifting is the CPU with candidates: all elements from the k-th largest up.
type sifting struct {
	backend.Backend
	k      int
	change func(c *backend.Candidates)
}

func (s sifting) Largest(dst []backend.Candidates, x *tensor.Tensor, enough int) {
	if enough > 0 {
		s.k = min(s.k, enough)
	}
	for i := range dst {
		dst[i] = s.row(tensor.Slice[float32](x.Rows(i, 1)), dst[i].Temperature)
	}
}

func (s sifting) row(row []float32, temperature float32) (c backend.Candidates) {
	c.Temperature = temperature
	var largest []float32 // finite ones, up to k, ascending
	for _, v := range row {
		if !(v <= math.MaxFloat32) {
			return c
		}
		if full := len(largest) == s.k; v < -math.MaxFloat32 || full && v <= largest[0] {
			continue
		} else if full {
			largest = largest[1:]
		}
		at, _ := slices.BinarySearch(largest, v)
		largest = slices.Insert(largest, at, v)
	}
	if len(largest) == 0 {
		return c
	}
	c.Floor = largest[0]
	for i, v := range row {
		if v >= c.Floor {
			c.IDs, c.Values = append(c.IDs, int32(i)), append(c.Values, v)
		}
	}
	if len(c.IDs) > 3*s.k {
		return backend.Candidates{Temperature: temperature}
	}
	if temperature > 0 {
		var sums [5]float64
		for i, v := range row {
			sums[i/((len(row)+4)/5)] += math.Exp(float64(v-largest[len(largest)-1]) / float64(temperature))
		}
		for _, sum := range sums {
			c.Parts = append(c.Parts, float32(sum))
		}
	}
	if s.change != nil {
		s.change(&c)
	}
	return c
}

func TestCandidateChecksCatch(t *testing.T) {
	failures := func(k int, change func(c *backend.Candidates)) []string {
		var r recorder
		for _, c := range candidateChecks() {
			c.run(&r, func() backend.Backend { return sifting{openCPU(), k, change} })
		}
		return r.failures
	}
	require.Empty(t, failures(160, nil))
	for name, change := range map[string]func(c *backend.Candidates){
		"one is missing": func(c *backend.Candidates) { c.IDs, c.Values = c.IDs[1:], c.Values[1:] },
		"another value":  func(c *backend.Candidates) { c.Values[0] += 1 },
		"another id":     func(c *backend.Candidates) { c.IDs[len(c.IDs)-1]++ },
		"a lower floor":  func(c *backend.Candidates) { c.Floor -= 0.1 },
		"ids, no values": func(c *backend.Candidates) { c.Values = nil },
		"none":           func(c *backend.Candidates) { *c = backend.Candidates{} },
		"out of order":   func(c *backend.Candidates) { slices.Reverse(c.IDs) },
		"a higher floor": func(c *backend.Candidates) { c.Floor = c.Values[0] + 1 },
		"no parts":       func(c *backend.Candidates) { c.Parts = nil },
		"another part": func(c *backend.Candidates) {
			for i := range c.Parts {
				c.Parts[i] *= 1 + 2e-5
			}
		},
		"parts in another order": func(c *backend.Candidates) { slices.Reverse(c.Parts) },
		"no temperature":         func(c *backend.Candidates) { c.Temperature = 0 },
	} {
		require.NotEmpty(t, failures(160, change), name)
	}
	require.NotEmpty(t, failures(20, nil), "too few")
}
