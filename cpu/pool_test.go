// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// count is a kernel that marks its outputs in a tensor of counts.
func count(b *Backend, _ *worker, lo, hi int) {
	for i := lo; i < hi; i++ {
		b.pointwise.dst[i]++
	}
}

// operate runs operations of changing sizes and checks that every output of each was
// computed once.
func operate(t *testing.T, workers, operations int, between func(i int)) {
	b, err := New(Options{Workers: workers})
	if err != nil {
		panic(err)
	}
	defer b.Close()
	b.pointwise.dst = make([]float32, 100)
	for i := range operations {
		n, grain := i%len(b.pointwise.dst)+1, i%7+1
		clear(b.pointwise.dst)
		b.pool.run(n, grain, count)
		for j, v := range b.pointwise.dst {
			if j < n && v != 1 || j >= n && v != 0 {
				t.Errorf("%d workers: output %d of %d computed %v times", workers, j, n, v)
				return
			}
		}
		between(i)
	}
}

// TestPoolComputesEveryOutputOnce runs pools of several sizes at once, on fewer, as
// many and more processors than they have workers, with pauses after which helpers
// are awake, about to sleep, or asleep.
func TestPoolComputesEveryOutputOnce(t *testing.T) {
	pauses := map[string]func(i int){
		"at once": func(int) {},
		"about to sleep": func(i int) {
			for begin := time.Now(); time.Since(begin) < helperWatch-20*time.Microsecond+time.Duration(i%40)*time.Microsecond; {
				runtime.Gosched()
			}
		},
		"asleep": func(i int) {
			if i%50 == 0 {
				time.Sleep(time.Millisecond)
			}
		},
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		for name, between := range pauses {
			t.Run(fmt.Sprintf("procs=%d/%s", procs, name), func(t *testing.T) {
				var wg sync.WaitGroup
				for _, workers := range []int{1, 2, 3, 5} {
					wg.Go(func() { operate(t, workers, 2000, between) })
				}
				wg.Wait()
			})
		}
	}
}

// TestPoolFollowsGOMAXPROCS changes the number of processors between steps.
func TestPoolFollowsGOMAXPROCS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	b, err := New(Options{Workers: 3})
	require.NoError(t, err)
	defer b.Close()
	b.pointwise.dst = make([]float32, 100)
	for i := range 50 {
		runtime.GOMAXPROCS(i%3 + 1)
		b.pool.refresh()
		for range 20 {
			b.pool.run(100, 1, count)
		}
	}
	for _, v := range b.pointwise.dst {
		require.EqualValues(t, 50*20, v)
	}
}

// TestHelpersTakePart holds every worker in its first chunk until all have one.
func TestHelpersTakePart(t *testing.T) {
	for _, workers := range []int{2, 4} {
		b, err := New(Options{Workers: workers})
		require.NoError(t, err)
		b.pool.procs.Store(2) // even where the machine has one processor
		for range 100 {
			var inside atomic.Int32
			b.pool.run(workers, 1, func(*Backend, *worker, int, int) {
				inside.Add(1)
				for inside.Load() < int32(workers) {
					runtime.Gosched()
				}
			})
			require.EqualValues(t, workers, inside.Load())
		}
		require.NoError(t, b.Close())
	}
}

// TestHelpersSleepWhenIdle waits until all helpers are asleep, and sees them work again.
func TestHelpersSleepWhenIdle(t *testing.T) {
	b, err := New(Options{Workers: 4})
	require.NoError(t, err)
	defer b.Close()
	b.pointwise.dst = make([]float32, 100)
	for range 20 {
		b.pool.run(100, 1, count)
		require.Eventually(t, func() bool { return b.pool.asleep.Load() == 3 }, 10*time.Second, 100*time.Microsecond)
	}
	for _, v := range b.pointwise.dst {
		require.EqualValues(t, 20, v)
	}
}

// TestCallerSleepsThroughLongChunk lets a helper's chunk outlast the caller's watch.
func TestCallerSleepsThroughLongChunk(t *testing.T) {
	b, err := New(Options{Workers: 2})
	require.NoError(t, err)
	defer b.Close()
	b.pool.procs.Store(2)
	for range 20 {
		var chunks, done atomic.Int32
		b.pool.run(2, 1, func(b *Backend, w *worker, _, _ int) {
			for chunks.Add(1); chunks.Load() < 2; {
				runtime.Gosched()
			}
			if w != b.pool.workers[0] {
				time.Sleep(4 * callerWatch)
			}
			done.Add(1)
		})
		require.EqualValues(t, 2, done.Load())
	}
}

// BenchmarkPool is what an operation costs beside its arithmetic.
func BenchmarkPool(b *testing.B) {
	for _, workers := range []int{1, 2} {
		dev, err := New(Options{Workers: workers})
		require.NoError(b, err)
		b.Run(fmt.Sprintf("workers=%d/chunk=0", workers), func(b *testing.B) {
			for b.Loop() {
				dev.pool.run(2*workers, 1, func(*Backend, *worker, int, int) {})
			}
		})
		for _, chunk := range []time.Duration{5 * time.Microsecond, 20 * time.Microsecond} {
			b.Run(fmt.Sprintf("workers=%d/chunk=%v", workers, chunk), func(b *testing.B) {
				for b.Loop() {
					dev.pool.run(2*workers, 1, func(*Backend, *worker, int, int) {
						for begin := time.Now(); time.Since(begin) < chunk; {
						}
					})
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)-2*float64(chunk), "ns/over")
			})
		}
		require.NoError(b, dev.Close())
	}
}
