// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Models of the Qwen2.5 family are told by their template to call a tool by writing
//
//	<tool_call>
//	{"name": "weather", "arguments": {"city": "Paris"}}
//	</tool_call>
const (
	callBegin = "<tool_call>"
	callEnd   = "</tool_call>"
	callSpace = " \t\r\n"
)

// CallParser finds the tool calls in the text of one answer, as it comes: the reverse of what
// [Chat] renders. A call is JSON between the marks that names one of the tools; its arguments are
// the bytes that the model wrote. All else stays text, so that nothing is lost. It is for one
// goroutine.
type CallParser struct {
	tools []string
	held  string // what may be the beginning of a call, or the space around one
	after bool   // a call was the latest that went out
}

// NewCallParser returns the parser of an answer to a request with these tools. Without tools all
// is text.
func NewCallParser(tools []Tool) *CallParser {
	p := &CallParser{}
	for _, t := range tools {
		var function struct {
			Name string `json:"name"`
		}
		if json.Unmarshal(t.Function, &function) == nil && function.Name != "" {
			p.tools = append(p.tools, function.Name)
		}
	}
	return p
}

// Push takes the next text of the answer. It returns what is certain by now to be text, and the
// calls that have ended, without an ID. The text of an answer without calls comes out unchanged;
// space around a call is part of the call.
func (p *CallParser) Push(s string) (text string, calls []ToolCall) {
	if len(p.tools) == 0 {
		return s, nil
	}
	p.held += s
	for {
		end := strings.Index(p.held, callEnd)
		begin := strings.LastIndex(p.held[:max(0, end)], callBegin)
		switch {
		case end < 0:
			return text + p.give(p.certain()), calls
		case begin < 0:
			text += p.give(end + len(callEnd))
			continue
		}
		call, ok := p.parse(p.held[begin+len(callBegin) : end])
		if !ok {
			text += p.give(end + len(callEnd))
			continue
		}
		text += p.give(len(strings.TrimRight(p.held[:begin], callSpace)))
		p.held = p.held[strings.Index(p.held, callEnd)+len(callEnd):]
		p.after = true
		calls = append(calls, call)
	}
}

// Flush returns the rest of the text at the end of the answer: a call that did not end is text.
func (p *CallParser) Flush() string {
	if p.after && strings.Trim(p.held, callSpace) == "" {
		p.held = ""
	}
	return p.give(len(p.held))
}

// give takes the first n held bytes as text.
func (p *CallParser) give(n int) string {
	text := p.held[:n]
	p.held = p.held[n:]
	p.after = p.after && n == 0
	return text
}

// certain returns how much of the held text is neither a call, whole or begun, nor the space
// before one.
func (p *CallParser) certain() int {
	n := strings.Index(p.held, callBegin)
	for i := max(0, len(p.held)-len(callBegin)+1); n < 0 && i < len(p.held); i++ {
		if strings.HasPrefix(callBegin, p.held[i:]) {
			n = i
		}
	}
	if n < 0 {
		n = len(p.held)
	}
	return len(strings.TrimRight(p.held[:n], callSpace))
}

// parse reads what stands between the marks of a call.
func (p *CallParser) parse(body string) (call ToolCall, ok bool) {
	var members map[string]json.RawMessage // by exact name, as a struct's are not
	if json.Unmarshal([]byte(body), &members) != nil {
		return call, false
	}
	call.Type = "function"
	for name, value := range members {
		switch name {
		case "name":
			if json.Unmarshal(value, &call.Function.Name) != nil {
				return call, false
			}
		case "arguments":
			if value = bytes.TrimSpace(value); value[0] != '{' {
				return call, false
			}
			call.Function.Arguments = value
		default:
			return call, false
		}
	}
	if call.Function.Arguments == nil {
		call.Function.Arguments = json.RawMessage("{}")
	}
	return call, slices.Contains(p.tools, call.Function.Name)
}
