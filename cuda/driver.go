// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

/*
#cgo LDFLAGS: -ldl
#cgo CFLAGS: -O2
#cgo noescape zen_run
#cgo nocallback zen_run
#cgo noescape zen_capture
#cgo nocallback zen_capture
#cgo noescape zen_to_device
#cgo nocallback zen_to_device
#cgo noescape zen_to_host
#cgo nocallback zen_to_host
#include <stdlib.h>
#include "blas.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/zenlm/zen/backend"
)

// device is the driver's context for one GPU, with one stream. Its methods are
// called from any thread, one at a time.
type device struct {
	c    *C.zen_device
	info deviceInfo
}

// deviceInfo is what kernels are chosen by.
type deviceInfo struct {
	name            string
	major, minor    int // compute capability
	multiprocessors int
	shared          int // most bytes of shared memory of a block
}

// hopper reports whether the kernels compiled for compute capability 9.0 are those that
// run. Later devices compile those of 8.0, without clusters and dependent launch.
func (i *deviceInfo) hopper() bool { return i.major == 9 }

// Attributes of a device, by the driver's numbers.
const (
	attributeMultiprocessors = 16
	attributeMajor           = 75
	attributeMinor           = 76
	attributeShared          = 97
)

// minMajor is the compute capability that the kernels are compiled for at least.
const minMajor = 8

// driver opens the library once: it stays for the life of the process.
var driver = sync.OnceValue(func() error {
	if missing := C.zen_load(); missing != nil {
		return unavailable("%s", C.GoString(missing))
	}
	if code := C.zen_init(); code != 0 {
		return unavailable("%w", check("initialise", code))
	}
	return nil
})

func unavailable(format string, args ...any) error {
	return fmt.Errorf("cuda: %w: %w", backend.ErrUnavailable, fmt.Errorf(format, args...))
}

// check returns nil for success and the *Error of another result.
func check(op string, code C.int) error {
	if code == 0 {
		return nil
	}
	return &Error{Op: op, Code: int(code), Name: C.GoString(C.zen_error_name(code))}
}

// openDevice makes a context on the device of that number.
func openDevice(ordinal int) (*device, error) {
	if err := driver(); err != nil {
		return nil, err
	}
	var count C.int
	if err := check("count devices", C.zen_count(&count)); err != nil {
		return nil, unavailable("%w", err)
	}
	if int(count) <= ordinal {
		return nil, unavailable("device %d of %d", ordinal, int(count))
	}
	info, err := describe(ordinal)
	if err != nil {
		return nil, err
	}
	if info.major < minMajor {
		return nil, unavailable("%s has compute capability %d.%d, want at least %d.0",
			info.name, info.major, info.minor, minMajor)
	}
	d := &device{c: (*C.zen_device)(C.calloc(1, C.sizeof_zen_device)), info: info}
	if err := check("open a context", C.zen_open(d.c, C.int(ordinal))); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func describe(ordinal int) (info deviceInfo, err error) {
	var name [128]C.char
	err = check("name the device", C.zen_name(C.int(ordinal), &name[0], C.int(len(name))))
	info.name = C.GoString(&name[0])
	for attribute, dst := range map[C.int]*int{
		attributeMultiprocessors: &info.multiprocessors,
		attributeMajor:           &info.major,
		attributeMinor:           &info.minor,
		attributeShared:          &info.shared,
	} {
		var value C.int
		if err == nil {
			err = check("describe the device", C.zen_attribute(C.int(ordinal), attribute, &value))
		}
		*dst = int(value)
	}
	return info, err
}

// close ends the context and all that it holds.
func (d *device) close() error {
	C.zen_blas_close(d.c)
	err := check("close the context", C.zen_close(d.c))
	C.free(unsafe.Pointer(d.c))
	d.c = nil
	return err
}

// loadModule loads compiled kernels.
func (d *device) loadModule(image []byte) error {
	return check("load kernels", C.zen_load_module(d.c, unsafe.Pointer(unsafe.SliceData(image))))
}

// function returns the kernel of that name, allowed to use shared bytes of dynamic
// shared memory.
func (d *device) function(name string, shared int) (f uint64, err error) {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	if err = check("find "+name, C.zen_function(d.c, s, (*C.uint64_t)(&f))); err != nil || shared == 0 {
		return f, err
	}
	return f, check("give shared memory to "+name, C.zen_allow_shared(d.c, C.uint64_t(f), C.int(shared)))
}

// memory returns the bytes of the device that are free and all of them.
func (d *device) memory() (free, total int, err error) {
	var f, t C.size_t
	err = check("ask for memory", C.zen_memory(d.c, &f, &t))
	return int(f), int(t), err
}

func (d *device) alloc(n int) (p uint64, err error) {
	return p, check("allocate", C.zen_alloc(d.c, C.size_t(n), (*C.zen_ptr)(&p)))
}

func (d *device) free(p uint64) error { return check("free", C.zen_free(d.c, C.zen_ptr(p))) }

// allocHost returns host memory that the device reads and writes by itself.
func (d *device) allocHost(n int) ([]byte, error) {
	var p unsafe.Pointer
	if err := check("allocate host memory", C.zen_alloc_host(d.c, C.size_t(n), &p)); err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(p), n), nil
}

func (d *device) freeHost(b []byte) error {
	return check("free host memory", C.zen_free_host(d.c, unsafe.Pointer(unsafe.SliceData(b))))
}

func (d *device) clear(dst uint64, n int) error {
	return check("clear", C.zen_clear(d.c, C.zen_ptr(dst), C.size_t(n)))
}

// toDevice begins a copy from host memory of allocHost.
func (d *device) toDevice(dst uint64, src []byte) error {
	return check("upload", C.zen_to_device(d.c, C.zen_ptr(dst), unsafe.Pointer(unsafe.SliceData(src)), C.size_t(len(src))))
}

// toHost begins a copy to host memory of allocHost.
func (d *device) toHost(dst []byte, src uint64) error {
	return check("download", C.zen_to_host(d.c, unsafe.Pointer(unsafe.SliceData(dst)), C.zen_ptr(src), C.size_t(len(dst))))
}

func (d *device) copy(dst, src uint64, n int) error {
	return check("copy", C.zen_copy(d.c, C.zen_ptr(dst), C.zen_ptr(src), C.size_t(n)))
}

// run launches kernels one after the other.
func (d *device) run(l []launch) error {
	return check("launch", C.zen_run(d.c, (*C.zen_launch)(unsafe.Pointer(unsafe.SliceData(l))), C.int(len(l))))
}

// capture makes a graph of launches.
func (d *device) capture(l []launch) (graph uint64, err error) {
	return graph, check("capture", C.zen_capture(d.c, (*C.zen_launch)(unsafe.Pointer(unsafe.SliceData(l))), C.int(len(l)),
		(*C.uint64_t)(&graph)))
}

func (d *device) replay(graph uint64) error {
	return check("replay", C.zen_replay(d.c, C.uint64_t(graph)))
}

func (d *device) freeGraph(graph uint64) error {
	return check("free a graph", C.zen_free_graph(d.c, C.uint64_t(graph)))
}

func (d *device) newEvent() (event uint64, err error) {
	return event, check("make an event", C.zen_new_event(d.c, (*C.uint64_t)(&event)))
}

func (d *device) freeEvent(event uint64) error {
	return check("free an event", C.zen_free_event(d.c, C.uint64_t(event)))
}

func (d *device) record(event uint64) error {
	return check("record an event", C.zen_record(d.c, C.uint64_t(event)))
}

// wait returns once the stream has passed the event.
func (d *device) wait(event uint64) error { return check("wait", C.zen_wait(d.c, C.uint64_t(event))) }

// await returns once the stream has written every stride-th of words of allocHost's
// memory, or is done.
func (d *device) await(words []int32, stride int) error {
	return check("wait", C.zen_await(d.c, (*C.int32_t)(unsafe.SliceData(words)), C.int(len(words)), C.int(stride)))
}

// sync returns once the stream is done.
func (d *device) sync() error { return check("wait", C.zen_sync(d.c)) }

// The Go twin of zen_launch has its size.
var _ [C.sizeof_zen_launch]byte = [unsafe.Sizeof(launch{})]byte{}
