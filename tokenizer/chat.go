// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"fmt"
	"strings"
)

// Chat is a recognised chat template. It renders conversations in Go; no template is interpreted.
// Make one with [ParseChat]. It is immutable and safe for concurrent use.
type Chat struct {
	family        family
	defaultSystem string // what the template says when the first message is not a system's
	hasDefault    bool
}

// family says how a template renders what ChatML leaves open.
type family int

const (
	familyChatML family = iota // no place for tools
	familyQwen25               // Qwen2.5-Instruct
)

const (
	controlStart = "<|im_start|>"
	controlEnd   = "<|im_end|>"
)

// DefaultSystem returns the system prompt that the template adds to a conversation that does not
// begin with one, and false when it adds none.
func (c *Chat) DefaultSystem() (string, bool) { return c.defaultSystem, c.hasDefault }

// HasTools reports whether the template has a place for tools and tool calls.
func (c *Chat) HasTools() bool { return c.family == familyQwen25 }

// Encode appends the ids of the conversation and of the assistant's header to dst. Control tokens
// are inserted as ids; the text of messages and tools is encoded with special tokens off, so that
// a message cannot end its own turn. Where no message spells a special token, the ids are those
// of transformers' apply_chat_template with add_generation_prompt.
//
// Errors match [ErrMessage] for a conversation that the template cannot hold, and [ErrTemplate]
// when t lacks a control token.
func (c *Chat) Encode(dst []int32, t Tokenizer, messages []Message, tools []Tool) ([]int32, error) {
	parts, err := c.parts(messages, tools)
	if err != nil {
		return dst, err
	}
	out := dst
	for _, p := range parts {
		if !p.control {
			if out, err = t.Encode(out, p.text); err != nil {
				return dst, err
			}
			continue
		}
		id, ok := t.Special(p.text)
		if !ok {
			return dst, fmt.Errorf("%w: the tokenizer has no token %s", ErrTemplate, p.text)
		}
		out = append(out, id)
	}
	return out, nil
}

// Render returns the text that the template gives for the conversation, ending with the
// assistant's header. It is for display and for tests: once it is text, a control token spelled
// in a message cannot be told from a real one.
func (c *Chat) Render(messages []Message, tools []Tool) (string, error) {
	parts, err := c.parts(messages, tools)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, p := range parts {
		out.WriteString(p.text)
	}
	return out.String(), nil
}

// chatPart is a control token or the text between two.
type chatPart struct {
	text    string
	control bool
}

// chatWriter collects parts; text that follows text joins it, as in the rendered template.
type chatWriter struct {
	parts []chatPart
	text  strings.Builder
}

func (w *chatWriter) write(texts ...string) {
	for _, s := range texts {
		w.text.WriteString(s)
	}
}

func (w *chatWriter) control(token string) {
	if w.text.Len() > 0 {
		w.parts = append(w.parts, chatPart{text: w.text.String()})
		w.text.Reset()
	}
	w.parts = append(w.parts, chatPart{token, true})
}

func (w *chatWriter) open(texts ...string) {
	w.control(controlStart)
	w.write(texts...)
}

func (w *chatWriter) close() {
	w.control(controlEnd)
	w.write("\n")
}

func (w *chatWriter) turn(role, content string) {
	w.open(role, "\n", content)
	w.close()
}

func (c *Chat) parts(messages []Message, tools []Tool) ([]chatPart, error) {
	if err := c.check(messages, tools); err != nil {
		return nil, err
	}
	w := &chatWriter{}
	var err error
	if c.family == familyQwen25 {
		err = c.qwen25(w, messages, tools)
	} else {
		c.chatML(w, messages)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	w.open("assistant\n")
	w.parts = append(w.parts, chatPart{text: w.text.String()})
	return w.parts, nil
}

// check refuses what the template would render wrongly or leave out.
func (c *Chat) check(messages []Message, tools []Tool) error {
	if len(messages) == 0 {
		return fmt.Errorf("%w: no messages", ErrMessage)
	}
	if len(tools) > 0 && !c.HasTools() {
		return fmt.Errorf("%w: %d tools, but the chat template has no place for tools", ErrMessage, len(tools))
	}
	for i, m := range messages {
		switch m.Role {
		case "system", "user", "assistant", "tool":
		default:
			return fmt.Errorf("%w: messages[%d]: role %q, want system, user, assistant or tool", ErrMessage, i, m.Role)
		}
		if m.Role == "tool" && !c.HasTools() {
			return fmt.Errorf("%w: messages[%d]: the chat template has no place for a tool's answer", ErrMessage, i)
		}
		if len(m.ToolCalls) == 0 {
			continue
		}
		if m.Role != "assistant" {
			return fmt.Errorf("%w: messages[%d]: tool calls of role %q, want assistant", ErrMessage, i, m.Role)
		}
		if !c.HasTools() {
			return fmt.Errorf("%w: messages[%d]: the chat template has no place for tool calls", ErrMessage, i)
		}
	}
	return nil
}

func (c *Chat) chatML(w *chatWriter, messages []Message) {
	if c.hasDefault && messages[0].Role != "system" {
		w.turn("system", c.defaultSystem)
	}
	for _, m := range messages {
		w.turn(m.Role, m.Content)
	}
}

const (
	toolsBefore = "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n" +
		"You are provided with function signatures within <tools></tools> XML tags:\n<tools>"
	toolsAfter = "\n</tools>\n\nFor each function call, return a json object with function name and " +
		"arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n" +
		"{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>"
)

// qwen25 renders Qwen2.5-Instruct's template.
func (c *Chat) qwen25(w *chatWriter, messages []Message, tools []Tool) error {
	system := c.defaultSystem
	if messages[0].Role == "system" {
		system, messages = messages[0].Content, messages[1:]
	}
	w.open("system\n", system)
	if len(tools) > 0 {
		w.write(toolsBefore)
		for i, t := range tools {
			text, err := t.python()
			if err != nil {
				return fmt.Errorf("tools[%d]: %w", i, err)
			}
			w.write("\n", text)
		}
		w.write(toolsAfter)
	}
	w.close()
	for i, m := range messages {
		if m.Role == "tool" {
			first := i == 0 || messages[i-1].Role != "tool"
			last := i+1 == len(messages) || messages[i+1].Role != "tool"
			w.toolAnswer(m.Content, first, last)
			continue
		}
		if len(m.ToolCalls) == 0 {
			w.turn(m.Role, m.Content)
			continue
		}
		if err := w.toolCalls(m); err != nil {
			return err
		}
	}
	return nil
}

// toolAnswer writes a tool's answer; answers in a row share one turn of the user.
func (w *chatWriter) toolAnswer(content string, first, last bool) {
	if first {
		w.open("user")
	}
	w.write("\n<tool_response>\n", content, "\n</tool_response>")
	if last {
		w.close()
	}
}

func (w *chatWriter) toolCalls(m Message) error {
	w.open("assistant")
	if m.Content != "" {
		w.write("\n", m.Content)
	}
	for i, call := range m.ToolCalls {
		arguments, err := call.Function.python()
		if err != nil {
			return fmt.Errorf("tool_calls[%d]: %w", i, err)
		}
		w.write("\n<tool_call>\n{\"name\": \"", call.Function.Name, "\", \"arguments\": ", arguments, "}\n</tool_call>")
	}
	w.close()
	return nil
}
