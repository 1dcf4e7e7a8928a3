// SPDX-License-Identifier: Apache-2.0

package server

import (
	"time"

	"github.com/zenlm/zen"
)

// Observer is told of requests, for metrics and logs. Its methods are called on the
// requests' goroutines, at once from many, and should be quick.
type Observer interface {
	// Begin tells of a request that has come in: "chat", "completions",
	// "embeddings", "generate", "models", or "" for a path that is none.
	Begin(endpoint string)
	// Chunk tells of a piece of an answer that came from the model: after the wait
	// since the piece before it, or since the request for the first.
	Chunk(endpoint string, first bool, wait time.Duration)
	// End tells of a request that has ended. Each Begin has one End.
	End(r Report)
}

// Report is what there is to tell of a request that has ended.
type Report struct {
	ID       string // the response's X-Request-Id
	Endpoint string // as Begin has it
	Key      int    // the number of its key among WithKeys, from 0; -1 without one
	Streamed bool
	Status   int    // 499 when the client left before the end
	Code     string // of the error the client was told, or ""
	Err      error  // what went wrong, in full; nil if nothing did

	FinishReason string // of an answer
	Usage        zen.Usage
	Timings      zen.Timings
	FirstChunk   time.Duration // from the request; 0 if none came
	Duration     time.Duration
}

// nobody is the Observer of a server without one.
type nobody struct{}

func (nobody) Begin(string)                      {}
func (nobody) Chunk(string, bool, time.Duration) {}
func (nobody) End(Report)                        {}
