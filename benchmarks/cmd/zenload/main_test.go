// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryPartRuns(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), &out, strings.Fields("-n 3 -pp 5 -tg 4 -prefix 70 -questions 2 -long 300 -streams 2 -chunk 16"))
	require.NoError(t, err)
	for _, line := range []string{
		`1 callers           3 requests .* tokens/s`, `3 callers           3 requests .* tokens/s`,
		`first question      1 requests`, `later questions     2 requests`,
		`2 streams, a token after .*, of \d+`, `beside a prompt of 300, a token after .*, of \d+`,
		`the prompt: read after .*, in \d+ steps`, `the budget: a step of 16 of its last tokens takes .*, of 5`,
	} {
		require.Regexp(t, "(?m)^"+line, out.String())
	}
}

func TestPartsAreLeftOut(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, strings.Fields("-n 0 -prefix 40 -questions 1")))
	require.Equal(t, 2, strings.Count(out.String(), "\n"))
}

func TestFlagsAreChecked(t *testing.T) {
	for args, want := range map[string]string{
		"-n -1":         "-n, -prefix or -long is -1",
		"-tg 0":         "-tg, -questions or -streams is 0",
		"-weights q4":   `-weights "q4", want int8 or int4`,
		"more":          `unexpected argument "more"`,
		"-long 100000":  "max_position_embeddings is 512",
		"-backend none": "none",
	} {
		require.ErrorContains(t, run(context.Background(), new(bytes.Buffer), strings.Fields(args)), want)
	}
}

func TestGapsAreThoseThatEndInTheTime(t *testing.T) {
	begin := time.Unix(0, 0)
	a := answer{asked: begin}
	for _, ms := range []int{10, 20, 40, 70, 110} {
		a.tokens = append(a.tokens, begin.Add(time.Duration(ms)*time.Millisecond))
	}
	gaps := a.gaps(begin.Add(40*time.Millisecond), begin.Add(110*time.Millisecond))
	require.Equal(t, times{20 * time.Millisecond, 30 * time.Millisecond}, gaps)
	require.Equal(t, 20*time.Millisecond, gaps.at(50))
	require.Equal(t, 30*time.Millisecond, gaps.at(100))
	require.Zero(t, times(nil).at(50))
}
