// SPDX-License-Identifier: Apache-2.0

// Command sampler answers with a sampler of its own, top-a: it keeps the tokens
// at least a·p² as likely as the likeliest, whose probability is p, so that a sure
// model has little choice and an unsure one much.
//
//	go run ./examples/sampler -a 0.3 "Tell me a short story."
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
)

// snippet: sampler

// TopA samples among the tokens whose probability is at least A times the square
// of the largest. One instance serves one request.
type TopA struct {
	A      float64
	Random *rand.Rand
	probs  []float64 // [vocab]
}

// Sample returns the next token.
func (s *TopA) Sample(logits []float32, _ *zen.State) (int32, error) {
	highest, sum := float64(slices.Max(logits)), 0.0
	s.probs = s.probs[:0]
	for _, logit := range logits {
		p := math.Exp(float64(logit) - highest)
		s.probs, sum = append(s.probs, p), sum+p
	}
	least, kept := s.A/sum, 0.0 // the largest probability is 1/sum
	for i, p := range s.probs {
		if p < least {
			s.probs[i] = 0
		}
		kept += s.probs[i]
	}
	draw := s.Random.Float64() * kept
	for i, p := range s.probs {
		if draw -= p; draw < 0 {
			return int32(i), nil
		}
	}
	return 0, zen.ErrNonFinite
}

// end: sampler

func main() {
	a := flag.Float64("a", 0.2, "share of the squared probability to keep, 0 to 1")
	seed := flag.Uint64("seed", 1, "seed of the random numbers")
	flag.Parse()
	m, err := nano.Load(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	resp, err := m.Generate(context.Background(), zen.Request{
		Messages: []zen.Message{zen.User(cmp.Or(strings.Join(flag.Args(), " "), "Tell me a short story."))},
		Sampler:  &TopA{A: *a, Random: rand.New(rand.NewPCG(*seed, 0))},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Text)
}
