// SPDX-License-Identifier: Apache-2.0

package server

import "github.com/zenlm/zen/tokenizer"

// chatFormat is chat.completion and chat.completion.chunk.
type chatFormat struct {
	head
	usage    bool // in a stream
	logprobs bool
	tokens   tokenizer.Tokenizer // nil without logprobs
	calls    int                 // in the stream so far
}

type chatMessage struct {
	Role      string     `json:"role"`
	Content   *string    `json:"content"` // null beside calls without text
	Refusal   *string    `json:"refusal"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type chatChoice struct {
	Index        int           `json:"index"`
	Message      chatMessage   `json:"message"`
	Logprobs     *chatLogprobs `json:"logprobs"`
	FinishReason string        `json:"finish_reason"`
}

func (f *chatFormat) whole(p piece) any {
	message := chatMessage{Role: "assistant", Content: &p.text, ToolCalls: p.calls}
	if p.text == "" && len(p.calls) > 0 {
		message.Content = nil
	}
	return struct {
		head
		Choices []chatChoice `json:"choices"`
		Usage   *usage       `json:"usage"`
	}{f.head, []chatChoice{{Message: message, Logprobs: f.logprobsOf(p), FinishReason: p.finish}}, newUsage(p.usage)}
}

type chatDelta struct {
	Role      string     `json:"role,omitempty"`
	Content   *string    `json:"content,omitempty"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type chunkChoice struct {
	Index        int           `json:"index"`
	Delta        chatDelta     `json:"delta"`
	Logprobs     *chatLogprobs `json:"logprobs"`
	FinishReason *string       `json:"finish_reason"`
}

type chatChunk struct {
	head
	Choices []chunkChoice `json:"choices"`
}

// chunkWithUsage is a chunk of a stream that ends with the usage: null before.
type chunkWithUsage struct {
	chatChunk
	Usage *usage `json:"usage"`
}

func (f *chatFormat) events(p piece, first bool) (events []any) {
	if first {
		events = append(events, f.chunk(chunkChoice{Delta: chatDelta{Role: "assistant", Content: new(string)}}))
	}
	logprobs := f.logprobsOf(p)
	if p.text != "" || logprobs != nil && len(logprobs.Content) > 0 {
		events = append(events, f.chunk(chunkChoice{Delta: chatDelta{Content: &p.text}, Logprobs: logprobs}))
	}
	if len(p.calls) > 0 {
		for i := range p.calls {
			p.calls[i].Index = new(f.calls + i)
		}
		f.calls += len(p.calls)
		events = append(events, f.chunk(chunkChoice{Delta: chatDelta{ToolCalls: p.calls}}))
	}
	if p.finish == "" {
		return events
	}
	events = append(events, f.chunk(chunkChoice{FinishReason: &p.finish}))
	if f.usage {
		events = append(events, chunkWithUsage{chatChunk{f.head, []chunkChoice{}}, newUsage(p.usage)})
	}
	return events
}

func (f *chatFormat) chunk(choice chunkChoice) any {
	chunk := chatChunk{f.head, []chunkChoice{choice}}
	if f.usage {
		return chunkWithUsage{chunk, nil}
	}
	return chunk
}
