// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// child runs this test again in a process whose libcuda.so.1 is testdata/driver.c
// and whose libcublasLt.so.13 is testdata/blas.c, where kernels do nothing, and reports whether it is that process. Variables of
// the environment make the driver fail.
func child(t *testing.T, env ...string) bool {
	if os.Getenv("ZEN_TEST_DRIVER") != "" {
		return true
	}
	if _, err := os.Stat("testdata/driver.c"); err != nil {
		t.Skip(err)
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler at run time")
	}
	dir := t.TempDir()
	for library, source := range map[string]string{"libcuda.so.1": "driver.c", "libcublasLt.so.13": "blas.c"} {
		out, err := exec.Command(cc, "-shared", "-fPIC", "-o", filepath.Join(dir, library), filepath.Join("testdata", source),
			"-lpthread", "-lm").CombinedOutput()
		require.NoError(t, err, string(out))
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(append(os.Environ(), "ZEN_TEST_DRIVER=1", "LD_LIBRARY_PATH="+dir), env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return false
}

func TestWithoutDeviceTheReasonIsTheDrivers(t *testing.T) {
	if child(t, "ZEN_NO_DEVICE=1") {
		_, err := Open(backend.Options{})
		require.ErrorIs(t, err, backend.ErrUnavailable)
		require.ErrorContains(t, err, "CUDA_ERROR_NO_DEVICE")
	}
}

func TestOldDeviceIsUnavailable(t *testing.T) {
	if child(t, "ZEN_MAJOR=7") {
		_, err := Open(backend.Options{})
		require.ErrorIs(t, err, backend.ErrUnavailable)
		require.ErrorContains(t, err, "compute capability 7.")
	}
}

func TestBytesGoThereAndBackThroughStaging(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	before, err := b.FreeMemory()
	require.NoError(t, err)
	const n = 2*stagingBytes + 12345
	x, err := b.Alloc(tensor.U8, n)
	require.NoError(t, err)
	got := make([]byte, n)
	b.Download(got, x)
	require.Equal(t, make([]byte, n), got, "fresh memory is not zero")
	want := bytes.Repeat([]byte("seven b"), n/7+1)[:n]
	b.Upload(x, want)
	b.Download(got, x)
	require.NoError(t, b.Sync())
	require.True(t, bytes.Equal(want, got))
	address := x.Storage.(*memory).address
	b.Free(x)
	y, err := b.Alloc(tensor.U8, n)
	require.NoError(t, err)
	require.Equal(t, address, y.Storage.(*memory).address, "freed memory is not used again")
	b.Free(y)
	free, err := b.FreeMemory()
	require.NoError(t, err)
	require.Equal(t, before, free)
	require.NoError(t, b.Close())
}

func TestMemoryThatIsKeptIsGivenBackWhenShort(t *testing.T) {
	if !child(t, "ZEN_MEMORY=135000000") {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	x, err := b.Alloc(tensor.U8, 60e6)
	require.NoError(t, err)
	_, err = b.Alloc(tensor.U8, 70e6)
	var full *MemoryError
	require.ErrorAs(t, err, &full)
	require.Equal(t, 70_000_000, full.Bytes)
	b.Free(x)
	_, err = b.Alloc(tensor.U8, 70e6)
	require.NoError(t, err)
	require.NoError(t, b.Close())
}

// A run of launches goes to the device as it is, then as a new graph, then as that
// graph; prompts never do.
func TestDecodeStepsBecomeGraphs(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	x, err := b.Alloc(tensor.F32, 2, 64)
	require.NoError(t, err)
	step := func(rows, length int) {
		var batch backend.Batch
		batch.Append(make([]int32, rows), length, []int32{0, 1})
		b.Begin(&batch)
		for range segment + 10 {
			b.Add(x, x, x)
		}
		require.NoError(t, b.Sync())
	}
	step(2, 2)
	step(2, 2)
	require.Empty(t, b.stream.graphs)
	step(1, 3)
	require.Empty(t, b.stream.graphs)
	step(1, 4)
	require.Len(t, b.stream.graphs, 2)
	step(1, 5)
	require.Len(t, b.stream.graphs, 2)
	require.NoError(t, b.Close())
}

func TestFirstFailureSticks(t *testing.T) {
	if !child(t, "ZEN_FAIL=cuStreamSynchronize") {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	x, err := b.Alloc(tensor.F32, 1, 64)
	require.NoError(t, err)
	b.Add(x, x, x)
	var fault *Error
	require.ErrorAs(t, b.Sync(), &fault)
	require.Equal(t, Error{"wait", 700, "CUDA_ERROR_ILLEGAL_ADDRESS"}, *fault)
	b.Begin(&backend.Batch{})
	b.Add(x, x, x)
	require.ErrorIs(t, b.Sync(), fault)
	require.NoError(t, b.Close())
}

// Words that have been written end the wait at once. While one has not, the driver is
// asked, and here it answers with a failure.
func TestAwaitLooksBeforeItAsks(t *testing.T) {
	if !child(t, "ZEN_FAIL=cuStreamQuery") {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	require.NoError(t, b.device.await([]int32{0, unwritten, 7, unwritten, 512, unwritten}, 2))
	x, err := b.Alloc(tensor.F32, 2, 64)
	require.NoError(t, err)
	b.Largest(make([]backend.Candidates, 2), x, 0)
	var fault *Error
	require.ErrorAs(t, b.Sync(), &fault)
	require.Equal(t, Error{"wait", 700, "CUDA_ERROR_ILLEGAL_ADDRESS"}, *fault)
	require.NoError(t, b.Close())
}

// A device that is done without having written leaves no candidates.
func TestAwaitEndsWithTheStream(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	x, err := b.Alloc(tensor.F32, 1, 64)
	require.NoError(t, err)
	dst := make([]backend.Candidates, 1)
	b.Largest(dst, x, 0)
	require.NoError(t, b.Sync())
	require.Empty(t, dst[0].IDs)
	b.Free(x)
	require.NoError(t, b.Close())
}

func TestDescribeNamesDeviceAndProducts(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	require.Regexp(t, `^.+, compute capability \d\.\d; products of many rows by cuBLASLt$`, b.Describe())
	b.invariant = true
	require.Contains(t, b.Describe(), "by kernels of one row, for determinism")
	require.NoError(t, b.Close())
}

func TestDescribeSaysWhyThereIsNoCuBLASLt(t *testing.T) {
	if !child(t, "ZEN_NO_HANDLE=1") {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	require.Nil(t, b.blas)
	require.Regexp(t, "zen's own kernel, as cuBLASLt is not used: there is no libcublasLt.* that works with the driver$", b.Describe())
	require.NoError(t, b.Close())
}

// The output and the down projection have as many outputs; rows as long as the latter's
// keep the memory busy with one block to a multiprocessor.
func TestProductsAreShapedByTheirRole(t *testing.T) {
	b := &Backend{device: &device{info: deviceInfo{multiprocessors: 132, shared: 227 << 10}}}
	for _, c := range []struct {
		rows            int
		role            role
		dtype           tensor.DType
		out, in, launch int // outputs of the weight, and of the launch
		want            shape
	}{
		{1, qkvRole, tensor.F16, 2048, 2048, 2560, shape{0, 2}},
		{1, qkvRole, tensor.F16, 3584, 3584, 4608, shape{6, 4}},
		{1, qkvRole, tensor.Q4, 3584, 3584, 4608, shape{6, 2}},
		{1, qkvRole, tensor.F16, 896, 896, 1152, shape{4, 8}},
		{1, plainRole, tensor.F16, 2048, 2048, 2048, shape{6, 4}},
		{1, qkvRole, tensor.Q4, 2048, 2048, 2560, shape{3, 2}},
		{1, qkvRole, tensor.Q8, 2048, 2048, 2560, shape{0, 2}},
		{1, plainRole, tensor.Q4, 2048, 2048, 2048, shape{4, 4}},
		{1, plainRole, tensor.Q4, 3584, 3584, 3584, shape{2, 6}},
		{1, plainRole, tensor.F16, 3584, 3584, 3584, shape{0, 4}},
		{1, plainRole, tensor.F16, 2048, 11008, 2048, shape{4, 8}},
		{1, plainRole, tensor.Q8, 3584, 18944, 3584, shape{4, 6}},
		{1, plainRole, tensor.Q8, 3584, 3584, 3584, shape{4, 4}},
		{1, plainRole, tensor.Q8, 151936, 2048, 151936, shape{4, 6}},
		{1, plainRole, tensor.Q4, 3584, 18944, 3584, shape{4, 6}},
		{1, gatedRole, tensor.Q4, 11008, 2048, 22016, shape{8, 2}},
		{1, gatedRole, tensor.Q4, 18944, 3584, 37888, shape{8, 4}},
		{1, gatedRole, tensor.Q8, 11008, 2048, 22016, shape{8, 4}},
		{1, gatedRole, tensor.Q8, 4864, 896, 9728, shape{8, 2}},
		{1, gatedRole, tensor.Q8, 18944, 3584, 37888, shape{8, 4}},
		{2, qkvRole, tensor.Q4, 2048, 2048, 2560, shape{0, 2}},
		{4, plainRole, tensor.Q4, 151936, 2048, 151936, shape{8, 2}},
		{4, plainRole, tensor.Q4, 3584, 3584, 3584, shape{4, 6}},
		{4, gatedRole, tensor.Q4, 11008, 2048, 22016, shape{6, 2}},
		{4, gatedRole, tensor.Q8, 18944, 3584, 37888, shape{8, 4}},
		{5, qkvRole, tensor.F16, 2048, 2048, 2560, shape{0, 2}},
		{5, qkvRole, tensor.Q4, 3584, 3584, 4608, shape{6, 2}},
		{5, plainRole, tensor.F16, 2048, 2048, 2048, shape{6, 2}},
		{5, plainRole, tensor.F16, 151936, 2048, 151936, shape{4, 8}},
		{8, gatedRole, tensor.Q8, 18944, 3584, 37888, shape{4, 4}},
		{8, gatedRole, tensor.F16, 18944, 3584, 37888, shape{4, 8}},
	} {
		w := &tensor.Tensor{DType: c.dtype, Shape: []int{c.out, c.in}}
		if c.dtype == tensor.Q8 || c.dtype == tensor.Q4 {
			w.Scales = &tensor.Tensor{}
		}
		require.Equal(t, c.want, b.gemvShape(c.role, c.rows, w, c.launch), "%v", c)
	}
}

func TestBlocksOfALaunch(t *testing.T) {
	b := &Backend{device: &device{info: deviceInfo{multiprocessors: 132}}}
	half := &tensor.Tensor{DType: tensor.F16}
	q4 := &tensor.Tensor{DType: tensor.Q4, Scales: &tensor.Tensor{}}
	for _, c := range []struct {
		shape   shape
		weight  *tensor.Tensor
		outputs int
		want    int
	}{
		{shape{3, 2}, q4, 2560, 99}, {shape{8, 2}, q4, 22016, 264}, {shape{4, 4}, q4, 2048, 128}, {shape{4, 4}, half, 2048, 132},
		{shape{0, 2}, half, 2560, 160}, {shape{0, 2}, half, 1000, 132}, {shape{0, 2}, half, 10000, 264}, {shape{2, 6}, q4, 3584, 66},
	} {
		require.Equal(t, c.want, b.gemvGrid(c.shape, c.weight, c.outputs), "%v", c)
	}
}

func TestTilesOfTheSecondHalf(t *testing.T) {
	b := &Backend{device: &device{info: deviceInfo{major: 9, multiprocessors: 132}}}
	for _, c := range []struct {
		role                role
		rows, grid          int
		dtype               tensor.DType
		in, outputs, expect int
	}{
		{gatedRole, 1, 264, tensor.Q4, 2048, 22016, 6},
		{gatedRole, 1, 264, tensor.Q4, 1536, 17920, 5},
		{gatedRole, 1, 264, tensor.Q4, 896, 9728, 3},
		{gatedRole, 1, 264, tensor.Q4, 3584, 37888, 7},
		{gatedRole, 1, 264, tensor.Q4, 5120, 27648, 5},
		{gatedRole, 1, 264, tensor.Q4, 2048, 8192, 0},
		{gatedRole, 1, 264, tensor.Q4, 2560, 13824, 0},
		{gatedRole, 1, 264, tensor.Q8, 2048, 22016, 0},
		{gatedRole, 2, 264, tensor.Q4, 2048, 22016, 0},
		{gatedRole, 1, 198, tensor.Q4, 2048, 22016, 0},
		{plainRole, 1, 264, tensor.Q4, 2048, 151936, 0},
	} {
		w := &tensor.Tensor{DType: c.dtype, Shape: []int{c.outputs / 2, c.in}}
		require.Equal(t, c.expect, b.lateTiles(c.role, c.rows, c.grid, w, c.outputs), "%v", c)
		require.Zero(t, (&Backend{device: &device{info: deviceInfo{major: 8, multiprocessors: 132}}}).
			lateTiles(c.role, c.rows, c.grid, w, c.outputs), "%v", c)
	}
}

// One row that a product has just been asked for is searched by the product, other rows by a
// kernel of their own.
func TestAProductSearchesItsRow(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	host := &tensor.Tensor{DType: tensor.BF16, Shape: []int{64, 32}, Storage: make(tensor.Memory, 2*64*32)}
	weight, err := b.Weight(host)
	require.NoError(t, err)
	x, err := b.Alloc(tensor.F32, 2, 32)
	require.NoError(t, err)
	y, err := b.Alloc(tensor.F32, 2, 64)
	require.NoError(t, err)
	product := func(rows int) *launch {
		b.MatMul(y.Rows(0, rows), x.Rows(0, rows), weight, nil)
		return b.productOf(y.Rows(0, rows))
	}
	for range 2 {
		l := product(1)
		require.NotNil(t, l)
		require.Equal(t, b.kernels.gemvSearch[tensor.F16], l.function)
		require.EqualValues(t, 104, (l.bytes+7)&^7, "what SearchParams begins with")
		require.Nil(t, product(2))
		product(1)
		require.Nil(t, b.productOf(y.Rows(1, 1)), "another row")
	}
	require.NoError(t, b.Sync())
	require.NoError(t, b.Close())
}

// Steps that follow one another have their batches and their results in halves of their own,
// and the device counts as busy until the last of what it was given is found.
func TestStepsThatFollow(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	x, err := b.Alloc(tensor.F32, 2, 300)
	require.NoError(t, err)
	step := func(position int) *backend.Batch {
		batch := &backend.Batch{}
		for i := range 2 {
			batch.Append([]int32{int32(-1 - i)}, position, []int32{int32(i)})
		}
		return batch
	}
	b.Begin(step(1))
	b.Search(x)
	first := &b.step.host[0]
	b.Follow(step(2))
	b.Search(x)
	require.NotSame(t, first, &b.step.host[0])
	for i, want := range [][]int32{{7, 299}, {8, 9}} {
		words := b.searches.words[i]
		require.Equal(t, []int32{unwritten, 0, unwritten, 0}, words)
		words[0], words[1], words[2], words[3] = want[0], int32(math.Float32bits(1.5)), want[1], int32(math.Float32bits(-2))
		require.True(t, b.stream.busy)
		got := make([]backend.Candidates, 2)
		b.Found(got)
		require.Equal(t, backend.Candidates{IDs: want[:1], Values: []float32{1.5}, Floor: 1.5}, got[0])
		require.Equal(t, backend.Candidates{IDs: want[1:], Values: []float32{-2}, Floor: -2}, got[1])
	}
	require.False(t, b.stream.busy)
	b.Follow(step(3))
	require.Same(t, first, &b.step.host[0])
	b.Search(x)
	words, got := b.searches.words[0], make([]backend.Candidates, 2)
	words[0], words[2] = -2, 5
	b.Found(got)
	require.Empty(t, got[0].IDs, "a row without a largest element")
	require.Equal(t, []int32{5}, got[1].IDs)
	b.Follow(step(4))
	b.Search(x)
	b.Begin(step(5))
	require.Zero(t, b.searches.started, "what nobody asked for is forgotten")
	require.NoError(t, b.Close())
}

// Two blocks to a multiprocessor are there together, on cards with less memory, too.
func TestStagesOfTheRingFit(t *testing.T) {
	w := &tensor.Tensor{DType: tensor.Q8, Shape: []int{18944, 3584}}
	for _, c := range []struct{ shared, grid, stages int }{
		{227 << 10, 264, 4}, {227 << 10, 132, 4}, {163 << 10, 264, 2}, {163 << 10, 108, 4}, {99 << 10, 108, 4}, {60 << 10, 264, 2},
	} {
		b := &Backend{device: &device{info: deviceInfo{multiprocessors: 132, shared: c.shared}}}
		require.Equal(t, gemvShared(1, c.stages, w), b.gemvRoom(shape{8, 4}, c.grid, 1, w), "%v", c)
	}
}

func TestGroupsForCandidates(t *testing.T) {
	for enough, want := range map[int]int{0: 256, 1: 1, 2: 2, 20: 32, 32: 32, 200: 256, 256: 256, 5000: 256} {
		require.Equal(t, want, groupsFor(enough, 1187), enough)
	}
	require.Equal(t, 8, groupsFor(0, 33), "a quarter of them")
	require.Equal(t, 8, groupsFor(20, 33))
	require.Equal(t, 1, groupsFor(20, 1))
}

// Rows go to the least kernel that takes them, as many as shared memory has room for, and
// no second group where bringing them there takes longer than other kernels do.
func TestRowsOfProductsAtOnce(t *testing.T) {
	var kernels gemvKernels
	for i := range kernels {
		kernels[i][tensor.Q4] = uint64(10 + i)
	}
	for i, want := range []uint64{10, 11, 11, 11, 12, 12, 12, 12} {
		require.Equal(t, want, kernels.of(i+1, 256, tensor.Q4), "%d rows", i+1)
	}
	require.EqualValues(t, 11, kernels.of(1, 100, tensor.Q4), "no whole eights")
	for _, c := range []struct {
		dtype            tensor.DType
		in, shared, want int
	}{
		{tensor.F16, 2048, 227 << 10, 8},
		{tensor.Q4, 3584, 227 << 10, 8},
		{tensor.F16, 2048, 99 << 10, 7},
		{tensor.F16, 5120, 227 << 10, 8},
		{tensor.F16, 5120, 163 << 10, 6},
		{tensor.Q4, 11008, 227 << 10, 4},
		{tensor.F16, 18944, 227 << 10, 2},
	} {
		b := &Backend{device: &device{info: deviceInfo{multiprocessors: 132, shared: c.shared}}}
		w := &tensor.Tensor{DType: c.dtype, Shape: []int{2048, c.in}}
		require.Equal(t, c.want, b.gemvRows(w), "%v", c)
	}
}

// The driver of testdata takes SIGINT for itself, and starts a thread.
func TestSignalsStayGos(t *testing.T) {
	if !child(t) {
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	got := make(chan os.Signal, 1)
	signal.Notify(got, os.Interrupt)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
	require.Equal(t, os.Interrupt, <-got)
	require.NoError(t, b.Close())
}
