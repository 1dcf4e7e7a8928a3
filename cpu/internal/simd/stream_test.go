// SPDX-License-Identifier: Apache-2.0

package simd

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/tensor"
)

// Every variant reads every byte once, of one piece and of several.
func TestReadReadsEveryByte(t *testing.T) {
	defer func(k readKernel) { readChosen = k }(readChosen)
	for _, k := range readVariants() {
		readChosen = k
		t.Run(k.name, func(t *testing.T) {
			p := make([]byte, 5*512)
			for i := range p {
				p[i] = 1 << (i % 7)
				require.Equal(t, readGeneric(p), Read(p))
			}
			long := bytes.Repeat(p, 2*readBytes/len(p)+1)[:2*readBytes+512]
			for _, at := range []int{0, readBytes - 1, readBytes, 2*readBytes + 511} {
				long[at] ^= 0x80
				require.Equal(t, readGeneric(long), Read(long), "%d", at)
			}
			require.Zero(t, Read(nil))
			require.Panics(t, func() { Read(p[1:]) })
		})
	}
}

// weightsBytes is far more than a third-level cache holds.
const weightsBytes = 256 << 20

// BenchmarkStream is one row of activations against weights in memory, the
// regime of decoding, beside a loop that only reads the same bytes.
func BenchmarkStream(b *testing.B) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, format := range formats {
		for _, blocks := range []int{14, 32, 172} {
			p := streamOperands(rng, format, blocks)
			for _, threads := range []int{1, 2} {
				name := fmt.Sprintf("format=%v/k=%d/threads=%d", format, blocks*block, threads)
				b.Run("op=panel/"+name, func(b *testing.B) { streamPanels(b, p, threads) })
				b.Run("op=read/"+name, func(b *testing.B) { streamRead(b, p.Weights, threads) })
			}
		}
	}
}

// streamOperands are a few panels again and again.
func streamOperands(rng *rand.Rand, format tensor.DType, blocks int) *Product {
	few := product(rng, format, blocks, 1, 4)
	p := *few
	p.Panels = weightsBytes / (few.panelBytes() + 2*few.panelScales()) &^ 3
	p.Weights, p.Scales = bytes.Repeat(few.Weights, p.Panels/4), slices.Repeat(few.Scales, p.Panels/4)
	p.Stride = p.Panels * width
	p.Dst = make([]float32, p.Stride)
	return &p
}

// share runs f for n items cut into equal parts, a goroutine each.
func share(n, threads int, f func(lo, hi int)) {
	var wg sync.WaitGroup
	for t := range threads {
		wg.Go(func() { f(t*n/threads, (t+1)*n/threads) })
	}
	wg.Wait()
}

func streamPanels(b *testing.B, p *Product, threads int) {
	b.SetBytes(int64(len(p.Weights) + 2*len(p.Scales)))
	for b.Loop() {
		share(p.Panels, threads, func(lo, hi int) {
			part, scratch := *p, make([]byte, ScratchBytes(p.Blocks))
			part.Panels, part.Dst = hi-lo, p.Dst[lo*width:]
			part.Weights, part.Scales = p.Weights[lo*p.panelBytes():], p.Scales[lo*p.panelScales():]
			Panels(&part, scratch)
		})
	}
}

func streamRead(b *testing.B, w []byte, threads int) {
	b.SetBytes(int64(len(w) &^ 1023))
	for b.Loop() {
		share(len(w)/1024, threads, func(lo, hi int) { Read(w[lo*1024 : hi*1024]) })
	}
}
