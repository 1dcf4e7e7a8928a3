// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"sync"
)

// drain counts the requests at work, so that a shutdown can wait for them.
type drain struct {
	mu      sync.Mutex
	running int
	closed  bool
	idle    chan struct{} // closed once closed and nothing runs

	hurry context.Context // done when the running requests are to end at once
	end   context.CancelCauseFunc
}

func newDrain() *drain {
	d := &drain{idle: make(chan struct{})}
	d.hurry, d.end = context.WithCancelCause(context.Background())
	return d
}

// begun reports whether a shutdown has.
func (d *drain) begun() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// enter counts a request in and returns the context to run it in, until leave is
// called; ok is false once a shutdown has begun.
func (d *drain) enter(parent context.Context) (ctx context.Context, leave func(), ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, nil, false
	}
	d.running++
	ctx, cancel := context.WithCancelCause(parent)
	stop := context.AfterFunc(d.hurry, func() { cancel(context.Cause(d.hurry)) })
	return ctx, func() {
		stop()
		cancel(nil)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.running--
		d.check()
	}, true
}

// wait closes the way in and waits until nothing runs; once ctx is done it hurries
// what still does.
func (d *drain) wait(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	d.check()
	d.mu.Unlock()
	select {
	case <-d.idle:
		return nil
	case <-ctx.Done():
	}
	d.end(errDraining)
	<-d.idle
	return ctx.Err()
}

// check closes idle when it is time; d.mu is held.
func (d *drain) check() {
	if !d.closed || d.running > 0 {
		return
	}
	select {
	case <-d.idle:
	default:
		close(d.idle)
	}
}
