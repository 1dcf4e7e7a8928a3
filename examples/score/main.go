// SPDX-License-Identifier: Apache-2.0

// Command score ranks answers to a question by how likely the model finds them.
//
//	go run ./examples/score "Is a dog a plant?" Yes. No. Never.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"slices"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
)

func main() {
	flag.Parse()
	question, answers := flag.Arg(0), flag.Args()
	if len(answers) < 2 {
		log.Fatal("usage: score question answer...")
	}
	ctx := context.Background()
	m, err := nano.Load(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	if err := rank(ctx, os.Stdout, m, question, answers[1:]); err != nil {
		log.Fatal(err)
	}
}

// rank prints the answers, the likeliest first. A long answer has more tokens to
// be unlikely in, so the mean over the tokens counts.
func rank(ctx context.Context, out io.Writer, m *zen.Model, question string, answers []string) error {
	prompt, err := m.Encode(zen.Request{Messages: []zen.Message{zen.User(question)}})
	if err != nil {
		return err
	}
	type scored struct {
		answer string
		mean   float64 // nats for each token
	}
	var ranked []scored
	for _, answer := range answers {
		tokens, err := m.Tokenizer().Encode(nil, answer)
		if err != nil {
			return err
		}
		score, err := m.ScoreTokens(ctx, prompt, tokens)
		if err != nil {
			return fmt.Errorf("%q: %w", answer, err)
		}
		ranked = append(ranked, scored{answer, score.LogProb / float64(len(tokens))})
	}
	slices.SortFunc(ranked, func(a, b scored) int { return cmp.Compare(b.mean, a.mean) })
	for _, r := range ranked {
		fmt.Fprintf(out, "%8.3f  %s\n", r.mean, r.answer)
	}
	return nil
}
