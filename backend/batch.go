// SPDX-License-Identifier: Apache-2.0

package backend

import "fmt"

// Batch is one ragged forward pass: rows of several sequences, each sequence
// giving the one token it decodes or a chunk of the prompt it prefills. The rows
// of a sequence are consecutive, in the order of Sequences.
type Batch struct {
	Tokens     []int32    // [rows]
	Positions  []int32    // [rows], from 0 at each sequence's start
	Sequences  []Sequence // every row belongs to one
	OutputRows []int32    // rows whose hidden state is wanted, ascending
}

// Sequence is one sequence's share of a Batch and its place in the KV cache.
type Sequence struct {
	Rows   int     // rows of the batch, at least 1
	Length int     // positions in the cache once this step has appended its rows
	Pages  []int32 // page ids; position p lies in Pages[p/pageSize], slot p%pageSize
}

// Start returns the position of the sequence's first row of this step.
func (s Sequence) Start() int { return s.Length - s.Rows }

// Rows returns the number of rows.
func (b *Batch) Rows() int { return len(b.Tokens) }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.Tokens, b.Positions = b.Tokens[:0], b.Positions[:0]
	b.Sequences, b.OutputRows = b.Sequences[:0], b.OutputRows[:0]
}

// Append adds tokens as the newest positions of a sequence whose cache holds
// length positions with them, and returns the first row's index.
func (b *Batch) Append(tokens []int32, length int, pages []int32) int {
	first := len(b.Tokens)
	b.Tokens = append(b.Tokens, tokens...)
	for i := range tokens {
		b.Positions = append(b.Positions, int32(length-len(tokens)+i))
	}
	b.Sequences = append(b.Sequences, Sequence{Rows: len(tokens), Length: length, Pages: pages})
	return first
}

// Validate returns an error when the batch contradicts itself or leaves the
// given bounds.
func (b *Batch) Validate(vocabSize, pages, pageSize int) error {
	if len(b.Positions) != len(b.Tokens) {
		return fmt.Errorf("backend: batch has %d tokens, %d positions", len(b.Tokens), len(b.Positions))
	}
	row := 0
	for i, s := range b.Sequences {
		if s.Rows < 1 || s.Length < s.Rows || s.Rows > len(b.Tokens)-row {
			return fmt.Errorf("backend: batch sequence %d: %d rows of length %d, %d rows left",
				i, s.Rows, s.Length, len(b.Tokens)-row)
		}
		if len(s.Pages)*pageSize < s.Length {
			return fmt.Errorf("backend: batch sequence %d: %d pages of %d hold less than length %d",
				i, len(s.Pages), pageSize, s.Length)
		}
		for _, p := range s.Pages {
			if p < 0 || int(p) >= pages {
				return fmt.Errorf("backend: batch sequence %d: page %d of %d", i, p, pages)
			}
		}
		for j := range s.Rows {
			if int(b.Positions[row+j]) != s.Start()+j {
				return fmt.Errorf("backend: batch row %d: position %d, want %d",
					row+j, b.Positions[row+j], s.Start()+j)
			}
		}
		row += s.Rows
	}
	if row != len(b.Tokens) {
		return fmt.Errorf("backend: batch has %d tokens, %d rows in sequences", len(b.Tokens), row)
	}
	for i, t := range b.Tokens {
		if t < 0 || int(t) >= vocabSize {
			return fmt.Errorf("backend: batch row %d: token %d, vocabulary %d", i, t, vocabSize)
		}
	}
	for i, r := range b.OutputRows {
		if r < 0 || int(r) >= row || i > 0 && r <= b.OutputRows[i-1] {
			return fmt.Errorf("backend: batch output row %d of %d is out of order or range", r, row)
		}
	}
	return nil
}
