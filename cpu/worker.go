// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/zenlm/zen/cpu/internal/simd"
)

// worker is one goroutine's scratch memory and the place where it sleeps.
type worker struct {
	asleep atomic.Bool   // it is, or is about to be
	wake   chan struct{} // of capacity 1; a token comes when another clears asleep

	tile  []float32 // widened weight rows
	bias  []float32
	panel []byte // of simd.ScratchBytes, or a tile of rows

	bf16Product simd.BF16Product
	dotProduct  simd.DotProduct
	product     simd.Product
	attentionScratch
}

// How long a worker watches before it sleeps. Between two operations of a step a
// helper waits for what the caller does alone, between two chunks of a prompt the
// caller waits for a helper's last chunk.
const (
	helperWatch = 50 * time.Microsecond
	callerWatch = 500 * time.Microsecond

	looks = 16 // in a row, before the processor is offered to other goroutines
	pause = 4  // between two looks, of simd.Pause
)

// await returns when ready reports true, having seen so within a bounded time of
// watching or after a sleep. Late wakes make it return early.
func (w *worker) await(watch time.Duration, sleepers *atomic.Int32, ready func() bool) {
	for begin := time.Now(); time.Since(begin) < watch; runtime.Gosched() {
		for range looks {
			if ready() {
				return
			}
			simd.Pause(pause)
		}
	}
	sleepers.Add(1)
	w.asleep.Store(true)
	if ready() && w.asleep.CompareAndSwap(true, false) {
		sleepers.Add(-1)
		return
	}
	<-w.wake
}

// wakeUp wakes the worker if it sleeps or is about to.
func (w *worker) wakeUp(sleepers *atomic.Int32) {
	if w.asleep.Load() && w.asleep.CompareAndSwap(true, false) {
		sleepers.Add(-1)
		w.wake <- struct{}{}
	}
}
