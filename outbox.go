// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"errors"
	"slices"
	"sync"
)

// errEnd is what next returns after the last chunk of a complete answer.
var errEnd = errors.New("zen: end of the answer")

// outbox carries chunks from the engine, which never waits, to one caller. It
// holds at most the answer.
type outbox struct {
	mu     sync.Mutex
	filled sync.Cond // of mu: a chunk came, or the end
	chunks []Chunk
	taken  int   // of chunks
	end    error // errEnd or the request's error once it has ended
}

func newOutbox() *outbox {
	o := &outbox{}
	o.filled.L = &o.mu
	return o
}

// push adds a chunk.
func (o *outbox) push(c Chunk) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.chunks = append(o.chunks, c)
	o.filled.Signal()
}

// finish marks the end: nil after a complete answer.
func (o *outbox) finish(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.end = err; err == nil {
		o.end = errEnd
	}
	o.filled.Signal()
}

// next waits for the next chunk. It returns the end once all are taken.
func (o *outbox) next() (Chunk, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.taken == len(o.chunks) && o.end == nil {
		o.filled.Wait()
	}
	if o.taken == len(o.chunks) {
		return Chunk{}, o.end
	}
	c := o.chunks[o.taken]
	o.taken++
	if o.taken > len(o.chunks)/2 { // moving costs no more than what was taken since
		o.chunks = slices.Delete(o.chunks, 0, o.taken)
		o.taken = 0
	}
	return c, nil
}

// wait returns when the request has ended and holds nothing any more.
func (o *outbox) wait() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.end == nil {
		o.filled.Wait()
	}
}
