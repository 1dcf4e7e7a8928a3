// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"hash/maphash"
	"slices"
	"unsafe"
)

// The most launches that are collected before they go to the device. A segment
// spreads the cost of a call and lets the device start early. Of graphs the first of
// a step is short, for the device to be busy while the host makes the next, and the
// next holds what is left: a kernel starts early only behind one of its own graph.
const (
	segment      = 64
	firstGraph   = 24
	graphSegment = 2048
)

// maxGraphs bounds the graphs that are kept, some four for each class of steps: two for one that
// begins, and one for each half of the host's memory that one which follows is in.
const maxGraphs = 256

// stream collects launches and gives them to the device in order.
//
// While repeating is set, launches are expected to come again, byte for byte: a
// segment that is seen the second time becomes a graph, which later ones replay.
// All that differs from step to step must then lie in device memory.
type stream struct {
	device    *device
	launches  []launch // not given to the device yet
	limit     int      // of launches that are collected
	repeating bool
	busy      bool  // something was given to the device since the last sync
	given     int   // how often something was
	err       error // the first failure

	seed   maphash.Seed
	seen   map[uint64]struct{} // hashes of segments that ran once
	graphs map[uint64]*graph   // by hash of their launches
}

// graph is a captured segment.
type graph struct {
	launches []launch
	exec     uint64
}

func newStream(d *device) *stream {
	return &stream{device: d, limit: segment, launches: make([]launch, 0, segment), seed: maphash.MakeSeed(),
		seen: map[uint64]struct{}{}, graphs: map[uint64]*graph{}}
}

// begin starts a step; busy says that the device has something else to do meanwhile.
func (s *stream) begin(repeating, busy bool) {
	s.flush()
	switch s.repeating = repeating; {
	case repeating && busy:
		s.limit = graphSegment
	case repeating:
		s.limit = firstGraph
	default:
		s.limit = segment
	}
}

// fail keeps the first failure.
func (s *stream) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// next returns the next launch, to be filled in.
func (s *stream) next(function uint64) *launch {
	if len(s.launches) >= s.limit {
		s.flush()
		if s.repeating {
			s.limit = graphSegment
		}
	}
	s.launches = append(s.launches, launch{function: function})
	return &s.launches[len(s.launches)-1]
}

// latest returns the launch that was collected last, or nil.
func (s *stream) latest() *launch {
	if len(s.launches) == 0 {
		return nil
	}
	return &s.launches[len(s.launches)-1]
}

// flush gives the collected launches to the device.
func (s *stream) flush() {
	if len(s.launches) == 0 {
		return
	}
	if s.err == nil {
		s.busy = true
		s.given++
		if s.repeating {
			s.fail(s.repeat())
		} else {
			s.fail(s.device.run(s.launches))
		}
	}
	s.launches = s.launches[:0]
}

// do gives something else than a launch to the device, after all launches so far.
func (s *stream) do(f func() error) {
	s.flush()
	if s.err == nil {
		s.busy = true
		s.given++
		s.fail(f())
	}
}

// repeat runs the launches through a graph where they have run before.
func (s *stream) repeat() error {
	bytes := launchBytes(s.launches)
	hash := maphash.Bytes(s.seed, bytes)
	if g := s.graphs[hash]; g != nil && string(launchBytes(g.launches)) == string(bytes) {
		return s.device.replay(g.exec)
	}
	if _, again := s.seen[hash]; !again {
		s.remember(hash)
		return s.device.run(s.launches)
	}
	if err := s.capture(hash); err != nil {
		return err
	}
	return s.device.replay(s.graphs[hash].exec)
}

func (s *stream) remember(hash uint64) {
	if len(s.seen) == maxGraphs {
		clear(s.seen)
	}
	s.seen[hash] = struct{}{}
}

func (s *stream) capture(hash uint64) error {
	if len(s.graphs) == maxGraphs {
		if err := s.forget(); err != nil {
			return err
		}
	}
	exec, err := s.device.capture(s.launches)
	if err != nil {
		return err
	}
	if old := s.graphs[hash]; old != nil {
		err = s.device.freeGraph(old.exec)
	}
	s.graphs[hash] = &graph{slices.Clone(s.launches), exec}
	return err
}

// forget frees all graphs. The driver keeps what still runs until it is done.
func (s *stream) forget() error {
	var first error
	for _, g := range s.graphs {
		if err := s.device.freeGraph(g.exec); first == nil {
			first = err
		}
	}
	clear(s.graphs)
	return first
}

// unwritten is what await takes for a word that the device has not written.
const unwritten = -1

// await waits until the device has written every stride-th of words, as the last thing of
// what it had been given when given was counted, and returns the first failure.
func (s *stream) await(words []int32, stride, given int) error {
	if s.err == nil {
		s.fail(s.device.await(words, stride))
		s.busy = s.busy && s.given != given
	}
	return s.err
}

// sync waits until the device is done and returns the first failure.
func (s *stream) sync() error {
	s.flush()
	if s.err == nil && s.busy {
		s.fail(s.device.sync())
		s.busy = false
	}
	return s.err
}

func launchBytes(l []launch) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(l))), len(l)*int(unsafe.Sizeof(launch{})))
}
