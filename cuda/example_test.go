// SPDX-License-Identifier: Apache-2.0

package cuda_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/backend"
	"github.com/zenlm/zen/cuda"
	"github.com/zenlm/zen/nano"
)

// A program falls back where there is no GPU.
func ExampleOpen() {
	b, err := cuda.Open(backend.Options{})
	switch {
	case err == nil:
		defer b.Close()
	case errors.Is(err, backend.ErrUnavailable):
		err = nil // use another backend
	}
	fmt.Println(err)
	// Output: <nil>
}

// A program that asks for the GPU and is content with the CPU.
func Example() {
	ctx := context.Background()
	// snippet: load
	m, err := nano.Load(ctx, zen.WithBackend("cuda")) // or zen.Load(ctx, path, …)
	if errors.Is(err, backend.ErrUnavailable) {
		m, err = nano.Load(ctx) // no GPU here, no driver, or no cgo: err says which
	}
	// end: load
	if err != nil {
		panic(err)
	}
	defer m.Close()
	resp, err := m.Generate(ctx, zen.Request{
		Messages: []zen.Message{zen.User("What is the capital of France?")}, Temperature: zen.Greedy()})
	if err != nil {
		panic(err)
	}
	fmt.Println(resp.Text)
	// Output: The capital of France is Paris.
}
