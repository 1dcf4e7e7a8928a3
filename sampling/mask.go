// SPDX-License-Identifier: Apache-2.0

package sampling

import (
	"errors"
	"fmt"
	"math"
)

var minusInf = float32(math.Inf(-1))

// AllowTokens returns a processor that forbids every token but these. It keeps a copy of ids.
// Process fails when ids is empty or holds an id outside the vocabulary.
func AllowTokens(ids ...int32) LogitProcessor {
	return &allow{ids: append([]int32(nil), ids...), kept: make([]float32, len(ids))}
}

type allow struct {
	ids  []int32   // [n]
	kept []float32 // [n] scratch
}

// Process sets all other logits to -Inf.
//
//	logits  [vocab]
func (a *allow) Process(logits []float32, _ *State) error {
	if len(a.ids) == 0 {
		return errors.New("sampling: AllowTokens: no token is allowed")
	}
	if err := inVocabulary("AllowTokens", a.ids, len(logits)); err != nil {
		return err
	}
	for i, id := range a.ids {
		a.kept[i] = logits[id]
	}
	for i := range logits {
		logits[i] = minusInf
	}
	for i, id := range a.ids {
		logits[id] = a.kept[i]
	}
	return nil
}

// BanTokens returns a processor that forbids these tokens. It keeps a copy of ids. Process fails
// when an id is outside the vocabulary.
func BanTokens(ids ...int32) LogitProcessor {
	return &ban{name: "BanTokens", ids: append([]int32(nil), ids...), until: math.MaxInt}
}

// MinTokens returns a processor that forbids the tokens that end a completion, eos, until the
// completion holds n tokens. It keeps a copy of eos. Process fails when an id is outside the
// vocabulary.
func MinTokens(n int, eos ...int32) LogitProcessor {
	return &ban{name: "MinTokens", ids: append([]int32(nil), eos...), until: n}
}

// ban forbids ids while the completion is shorter than until.
type ban struct {
	name  string
	ids   []int32
	until int
}

// Process sets the logits of the banned tokens to -Inf.
//
//	logits  [vocab]
func (b *ban) Process(logits []float32, s *State) error {
	if err := inVocabulary(b.name, b.ids, len(logits)); err != nil {
		return err
	}
	if len(s.Completion()) >= b.until {
		return nil
	}
	for _, id := range b.ids {
		logits[id] = minusInf
	}
	return nil
}

func inVocabulary(name string, ids []int32, vocab int) error {
	for _, id := range ids {
		if uint(id) >= uint(vocab) {
			return fmt.Errorf("sampling: %s: token (%d) is not in the vocabulary (%d)", name, id, vocab)
		}
	}
	return nil
}
