// SPDX-License-Identifier: Apache-2.0

//go:build linux && cgo

package cuda_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/backend"
)

// What a checkpoint takes of the device, by what another context sees as free: with
// ZEN_MODEL=DIR, and ZEN_WEIGHTS=int4 or int8 to quantise it.
func TestFootprint(t *testing.T) {
	dir := os.Getenv("ZEN_MODEL")
	if dir == "" {
		t.Skip("ZEN_MODEL names no checkpoint")
	}
	meter := open(t)
	defer meter.Close()
	free := func() int64 {
		n, err := meter.(backend.MemoryMeter).FreeMemory()
		require.NoError(t, err)
		return n
	}
	before := free()
	opts := []zen.Option{zen.WithBackend("cuda"), zen.WithContext(4096)}
	if format, ok := map[string]zen.DType{"int8": zen.Int8, "int4": zen.Int4}[os.Getenv("ZEN_WEIGHTS")]; ok {
		opts = append(opts, zen.WithWeights(format))
	}
	empty := open(t)
	context1 := before - free()
	require.NoError(t, empty.Close())
	m, err := zen.Load(context.Background(), dir, opts...)
	require.NoError(t, err)
	defer m.Close()
	loaded := before - free()
	prompt := make([]int32, 3000)
	for i := range prompt {
		prompt[i] = int32(i * 37 % 1000)
	}
	_, err = m.Generate(context.Background(), zen.Request{Tokens: prompt, MaxTokens: 32, IgnoreEOS: true, Temperature: zen.Greedy()})
	require.NoError(t, err)
	used := before - free()
	t.Logf("plan %v", m.MemoryPlan())
	t.Logf("MB of 10⁶ bytes: context %d, loaded %d, after an answer %d, of it beside the context %d",
		context1/1e6, loaded/1e6, used/1e6, (used-context1)/1e6)
}
