// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zenlm/zen/backend"
)

// mixed is a prefill of three tokens and a decoding sequence at position 8.
func mixed() *backend.Batch {
	b := &backend.Batch{}
	b.Append([]int32{5, 6, 7}, 3, []int32{2})
	b.Append([]int32{9}, 9, []int32{0, 3, 1})
	b.OutputRows = []int32{2, 3}
	return b
}

func TestAppendNumbersPositions(t *testing.T) {
	b := mixed()
	require.Equal(t, []int32{0, 1, 2, 8}, b.Positions)
	require.Equal(t, 4, b.Rows())
	require.Equal(t, 8, b.Sequences[1].Start())
	require.Equal(t, 4, b.Append([]int32{1}, 1, nil))
	b.Reset()
	require.Zero(t, b.Rows())
	require.Zero(t, len(b.Positions)+len(b.Sequences)+len(b.OutputRows))
	require.NotZero(t, cap(b.Tokens), "Reset gave its memory away")
}

func TestValidate(t *testing.T) {
	const vocab, pages, pageSize = 10, 4, 4
	for _, c := range []struct {
		name   string
		change func(b *backend.Batch)
		want   string
	}{
		{"valid", func(*backend.Batch) {}, ""},
		{"empty", func(b *backend.Batch) { b.Reset() }, ""},
		{"no output rows", func(b *backend.Batch) { b.OutputRows = nil }, ""},
		{"token past the vocabulary", func(b *backend.Batch) { b.Tokens[1] = 10 },
			"backend: batch row 1: token 10, vocabulary 10"},
		{"negative token", func(b *backend.Batch) { b.Tokens[3] = -1 },
			"backend: batch row 3: token -1, vocabulary 10"},
		{"sequence of no rows", func(b *backend.Batch) { b.Sequences[0].Rows = 0 },
			"backend: batch sequence 0: 0 rows of length 3, 4 rows left"},
		{"sequence of too many rows", func(b *backend.Batch) { b.Sequences[1].Rows = 2 },
			"backend: batch sequence 1: 2 rows of length 9, 1 rows left"},
		{"sequence shorter than its rows", func(b *backend.Batch) { b.Sequences[0].Length = 2 },
			"backend: batch sequence 0: 3 rows of length 2, 4 rows left"},
		{"too few pages", func(b *backend.Batch) { b.Sequences[1].Pages = []int32{0, 1} },
			"backend: batch sequence 1: 2 pages of 4 hold less than length 9"},
		{"page past the cache", func(b *backend.Batch) { b.Sequences[1].Pages[2] = 4 },
			"backend: batch sequence 1: page 4 of 4"},
		{"negative page", func(b *backend.Batch) { b.Sequences[0].Pages[0] = -1 },
			"backend: batch sequence 0: page -1 of 4"},
		{"position of another row", func(b *backend.Batch) { b.Positions[2] = 3 },
			"backend: batch row 2: position 3, want 2"},
		{"row of no sequence", func(b *backend.Batch) {
			b.Tokens, b.Positions = append(b.Tokens, 1), append(b.Positions, 0)
		}, "backend: batch has 5 tokens, 4 rows in sequences"},
		{"token without position", func(b *backend.Batch) { b.Tokens = append(b.Tokens, 1) },
			"backend: batch has 5 tokens, 4 positions"},
		{"missing position", func(b *backend.Batch) { b.Positions = b.Positions[:3] },
			"backend: batch has 4 tokens, 3 positions"},
		{"output row out of range", func(b *backend.Batch) { b.OutputRows[1] = 4 },
			"backend: batch output row 4 of 4 is out of order or range"},
		{"output rows out of order", func(b *backend.Batch) { b.OutputRows[1] = 2 },
			"backend: batch output row 2 of 4 is out of order or range"},
		{"negative output row", func(b *backend.Batch) { b.OutputRows[0] = -1 },
			"backend: batch output row -1 of 4 is out of order or range"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := mixed()
			c.change(b)
			err := b.Validate(vocab, pages, pageSize)
			if c.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.want)
			}
		})
	}
}

func ExampleBatch_Append() {
	var b backend.Batch
	b.Append([]int32{11, 12, 13}, 3, []int32{4}) // a prompt of three tokens
	b.Append([]int32{14}, 18, []int32{0, 7})     // a sequence that decodes its 18th
	fmt.Println(b.Tokens, b.Positions)
	fmt.Println(b.Validate(100, 8, 16))
	// Output:
	// [11 12 13 14] [0 1 2 17]
	// <nil>
}
