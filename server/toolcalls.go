// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/rand"

	"github.com/zenlm/zen"
)

// toolCall is a call as OpenAI writes it.
type toolCall struct {
	Index    *int   `json:"index,omitempty"` // in a stream
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

func toolCalls(found []zen.ToolCall) (calls []toolCall) {
	for _, f := range found {
		call := toolCall{ID: "call_" + rand.Text(), Type: f.Type}
		call.Function.Name, call.Function.Arguments = f.Function.Name, string(f.Function.Arguments)
		calls = append(calls, call)
	}
	return calls
}
