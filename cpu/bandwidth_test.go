// SPDX-License-Identifier: Apache-2.0

package cpu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/cpu"
)

func TestReadBandwidthIsThatOfAMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a gibibyte")
	}
	got, err := cpu.ReadBandwidth(1)
	require.NoError(t, err)
	require.Greater(t, got, 1e8)
	require.Less(t, got, 1e13)
}
