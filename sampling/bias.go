// SPDX-License-Identifier: Apache-2.0

package sampling

import "fmt"

// bias adds constants to the logits of some tokens.
type bias struct {
	ids  []int32   // [n] ascending
	adds []float32 // [n]
}

func newBias(p Params, vocab int) (*bias, error) {
	b := &bias{ids: p.biased()}
	for _, id := range b.ids {
		if int(id) >= vocab {
			return nil, fmt.Errorf(
				"sampling: logit_bias: token (%d) is not in the vocabulary (%d)", id, vocab)
		}
		b.adds = append(b.adds, float32(p.LogitBias[id]))
	}
	return b, nil
}

// Process adds the biases.
//
//	logits  [vocab]
func (b *bias) Process(logits []float32, _ *State) error {
	for i, id := range b.ids {
		logits[id] += b.adds[i]
	}
	return nil
}
