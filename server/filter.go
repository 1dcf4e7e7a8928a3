// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"github.com/zenlm/zen"
)

// RequestFilter sees a request before the model does. It may change it, as for
// redaction. A *Refusal refuses the request with status 400 and the code
// content_filter; another error is status 500: a filter that fails lets nothing
// through. It is called from many goroutines.
type RequestFilter func(ctx context.Context, req *zen.Request) error

// TextFilter sees the text of one answer before the client does, tool calls
// included as the model wrote them. It serves one goroutine.
type TextFilter interface {
	// Push takes the next text and returns what may go out by now, which may be
	// other text. What it holds back it returns later, or never. A *Refusal ends the
	// answer after the text returned with it, with the finish reason
	// content_filter; another error ends the request with status 500.
	Push(text string) (string, error)
	// Flush returns the rest at the end of the answer; see Push.
	Flush() (string, error)
}

// passing is the TextFilter of a server without one.
type passing struct{}

func (passing) Push(text string) (string, error) { return text, nil }
func (passing) Flush() (string, error)           { return "", nil }
