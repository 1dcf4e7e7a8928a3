// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/json"
	"strings"

	"github.com/zenlm/zen"
)

// message reads a message of a conversation into a list. The role developer, a newer
// name, is system. Parts of text are joined by line ends.
func message(list *[]zen.Message) field {
	return func(at string, raw json.RawMessage) error {
		var m zen.Message
		err := fields{
			"role":         text(&m.Role),
			"content":      content(&m.Content),
			"name":         text(&m.Name),
			"tool_calls":   elements(messageCall(&m.ToolCalls)),
			"tool_call_id": text(&m.ToolCallID),

			"annotations": only("[]"),
			"audio":       only(),
			"refusal":     only(),
		}.object(at, raw)
		if m.Role == "developer" {
			m.Role = "system"
		}
		*list = append(*list, m)
		return err
	}
}

func content(s *string) field {
	return func(at string, raw json.RawMessage) error {
		if kind(raw) != '[' {
			return text(s)(at, raw)
		}
		var parts []string
		err := elements(func(at string, raw json.RawMessage) error {
			var part string
			err := fields{
				"type": only(`"text"`), "text": text(&part), "prompt_cache_breakpoint": ignored,
			}.object(at, raw)
			parts = append(parts, part)
			return err
		})(at, raw)
		*s = strings.Join(parts, "\n")
		return err
	}
}

func messageCall(list *[]zen.ToolCall) field {
	return func(at string, raw json.RawMessage) error {
		var call zen.ToolCall
		var arguments string
		err := fields{
			"id":    text(&call.ID),
			"type":  only(`"function"`),
			"index": ignored, // of streamed calls that a client put together
			"function": fields{
				"name":      text(&call.Function.Name),
				"arguments": text(&arguments),
			}.object,
		}.object(at, raw)
		if err != nil {
			return err
		}
		call.Type = "function"
		call.Function.Arguments, err = json.Marshal(arguments)
		*list = append(*list, call)
		return err
	}
}

// tool reads a tool into a list. Its function goes into the prompt as it came.
func tool(list *[]zen.Tool) field {
	return func(at string, raw json.RawMessage) error {
		t := zen.Tool{Type: "function"}
		var name string
		err := fields{
			"type": only(`"function"`),
			"function": func(at string, raw json.RawMessage) error {
				t.Function = raw
				return fields{
					"name": text(&name), "description": ignored, "parameters": ignored, "strict": only("false"),
				}.object(at, raw)
			},
		}.object(at, raw)
		if err == nil && name == "" {
			err = badRequest(at+".function.name", "missing")
		}
		*list = append(*list, t)
		return err
	}
}
