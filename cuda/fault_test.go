// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/tensor"
)

// A kernel that reads what is not there becomes an error that stays, in every
// backend of the process, for the driver ends all contexts. Hence a process for it.
func TestKernelFaultIsAnErrorThatSticks(t *testing.T) {
	where := os.Getenv("ZEN_TEST_FAULT")
	if where == "" {
		b, err := open(0)
		if errors.Is(err, backend.ErrUnavailable) {
			t.Skip(err)
		}
		require.NoError(t, err)
		require.NoError(t, b.Close())
		for _, where := range []string{"Sync", "Largest"} {
			cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
			cmd.Env = append(os.Environ(), "ZEN_TEST_FAULT="+where)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
		}
		return
	}
	b, err := open(0)
	require.NoError(t, err)
	nowhere := &tensor.Tensor{DType: tensor.F32, Shape: []int{1, 64}, Storage: &memory{address: 4096, size: 256}}
	x, err := b.Alloc(tensor.F32, 1, 512)
	require.NoError(t, err)
	b.Add(nowhere, nowhere, nowhere)
	if where == "Largest" {
		b.Largest(make([]backend.Candidates, 1), x, 0)
	}
	var fault *Error
	require.ErrorAs(t, b.Sync(), &fault)
	require.Equal(t, "CUDA_ERROR_ILLEGAL_ADDRESS", fault.Name)
	b.Begin(&backend.Batch{})
	b.Add(nowhere, nowhere, nowhere)
	require.ErrorIs(t, b.Sync(), fault)
	require.NoError(t, b.Close())
}
