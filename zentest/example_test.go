// SPDX-License-Identifier: Apache-2.0

package zentest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/zentest"
)

// Summarize stands for a service's own code: it takes a zen.Generator, so that a
// test need not bring a model.
func Summarize(ctx context.Context, g zen.Generator, text string) (string, error) {
	resp, err := g.Generate(ctx, zen.Request{
		Messages:  []zen.Message{zen.System("Summarize in one sentence."), zen.User(text)},
		MaxTokens: 60,
	})
	if err != nil {
		return "", fmt.Errorf("summarize: %w", err)
	}
	if resp.FinishReason == zen.FinishLength {
		return resp.Text + "…", nil
	}
	return strings.TrimSpace(resp.Text), nil
}

// snippet: test

func TestSummarizeMarksWhatWasCutOff(t *testing.T) {
	fake := zentest.Script(
		zentest.Reply{Chunks: []string{"Go is a"}, FinishReason: zen.FinishLength},
		zentest.Fail(zen.ErrOverloaded),
	)
	if got, err := Summarize(t.Context(), fake, "a long page"); got != "Go is a…" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Summarize(t.Context(), fake, "another"); !errors.Is(err, zen.ErrOverloaded) {
		t.Errorf("got %v, want ErrOverloaded", err)
	}
	if asked := fake.Requests()[0].Messages[1].Content; asked != "a long page" {
		t.Errorf("asked for %q", asked)
	}
}

// end: test

// snippet: test-model

func TestSummarizeReportsPagesThatAreTooLong(t *testing.T) {
	model := zentest.Model(t) // its context has 512 tokens
	_, err := Summarize(t.Context(), model, strings.Repeat("a long page ", 100))
	if !errors.Is(err, zen.ErrContextLength) {
		t.Errorf("got %v, want ErrContextLength", err)
	}
}

// end: test-model

func ExampleScript() {
	fake := zentest.Script(zentest.Text("Paris ", "is ", "nice."))
	for chunk, err := range fake.Stream(context.Background(), zen.Request{Prompt: "Where?"}) {
		fmt.Printf("%q %v %v\n", chunk.Text, chunk.FinishReason, err)
	}
	fmt.Println(fake.Requests()[0].Prompt, fake.Remaining())
	// Output:
	// "Paris "  <nil>
	// "is "  <nil>
	// "nice." stop <nil>
	// Where? 0
}

func ExampleFake_Generate() {
	fake := zentest.Script(zentest.Text("Paris ", "is nice."))
	resp, err := fake.Generate(context.Background(), zen.Request{Prompt: "Where?"})
	fmt.Println(resp.Text, resp.FinishReason, err)
	_, err = fake.Generate(context.Background(), zen.Request{Prompt: "And then?"})
	fmt.Println(err)
	// Output:
	// Paris is nice. stop <nil>
	// zentest: the script has ended: request 2, the replies are 1
}

func ExampleText() {
	// A model that takes its time, and a caller that does not.
	reply := zentest.Text("slow", "ly")
	reply.Delay = time.Hour
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err := zentest.Script(reply).Generate(ctx, zen.Request{Prompt: "Well?"})
	fmt.Println(err)
	// Output: context deadline exceeded
}

func ExampleFail() {
	fake := zentest.Script(zentest.Fail(zen.ErrClosed, "Half an"))
	resp, err := fake.Generate(context.Background(), zen.Request{Prompt: "Well?"})
	fmt.Println(resp.Text, "-", err)
	// Output: Half an - zen: model is closed
}

func ExampleModel() {
	t := new(exampleTB) // in a test: its *testing.T
	defer t.end()

	m := zentest.Model(t, zen.WithContext(64))
	resp, err := m.Generate(context.Background(), zen.Request{
		Messages:  []zen.Message{zen.User("Hello")},
		MaxTokens: 8,
	})
	fmt.Println(resp.Usage.PromptTokens, resp.Usage.CompletionTokens, resp.FinishReason, err)
	// Output: 24 8 length <nil>
}

func ExampleFS() {
	names, err := fs.Glob(zentest.FS(), "*")
	fmt.Println(names, err)
	m, err := zen.LoadFS(context.Background(), zentest.FS(), ".")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	fmt.Println(m.Config().NumHiddenLayers, m.ContextLength())
	// Output:
	// [config.json generation_config.json model.safetensors tokenizer.json tokenizer_config.json] <nil>
	// 2 512
}

// exampleTB is as much of a *testing.T as Model needs.
type exampleTB struct {
	testing.TB
	cleanup func()
}

func (t *exampleTB) end() { t.cleanup() }

func (t *exampleTB) Helper()                   {}
func (t *exampleTB) Context() context.Context  { return context.Background() }
func (t *exampleTB) Cleanup(f func())          { t.cleanup = f }
func (t *exampleTB) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (t *exampleTB) Errorf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
