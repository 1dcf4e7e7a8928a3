// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"errors"
	"runtime"
	"sync"
)

const (
	stagingBytes = 32 << 20 // of each of two buffers: milliseconds of the bus
	stripeBytes  = 1 << 20  // copied by one goroutine at a time
)

// staging is two buffers of host memory that the device reads by itself. While it
// reads one, the other is filled, so that a mapped file loads at the rate of the
// slower of disk and bus.
type staging struct {
	device  *device
	buffers [2][]byte
	events  [2]uint64 // recorded when the device has read the buffer
	next    int
}

func newStaging(d *device) (*staging, error) {
	s := &staging{device: d}
	for i := range s.buffers {
		var err error
		if s.buffers[i], err = d.allocHost(stagingBytes); err == nil {
			s.events[i], err = d.newEvent()
		}
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// upload copies src to the device in the stream's order and returns when src has
// been read.
func (s *staging) upload(dst uint64, src []byte) error {
	for len(src) > 0 {
		n := min(len(src), stagingBytes)
		buffer, event := s.buffers[s.next], s.events[s.next]
		s.next ^= 1
		if err := s.device.wait(event); err != nil {
			return err
		}
		copyParallel(buffer[:n], src[:n])
		if err := s.device.toDevice(dst, buffer[:n]); err != nil {
			return err
		}
		if err := s.device.record(event); err != nil {
			return err
		}
		dst, src = dst+uint64(n), src[n:]
	}
	return nil
}

// download copies from the device and waits for it.
func (s *staging) download(dst []byte, src uint64) error {
	for len(dst) > 0 {
		n := min(len(dst), stagingBytes)
		buffer, event := s.buffers[s.next], s.events[s.next]
		s.next ^= 1
		if err := s.device.wait(event); err != nil {
			return err
		}
		if err := s.device.toHost(buffer[:n], src); err != nil {
			return err
		}
		if err := s.device.sync(); err != nil {
			return err
		}
		copyParallel(dst[:n], buffer[:n])
		dst, src = dst[n:], src+uint64(n)
	}
	return nil
}

func (s *staging) close() (err error) {
	for i := range s.buffers {
		if s.buffers[i] != nil {
			err = errors.Join(err, s.device.freeHost(s.buffers[i]))
		}
		if s.events[i] != 0 {
			err = errors.Join(err, s.device.freeEvent(s.events[i]))
		}
	}
	return err
}

// copyParallel copies with several goroutines what takes one of them long: a page
// of a mapped file that is not in memory yet keeps its goroutine waiting.
func copyParallel(dst, src []byte) {
	workers := min(runtime.GOMAXPROCS(0), 8, len(src)/stripeBytes)
	if workers < 2 {
		copy(dst, src)
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for at := w * stripeBytes; at < len(src); at += workers * stripeBytes {
				copy(dst[at:], src[at:min(at+stripeBytes, len(src))])
			}
		})
	}
	wg.Wait()
}
