// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"
)

// readBandwidth returns the best GB/s of five passes in which every thread sums
// its own share of 1 GB.
func readBandwidth(threads int) float64 {
	words := make([]uint64, 1<<27)
	for i := range words {
		words[i] = uint64(i)
	}
	best := 0.0
	share := len(words) / threads &^ 7
	sums := make([]uint64, threads)
	for range 5 {
		begin := time.Now()
		var wg sync.WaitGroup
		for t := range threads {
			wg.Go(func() { sums[t] = sum(words[t*share:][:share]) })
		}
		wg.Wait()
		best = max(best, float64(8*share*threads)/1e9/time.Since(begin).Seconds())
	}
	return best
}

// sum adds words, whose number is a multiple of 8, in four chains.
func sum(words []uint64) uint64 {
	var a, b, c, d uint64
	for ; len(words) >= 8; words = words[8:] {
		w := words[:8:8]
		a += w[0] + w[4]
		b += w[1] + w[5]
		c += w[2] + w[6]
		d += w[3] + w[7]
	}
	return a + b + c + d
}

// peakRSS returns the most memory the process held, in bytes, or 0 where the
// system does not say.
func peakRSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kb int64
	for line := range bytes.Lines(status) {
		if _, err := fmt.Sscanf(string(line), "VmHWM: %d kB", &kb); err == nil {
			return kb << 10
		}
	}
	return 0
}
