// SPDX-License-Identifier: Apache-2.0

package cuda_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cuda"
)

func TestOpenByNameIsRefusedAsUnavailable(t *testing.T) {
	require.Contains(t, backend.Registered(), "cuda")
	b, err := backend.Open("cuda", backend.Options{})
	if err == nil {
		require.NoError(t, b.Close())
		t.Skip("there is a device")
	}
	require.ErrorIs(t, err, backend.ErrUnavailable)
	require.Nil(t, b)
}

func TestReasonIsTheFirstThatHolds(t *testing.T) {
	for _, c := range []struct {
		goos string
		cgo  bool
		want string
	}{
		{"darwin", true, "it needs Linux, this is darwin"},
		{"windows", false, "it needs Linux, this is windows"},
		{"linux", false, "the program was built without cgo (CGO_ENABLED=0)"},
		{"linux", true, ""},
	} {
		require.Equal(t, c.want, cuda.Reason(c.goos, c.cgo), "%s, cgo %t", c.goos, c.cgo)
	}
}
