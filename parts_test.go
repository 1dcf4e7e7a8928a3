// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPartsAreWhatWasAddedAndTheTakersOwn(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var p parts[int]
	var taken [][]int
	next := 0
	for range 3000 {
		if rng.IntN(3) > 0 {
			p.add(next)
			next++
		} else if part := p.take(); part != nil {
			require.Equal(t, len(part), cap(part))
			taken = append(taken, append(part, -1)) // does not reach the next part
		}
	}
	if p.len() > 0 {
		taken = append(taken, append(p.take(), -1))
	}
	require.Nil(t, p.take())
	want := 0
	for _, part := range taken {
		for _, v := range part[:len(part)-1] {
			require.Equal(t, want, v)
			want++
		}
	}
	require.Equal(t, next, want)
}

func TestPartsThatNobodyTakesGrow(t *testing.T) {
	var p parts[int]
	for i := range 5000 {
		p.add(i)
	}
	require.Equal(t, 5000, p.len())
	require.Equal(t, 4999, p.take()[4999])
}
