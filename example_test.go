// SPDX-License-Identifier: Apache-2.0

package zen_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
	"github.com/zenlm/zen/zentest"
)

// snippet: generate
func Example() {
	ctx := context.Background()
	m, err := nano.Load(ctx) // or zen.Load(ctx, "path/to/Zen-1-Instruct")
	if err != nil {
		panic(err)
	}
	defer m.Close()

	resp, err := m.Generate(ctx, zen.Request{
		Messages:    []zen.Message{zen.User("What is the capital of France?")},
		Temperature: zen.Greedy(),
		MaxTokens:   64,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(resp.Text)
	fmt.Println(resp.FinishReason)
	// Output:
	// The capital of France is Paris.
	// stop
}

// end: generate

func ExampleModel_Save() {
	ctx := context.Background()
	path, remove := tinyCheckpoint()
	defer remove()
	small := filepath.Join(path, "int4")
	// snippet: weights
	m, err := zen.Load(ctx, path, zen.WithWeights(zen.Int4)) // or zen.Int8
	if err != nil {
		panic(err)
	}
	defer m.Close()
	if err := m.Save(small); err != nil { // a folder that zen.Load takes as it is
		panic(err)
	}
	// end: weights
	before, err := zen.Plan(ctx, path)
	if err != nil {
		panic(err)
	}
	after, err := zen.Plan(ctx, small)
	if err != nil {
		panic(err)
	}
	fmt.Println(after.Weights < before.Weights)
	// Output: true
}

// tinyCheckpoint returns a folder with the checkpoint of zentest.
func tinyCheckpoint() (path string, remove func()) {
	path, err := os.MkdirTemp("", "zen")
	if err == nil {
		err = os.CopyFS(path, zentest.FS())
	}
	if err != nil {
		panic(err)
	}
	return path, func() { os.RemoveAll(path) }
}

func ExampleModel_Stream() {
	ctx := context.Background()
	m, err := nano.Load(ctx)
	if err != nil {
		panic(err)
	}
	defer m.Close()
	// snippet: stream
	stream := m.Stream(ctx, zen.Request{
		Messages:    []zen.Message{zen.User("What is 17 plus 25?")},
		Temperature: zen.Greedy(),
	})
	for chunk, err := range stream {
		if err != nil {
			panic(err)
		}
		fmt.Print(chunk.Text)
	}
	// end: stream
	// Output: 17 + 25 = 42
}

// snippet: sampler

// avoid is a sampler of one's own: the most likely token that is not its number.
type avoid int32

func (a avoid) Sample(logits []float32, _ *zen.State) (int32, error) {
	best := int32(-1)
	for id, logit := range logits {
		if int32(id) != int32(a) && (best < 0 || logit > logits[best]) {
			best = int32(id)
		}
	}
	return best, nil
}

// end: sampler

func ExampleSampler() {
	ctx := context.Background()
	m, err := zen.LoadFS(ctx, zentest.FS(), ".")
	if err != nil {
		panic(err)
	}
	defer m.Close()
	greedy, err := m.Generate(ctx, zen.Request{Prompt: "the", MaxTokens: 1, Temperature: zen.Greedy()})
	if err != nil {
		panic(err)
	}
	other, err := m.Generate(ctx, zen.Request{Prompt: "the", MaxTokens: 1, Sampler: avoid(greedy.Tokens[0])})
	if err != nil {
		panic(err)
	}
	fmt.Println(other.Tokens[0] == greedy.Tokens[0])
	// Output: false
}

func ExampleModel_Score() {
	ctx := context.Background()
	m, err := nano.Load(ctx)
	if err != nil {
		panic(err)
	}
	defer m.Close()
	// snippet: score
	right, err := m.Score(ctx, "Once upon a time there was a ", "little girl")
	if err != nil {
		panic(err)
	}
	wrong, err := m.Score(ctx, "Once upon a time there was a ", "of the was")
	if err != nil {
		panic(err)
	}
	fmt.Println(right.LogProb > wrong.LogProb)
	// end: score
	// Output: true
}

func ExampleSession() {
	ctx := context.Background()
	m, err := zen.LoadFS(ctx, zentest.FS(), ".")
	if err != nil {
		panic(err)
	}
	defer m.Close()
	// snippet: session
	s, err := m.NewSession()
	if err != nil {
		panic(err)
	}
	defer s.Close()
	if _, err := s.Prefill(ctx, []int32{1, 2, 3}); err != nil { // a long document, say
		panic(err)
	}
	branch, err := s.Fork() // shares the document's memory
	if err != nil {
		panic(err)
	}
	defer branch.Close()
	logits, err := branch.Next(ctx, 4)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(logits), s.Len(), branch.Len())
	// end: session
	// Output: 512 3 4
}

func ExampleSession_Save() {
	ctx := context.Background()
	m, err := zen.LoadFS(ctx, zentest.FS(), ".")
	if err != nil {
		panic(err)
	}
	defer m.Close()
	s, err := m.NewSession()
	if err != nil {
		panic(err)
	}
	defer s.Close()
	if _, err := s.Prefill(ctx, []int32{1, 2, 3}); err != nil {
		panic(err)
	}
	var file bytes.Buffer
	if err := s.Save(&file); err != nil {
		panic(err)
	}
	restored, err := m.RestoreSession(ctx, &file)
	if err != nil {
		panic(err)
	}
	defer restored.Close()
	fmt.Println(restored.Tokens())
	// Output: [1 2 3]
}

// snippet: test

// Headline is the code under test: it takes a zen.Generator, not a *zen.Model.
func Headline(ctx context.Context, g zen.Generator, article string) (string, error) {
	resp, err := g.Generate(ctx, zen.Request{
		Messages: []zen.Message{zen.System("Write a headline."), zen.User(article)},
	})
	if err != nil {
		return "", err
	}
	return strings.ToUpper(resp.Text), nil
}

func TestHeadline(t *testing.T) {
	fake := zentest.Script(zentest.Reply{Chunks: []string{"Man bites ", "dog"}})
	got, err := Headline(context.Background(), fake, "Yesterday …")
	if err != nil || got != "MAN BITES DOG" {
		t.Fatal(got, err)
	}
}

// end: test

func ExampleLoadFS() {
	m, err := zen.LoadFS(context.Background(), zentest.FS(), ".")
	if err != nil {
		panic(err)
	}
	defer m.Close()
	fmt.Println(m.ContextLength(), m.Config().NumHiddenLayers)
	// Output: 512 2
}

func ExamplePlan() {
	plan, err := zen.Plan(context.Background(), "model/qwen2/testdata/gqa4")
	if err != nil {
		panic(err)
	}
	fmt.Println(plan.ContextLength, plan.Weights > 0, plan.KV > 0)
	// Output: 256 true true
}

func ExampleModel_Encode() {
	m, err := zen.LoadFS(context.Background(), zentest.FS(), ".")
	if err != nil {
		panic(err)
	}
	defer m.Close()
	ids, err := m.Encode(zen.Request{Tokens: []int32{5, 6}})
	if err != nil {
		panic(err)
	}
	_, err = m.Encode(zen.Request{Tokens: []int32{5, 6}, Prompt: "both"})
	fmt.Println(ids, err)
	// Output: [5 6] zen: invalid request: messages: 2 of messages, prompt and tokens are set, want exactly one
}
