// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"sync"
	"time"

	"github.com/zenlm/zen/cpu/internal/simd"
)

// ReadBandwidth returns how fast so many threads read the machine's memory together, in
// bytes a second: the best of five passes over a gibibyte in large pages, each thread
// over a part of its own. No way of decoding one token at a time can read its weights
// faster, unless they fit the caches.
func ReadBandwidth(threads int) (float64, error) {
	const size = 1 << 30
	data, err := mapMemory(size)
	if err != nil {
		return 0, err
	}
	for i := 0; i < size; i += 64 {
		data[i] = byte(i >> 6)
	}
	best := time.Duration(0)
	share := size / threads &^ 4095
	for range 5 {
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range threads {
			wg.Go(func() { simd.Read(data[i*share:][:share]) })
		}
		wg.Wait()
		if took := time.Since(begin); best == 0 || took < best {
			best = took
		}
	}
	return float64(share*threads) / best.Seconds(), unmapMemory(data)
}
