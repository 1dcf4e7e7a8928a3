// SPDX-License-Identifier: Apache-2.0

package sampling_test

import (
	"errors"
	"fmt"
	"log"
	"math"

	"github.com/zenlm/zen/sampling"
)

func ExampleNew() {
	chain, err := sampling.New(sampling.Params{Temperature: 1.2, TopK: 4, TopP: 0.95, Seed: 7}, 5)
	if err != nil {
		log.Fatal(err)
	}
	state := &sampling.State{Tokens: []int32{3, 1}, PromptTokens: 2}
	for range 6 {
		logits := []float32{1, 2, -1, 2.5, 0} // a model computes them from state.Tokens
		token, err := chain.Sample(logits, state)
		if err != nil {
			log.Fatal(err)
		}
		state.Tokens = append(state.Tokens, token)
	}
	fmt.Println(state.Completion())
	// Output: [1 0 3 3 1 1]
}

func ExampleParams_Validate() {
	fmt.Println(sampling.Params{TopP: 1.5}.Validate())
	// Output: sampling: top_p (1.5) is not in (0, 1]
}

// secondBest is a Sampler that takes the runner-up.
type secondBest struct {
	top [2]sampling.Logprob
}

func (s *secondBest) Sample(logits []float32, _ *sampling.State) (int32, error) {
	_, top := sampling.Logprobs(s.top[:0], logits, 0, 2)
	if len(top) < 2 {
		return 0, sampling.ErrNonFinite
	}
	return top[1].Token, nil
}

func ExampleSampler() {
	var sampler sampling.Sampler = &secondBest{}
	fmt.Println(sampler.Sample([]float32{1, 4, 3, 2}, &sampling.State{}))
	// Output: 2 <nil>
}

// noRepeat is a LogitProcessor that forbids the last token to come again.
type noRepeat struct{}

func (noRepeat) Process(logits []float32, s *sampling.State) error {
	return sampling.BanTokens(s.Tokens[len(s.Tokens)-1]).Process(logits, s)
}

func ExampleLogitProcessor() {
	chain, err := sampling.New(sampling.Params{}, 3, noRepeat{})
	if err != nil {
		log.Fatal(err)
	}
	state := &sampling.State{Tokens: []int32{0}, PromptTokens: 1}
	for range 4 {
		token, err := chain.Sample([]float32{1, 3, 2}, state)
		if err != nil {
			log.Fatal(err)
		}
		state.Tokens = append(state.Tokens, token)
	}
	fmt.Println(state.Completion())
	// Output: [1 2 1 2]
}

func ExampleGreedy() {
	fmt.Println(sampling.Greedy{}.Sample([]float32{1, 3, 2, 3}, nil))
	// Output: 1 <nil>
}

func ExampleLogprobs() {
	buffer := make([]sampling.Logprob, 0, 2) // reused for every token
	chosen, top := sampling.Logprobs(buffer, []float32{0, 2, 1}, 0, 2)
	fmt.Printf("chosen %.3f\n", chosen)
	for _, e := range top {
		fmt.Printf("%d %.3f\n", e.Token, e.Logprob)
	}
	// Output:
	// chosen -2.408
	// 1 -0.408
	// 2 -1.408
}

func ExampleAllowTokens() {
	chain, err := sampling.New(sampling.Params{}, 4, sampling.AllowTokens(0, 2))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(chain.Sample([]float32{1, 9, 2, 9}, &sampling.State{}))
	// Output: 2 <nil>
}

func ExampleBanTokens() {
	chain, err := sampling.New(sampling.Params{}, 4, sampling.BanTokens(1))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(chain.Sample([]float32{1, 9, 2, 8}, &sampling.State{}))
	// Output: 3 <nil>
}

func ExampleMinTokens() {
	const eos = 1
	chain, err := sampling.New(sampling.Params{}, 3, sampling.MinTokens(2, eos))
	if err != nil {
		log.Fatal(err)
	}
	state := &sampling.State{}
	for range 3 {
		token, err := chain.Sample([]float32{1, 9, 2}, state)
		if err != nil {
			log.Fatal(err)
		}
		state.Tokens = append(state.Tokens, token)
	}
	fmt.Println(state.Completion())
	// Output: [2 2 1]
}

func ExampleStopMatcher() {
	m, err := sampling.NewStopMatcher([]string{"\nUser:"})
	if err != nil {
		log.Fatal(err)
	}
	for _, piece := range []string{"Fine, thanks.", "\nUs", "ually.\n", "User", ": and you?"} {
		emit, stopped := m.Push(piece)
		fmt.Printf("%q %v\n", emit, stopped)
	}
	fmt.Printf("%q %q\n", m.Flush(), m.Matched())
	// Output:
	// "Fine, thanks." false
	// "" false
	// "\nUsually." false
	// "" false
	// "" true
	// "" "\nUser:"
}

func ExampleNonFiniteError() {
	_, err := sampling.Greedy{}.Sample([]float32{1, float32(math.Inf(1)), 2}, nil)
	var detail *sampling.NonFiniteError
	fmt.Println(errors.Is(err, sampling.ErrNonFinite), errors.As(err, &detail), detail.Token)
	fmt.Println(err)
	// Output:
	// true true 1
	// sampling: the logit of token 1 is +Inf
}
