// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBothPartsRun(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, strings.Fields("-n 1 -steps 4")))
	require.Regexp(t, `(?m)^the text itself +\d+ tokens in +\d+ steps, with drafts +\d+: [1-9]\.\d\d tokens a step`, out.String())
	require.Regexp(t, `(?m)^ \d\.\d drafts: .* ms a step, .*; pays from .* times the rate$`, out.String())
}

func TestFlagsAreChecked(t *testing.T) {
	require.ErrorContains(t, run(t.Context(), new(bytes.Buffer), []string{"-drafts", "0"}), "-drafts 0")
}
