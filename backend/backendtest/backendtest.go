// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime/debug"
	"testing"

	"github.com/zenlm/zen/backend"
)

// Run checks everything that the contract of backend.Backend says. open returns
// a fresh backend and Run closes it; it is called once for each subtest. A
// Backend registered by name is also opened with other numbers of workers.
func Run(t *testing.T, open func(t *testing.T) backend.Backend) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			c.run(t, func() backend.Backend { return open(t) })
		})
	}
}

// check is one property of a backend.
type check struct {
	name string
	do   func(d *device)
}

func checks() []check {
	var all []check
	for _, list := range [][]check{
		memoryChecks(), matMulChecks(), attentionChecks(), rotaryChecks(), rowChecks(),
		nonFiniteChecks(), candidateChecks(), determinismChecks(), attentionDeterminismChecks(), fusedChecks(), shapeChecks(),
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
func (c check) run(f failer, open func() backend.Backend) {
	f.Helper()
	b := open()
	h := fnv.New64a()
	fmt.Fprint(h, c.name)
	d := &device{failer: f, b: b, step: backend.NewStep(b), open: open,
		rng: rand.New(rand.NewPCG(h.Sum64(), 1))}
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
