// SPDX-License-Identifier: Apache-2.0

package nano_test

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/zenlm/zen"
	"github.com/zenlm/zen/nano"
)

func ExampleLoad() {
	ctx := context.Background()
	m, err := nano.Load(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()

	resp, err := m.Generate(ctx, zen.Request{
		Messages:    []zen.Message{zen.User("What is the capital of France?")},
		Temperature: zen.Greedy(),
	})
	fmt.Println(resp.Text, err)
	// Output: The capital of France is Paris. <nil>
}

func ExampleFS() {
	config, err := fs.ReadFile(nano.FS(), "config.json")
	fmt.Println(len(config) > 0, err)
	// Output: true <nil>
}
