// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// kernel computes outputs [lo, hi) of the operation whose operands b holds.
type kernel func(b *Backend, w *worker, lo, hi int)

// worker is one goroutine's scratch memory.
type worker struct {
	wake chan struct{}

	tile  []float32 // widened weight rows
	bias  []float32
	panel []byte // of simd.ScratchBytes
	attentionScratch
}

// pool is a fixed set of goroutines that share one operation at a time.
type pool struct {
	backend *Backend
	workers []*worker // the first is the caller's

	kernel   kernel
	n, grain int
	next     atomic.Int64
	pending  sync.WaitGroup // helpers of the operation in progress
	alive    sync.WaitGroup
	failure  atomic.Pointer[string]
}

func (p *pool) start(b *Backend, workers int) {
	p.backend = b
	for range workers {
		p.workers = append(p.workers, &worker{wake: make(chan struct{}, 1)})
	}
	for _, w := range p.workers[1:] {
		p.alive.Go(func() {
			for range w.wake {
				p.share(w)
				p.pending.Done()
			}
		})
	}
}

// stop ends the goroutines.
func (p *pool) stop() {
	if len(p.workers) == 0 {
		return
	}
	for _, w := range p.workers {
		close(w.wake)
	}
	p.alive.Wait()
	p.workers = nil
}

// run computes outputs [0, n) in chunks of grain. A panic of a worker becomes one
// of the caller.
func (p *pool) run(n, grain int, k kernel) {
	helpers := min((n+grain-1)/grain, len(p.workers)) - 1
	if helpers <= 0 {
		for lo := 0; lo < n; lo += grain {
			k(p.backend, p.workers[0], lo, min(lo+grain, n))
		}
		return
	}
	p.kernel, p.n, p.grain = k, n, grain
	p.next.Store(0)
	p.pending.Add(helpers)
	for _, w := range p.workers[1 : 1+helpers] {
		w.wake <- struct{}{}
	}
	p.share(p.workers[0])
	p.pending.Wait()
	if f := p.failure.Swap(nil); f != nil {
		panic(*f)
	}
}

// share computes chunks until none is left.
func (p *pool) share(w *worker) {
	defer func() {
		if r := recover(); r != nil {
			f := fmt.Sprintf("cpu: worker: %v\n\n%s", r, debug.Stack())
			p.failure.CompareAndSwap(nil, &f)
		}
	}()
	for {
		hi := int(p.next.Add(int64(p.grain)))
		lo := hi - p.grain
		if lo >= p.n {
			return
		}
		p.kernel(p.backend, w, lo, min(hi, p.n))
	}
}
