// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"sync"
	"sync/atomic"

	"github.com/zenlm/zen/backend"
)

// crew is a few goroutines that share the tasks' rows of one step with the
// engine's: samplers, log-probabilities and stop strings of several tasks are
// worked on at once, those of one task in order.
type crew struct {
	wake    chan struct{}
	jobs    []job
	next    atomic.Int64
	pending sync.WaitGroup // helpers at work
	alive   sync.WaitGroup
	size    int
}

// job is some rows of one task: candidates, or values.
//
//	values  [n, width]
type job struct {
	task       *Task
	values     []float32
	n, width   int
	candidates []backend.Candidates
	span       *span // of the candidates
}

func (j *job) do() {
	if j.candidates == nil {
		j.task.take(j.values, j.n, j.width)
		return
	}
	done := j.task.sift(j.candidates)
	j.span.first += done
	j.span.n -= done
}

func newCrew(size int) *crew {
	c := &crew{wake: make(chan struct{}, size), size: size}
	for range size {
		c.alive.Go(c.help)
	}
	return c
}

// run does all jobs.
func (c *crew) run(jobs []job, parallel bool) {
	helpers := 0
	if parallel {
		helpers = min(len(jobs)-1, c.size)
	}
	c.jobs = jobs
	c.next.Store(0)
	c.pending.Add(helpers)
	for range helpers {
		c.wake <- struct{}{}
	}
	defer c.pending.Wait() // also when a sampler ends this goroutine
	c.share()
}

// share does jobs until none is left.
func (c *crew) share() {
	for {
		i := int(c.next.Add(1)) - 1
		if i >= len(c.jobs) {
			return
		}
		c.jobs[i].do()
	}
}

func (c *crew) help() {
	ended := false
	defer func() {
		if !ended { // a sampler ended this goroutine, not its task alone
			c.alive.Go(c.help)
			c.pending.Done()
		}
	}()
	for range c.wake {
		c.share()
		c.pending.Done()
	}
	ended = true
}

func (c *crew) stop() {
	close(c.wake)
	c.alive.Wait()
}
