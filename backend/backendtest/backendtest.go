// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime/debug"
	"testing"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// Run checks everything that the contract of backend.Backend says. open returns
// a fresh backend and Run closes it; it is called once for each subtest. A
// Backend registered by name is also opened with other numbers of workers.
func Run(t *testing.T, open func(t *testing.T) backend.Backend, opts ...Option) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, func() backend.Backend { return open(t) }, opts...)
		})
	}
}

// Option is what a backend does that the contract leaves open.
type Option func(*device)

// WidensI8 says that attention widens an I8 cache to dtype, and may round what it
// multiplies with it to that; without it a backend is held to float32.
func WidensI8(dtype tensor.DType) Option { return func(d *device) { d.widensI8 = dtype } }

// check is one property of a backend.
type check struct {
	name string
	do   func(d *device)
}

func checks() []check {
	var all []check
	for _, list := range [][]check{
		memoryChecks(), matMulChecks(), attentionChecks(), rotaryChecks(), rowChecks(),
		nonFiniteChecks(), candidateChecks(), followChecks(), determinismChecks(), attentionDeterminismChecks(), fusedChecks(), shapeChecks(),
	} {
		all = append(all, list...)
	}
	return all
}

// failer is the part of testing.TB that checks use, so that a test can watch them
// fail.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
}

// run does the check on a fresh backend. A panic is a failure.
func (c check) run(f failer, open func() backend.Backend, opts ...Option) {
	f.Helper()
	b := open()
	h := fnv.New64a()
	fmt.Fprint(h, c.name)
	d := &device{failer: f, b: b, step: backend.NewStep(b), open: open,
		rng: rand.New(rand.NewPCG(h.Sum64(), 1)), widensI8: tensor.F32}
	for _, opt := range opts {
		opt(d)
	}
	func() {
		defer func() {
			if r := recover(); r != nil {
				f.Errorf("panic: %v\n%s", r, debug.Stack())
			}
		}()
		c.do(d)
	}()
	d.release()
	d.step.Close()
	if err := b.Close(); err != nil {
		f.Errorf("Close: %v", err)
	}
}
