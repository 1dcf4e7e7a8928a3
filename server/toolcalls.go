// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
)

// Models of the Qwen2.5 family call a tool by writing
//
//	<tool_call>
//	{"name": "weather", "arguments": {"city": "Paris"}}
//	</tool_call>
//
// What has this form and names a tool of the request is a call, with the arguments
// byte for byte as the model wrote them. All else stays text: nothing is lost.
const (
	callBegin = "<tool_call>"
	callEnd   = "</tool_call>"
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

// callParser finds calls in the text of one answer.
type callParser struct {
	tools []string // none: all is text
	held  string   // what may be the beginning of a call, or of what is around one
	after bool     // a call was the latest that went out
}

func newCallParser(tools []string) *callParser { return &callParser{tools: tools} }

// push takes the next text and returns what is certain by now.
func (p *callParser) push(s string) (text string, calls []toolCall) {
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
		text += p.give(len(strings.TrimRight(p.held[:begin], space)))
		p.held = p.held[strings.Index(p.held, callEnd)+len(callEnd):]
		p.after = true
		calls = append(calls, call)
	}
}

// flush returns what was held back at the end of the answer. Space after a call is
// part of the call's form.
func (p *callParser) flush() string {
	if p.after && strings.Trim(p.held, space) == "" {
		p.held = ""
	}
	return p.give(len(p.held))
}

const space = " \t\r\n"

// give takes the first n held bytes as text.
func (p *callParser) give(n int) string {
	text := p.held[:n]
	p.held = p.held[n:]
	p.after = p.after && n == 0
	return text
}

// certain returns how much of the held text is neither a call, whole or begun, nor
// the space before one.
func (p *callParser) certain() int {
	n := strings.Index(p.held, callBegin)
	for i := max(0, len(p.held)-len(callBegin)+1); n < 0 && i < len(p.held); i++ {
		if strings.HasPrefix(callBegin, p.held[i:]) {
			n = i
		}
	}
	if n < 0 {
		n = len(p.held)
	}
	return len(strings.TrimRight(p.held[:n], space))
}

// parse reads what stands between the marks of a call.
func (p *callParser) parse(body string) (call toolCall, ok bool) {
	var name string
	var arguments json.RawMessage
	f := fields{
		"name": text(&name),
		"arguments": func(at string, raw json.RawMessage) error {
			arguments = bytes.TrimSpace(raw)
			return fieldsOf(at, raw)
		},
	}
	if document([]byte(body), f) != nil || !slices.Contains(p.tools, name) {
		return call, false
	}
	if arguments == nil {
		arguments = json.RawMessage("{}")
	}
	call.ID, call.Type = "call_"+rand.Text(), "function"
	call.Function.Name, call.Function.Arguments = name, string(arguments)
	return call, true
}

// fieldsOf accepts an object of any fields.
func fieldsOf(at string, raw json.RawMessage) error {
	if kind(raw) != '{' {
		return badRequest(at, "want an object, got %s", describe(raw))
	}
	return nil
}
