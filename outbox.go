// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"errors"
	"slices"
	"strings"
	"sync"
)

// answer gathers the chunks for a caller who waits for all of them: waking it for each
// would cost the engine several microseconds a token.
type answer struct {
	response Response
	text     strings.Builder
	end      chan error // gets one, when the response is as far as it comes
}

func newAnswer() *answer { return &answer{end: make(chan error, 1)} }

func (a *answer) push(c Chunk) {
	a.text.WriteString(c.Text)
	a.response.add(c)
}

func (a *answer) finish(err error) {
	a.response.Text = a.text.String()
	a.end <- err
}

// errEnd is what next returns after the last chunk of a complete answer.
var errEnd = errors.New("zen: end of the answer")

// outbox carries chunks from the engine to one caller, who takes them as they come. It
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

// finish marks the end.
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
