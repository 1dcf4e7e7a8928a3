// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"testing"

	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cpu"
)

func openCPU(t testing.TB) backend.Backend {
	b, err := cpu.New(cpu.Options{Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBackendPasses(t *testing.T) {
	Run(t, func(t *testing.T) backend.Backend { return openCPU(t) })
}
