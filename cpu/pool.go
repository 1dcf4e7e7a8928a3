// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// kernel computes outputs [lo, hi) of the operation whose operands b holds.
type kernel func(b *Backend, w *worker, lo, hi int)

// pool is a fixed set of goroutines that share one operation at a time.
//
// The caller publishes an operation by one store to state. Helpers that watch it
// join, draw chunks from next until none is left, and leave. The caller draws too;
// when nothing is left it closes the operation and waits for those who have joined,
// not for those whom the system has not let run.
//
//	state  epoch<<32 | helpers wanted<<17 | open<<16 | helpers inside
//
// Who waits looks at state for a bounded time, giving up its processor now and
// then to other goroutines, and then sleeps on a channel. It says that it is about
// to before it looks for the last time; the other side changes state before it
// looks for sleepers. So one of them always sees the other. A wake may come late,
// for an operation long done: it only makes a helper look again.
type pool struct {
	backend *Backend
	workers []*worker // the first is the caller's
	alive   sync.WaitGroup
	left    func() bool // no helper is inside

	kernel   kernel
	n, grain int
	epoch    uint32
	failure  atomic.Pointer[string]

	_       cacheLine
	state   atomic.Uint64
	_       cacheLine
	next    atomic.Int64
	_       cacheLine
	asleep  atomic.Int32 // workers that are, or are about to be
	procs   atomic.Int32 // processors that Go uses
	stopped atomic.Bool
	_       cacheLine
}

// cacheLine keeps what different processors write apart.
type cacheLine [64]byte

const (
	inside    = 1<<16 - 1
	opened    = 1 << 16
	wantShift = 17
	wantMask  = 1<<15 - 1
)

func (p *pool) start(b *Backend, workers int) {
	p.backend = b
	p.left = func() bool { return p.state.Load()&inside == 0 }
	p.refresh()
	for range workers {
		p.workers = append(p.workers, &worker{wake: make(chan struct{}, 1)})
	}
	for i, w := range p.workers[1:] {
		p.alive.Go(func() { p.help(w, uint64(i)) })
	}
}

// refresh looks up how many processors Go uses, which may change.
func (p *pool) refresh() { p.procs.Store(int32(runtime.GOMAXPROCS(0))) }

// stop ends the goroutines.
func (p *pool) stop() {
	if len(p.workers) == 0 {
		return
	}
	p.stopped.Store(true)
	p.wakeHelpers(len(p.workers) - 1)
	p.alive.Wait()
	p.workers = nil
}

// run computes outputs [0, n) in chunks of grain. A panic of a worker becomes one
// of the caller.
func (p *pool) run(n, grain int, k kernel) {
	helpers := min((n+grain-1)/grain, len(p.workers), wantMask) - 1
	if helpers <= 0 || p.procs.Load() == 1 {
		for lo := 0; lo < n; lo += grain {
			k(p.backend, p.workers[0], lo, min(lo+grain, n))
		}
		return
	}
	p.kernel, p.n, p.grain = k, n, grain
	p.next.Store(0)
	p.epoch++
	p.state.Store(uint64(p.epoch)<<32 | uint64(helpers)<<wantShift | opened)
	p.wakeHelpers(helpers)
	p.share(p.workers[0])
	p.state.And(^uint64(opened))
	for !p.left() {
		p.workers[0].await(callerWatch, &p.asleep, p.left)
	}
	if f := p.failure.Swap(nil); f != nil {
		panic(*f)
	}
}

// wakeHelpers wakes those of the first n helpers that sleep.
func (p *pool) wakeHelpers(n int) {
	if p.asleep.Load() == 0 {
		return
	}
	for _, w := range p.workers[1 : 1+n] {
		w.wakeUp(&p.asleep)
	}
}

// help takes part in operations until the pool stops. It is one that wants more than
// index helpers that the helper joins.
func (p *pool) help(w *worker, index uint64) {
	seen := uint32(0) // the epoch in which it has taken part
	wanted := func(s uint64) bool {
		return s&opened != 0 && uint32(s>>32) != seen && s>>wantShift&wantMask > index
	}
	ready := func() bool { return p.stopped.Load() || wanted(p.state.Load()) }
	for !p.stopped.Load() {
		s := p.state.Load()
		if !wanted(s) {
			watch := helperWatch
			if p.procs.Load() == 1 {
				watch = 0 // whom it waits for could not run
			}
			w.await(watch, &p.asleep, ready)
			continue
		}
		if !p.state.CompareAndSwap(s, s+1) {
			continue
		}
		seen = uint32(s >> 32)
		p.share(w)
		if s := p.state.Add(^uint64(0)); s&(inside|opened) == 0 {
			p.workers[0].wakeUp(&p.asleep)
		}
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
