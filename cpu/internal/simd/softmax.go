// SPDX-License-Identifier: Apache-2.0

package simd

import "math"

// TileScores is the number of positions of a tile of attention scores.
const TileScores = 64

// LineMax sets dst[i] to the largest of line i's scores, -Inf where none is a
// number.
//
//	dst     [lines]
//	scores  [lines, TileScores]
func LineMax(dst, scores []float32) {
	sameLength("LineMax", TileScores*len(dst), len(scores))
	if k := vectorChosen.lineMax; k != nil && len(dst) > 0 {
		k(&dst[0], &scores[0], len(dst))
		return
	}
	lineMaxGeneric(dst, scores)
}

func lineMaxGeneric(dst, scores []float32) {
	for i := range dst {
		largest := float32(math.Inf(-1))
		for _, s := range scores[i*TileScores:][:TileScores] {
			if s > largest {
				largest = s
			}
		}
		dst[i] = largest
	}
}

// LineExp sets every score of line i to Exp(score - bases[i]), and sums[i] to their
// sum: sixteen sums of scores sixteen apart, added by halves.
//
//	sums, bases  [lines]
//	scores       [lines, TileScores]
func LineExp(sums, bases, scores []float32) {
	sameLength("LineExp", TileScores*len(sums), TileScores*len(bases), len(scores))
	if k := vectorChosen.lineExp; k != nil && len(sums) > 0 {
		k(&sums[0], &bases[0], &scores[0], len(sums))
		return
	}
	lineExpGeneric(sums, bases, scores)
}

func lineExpGeneric(sums, bases, scores []float32) {
	for i, base := range bases {
		var sum [vectorStep]float32
		line := scores[i*TileScores:][:TileScores]
		for j, s := range line {
			line[j] = Exp(s - base)
			sum[j%vectorStep] += line[j]
		}
		for half := vectorStep / 2; half > 0; half /= 2 {
			for j := range half {
				sum[j] += sum[half+j]
			}
		}
		sums[i] = sum[0]
	}
}
