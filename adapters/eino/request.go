// SPDX-License-Identifier: Apache-2.0

package eino

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/schema"

	"github.com/zenlm/zen"
)

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: eino: %s", zen.ErrUnsupported, fmt.Sprintf(format, args...))
}

// request returns the request for a conversation.
func (m *ChatModel) request(input []*schema.Message, opts []model.Option) (req zen.Request, err error) {
	o := model.GetCommonOptions(&model.Options{Tools: m.tools}, opts...)
	if o.Model != nil {
		return req, unsupported("option Model: a chat model has one")
	}
	req = zen.Request{Stop: o.Stop, Temperature: wide(o.Temperature), TopP: wide(o.TopP)}
	if o.MaxTokens != nil {
		req.MaxTokens = *o.MaxTokens
	}
	if req.Tools, err = tools(o); err != nil {
		return req, err
	}
	for i, given := range input {
		message, err := message(given)
		if err != nil {
			return req, fmt.Errorf("message %d: %w", i, err)
		}
		req.Messages = append(req.Messages, message)
	}
	for _, edit := range *model.GetImplSpecificOptions(&edits{}, opts...) {
		edit(&req)
	}
	return req, nil
}

// wide returns the number that was written, 0.7 and not 0.699999988.
func wide(v *float32) *float64 {
	if v == nil {
		return nil
	}
	w, err := strconv.ParseFloat(strconv.FormatFloat(float64(*v), 'g', -1, 32), 64)
	if err != nil {
		w = float64(*v) // NaN, infinity
	}
	return &w
}

// tools returns those the model is shown: all, the allowed ones, or none.
func tools(o *model.Options) (list []zen.Tool, err error) {
	if o.ToolChoice != nil {
		switch *o.ToolChoice {
		case schema.ToolChoiceAllowed:
		case schema.ToolChoiceForbidden:
			return nil, nil
		default:
			return nil, unsupported("option ToolChoice %q, want allowed or forbidden", *o.ToolChoice)
		}
	}
	for _, name := range o.AllowedToolNames {
		if !slices.ContainsFunc(o.Tools, func(t *schema.ToolInfo) bool { return t.Name == name }) {
			return nil, unsupported("option AllowedToolNames: no tool %q", name)
		}
	}
	for _, t := range o.Tools {
		if len(o.AllowedToolNames) > 0 && !slices.Contains(o.AllowedToolNames, t.Name) {
			continue
		}
		tool, err := tool(t)
		if err != nil {
			return nil, fmt.Errorf("eino: tool %q: %w", t.Name, err)
		}
		list = append(list, tool)
	}
	return list, nil
}

func tool(t *schema.ToolInfo) (zen.Tool, error) {
	function := struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Parameters  any    `json:"parameters,omitempty"`
	}{Name: t.Name, Description: t.Desc}
	if t.ParamsOneOf != nil {
		parameters, err := t.ToJSONSchema()
		if err != nil {
			return zen.Tool{}, err
		}
		function.Parameters = parameters
	}
	data, err := json.Marshal(function)
	return zen.Tool{Type: "function", Function: data}, err
}

var roles = map[schema.RoleType]string{
	schema.System: "system", schema.User: "user", schema.Assistant: "assistant", schema.Tool: "tool",
}

func message(given *schema.Message) (m zen.Message, err error) {
	role, ok := roles[given.Role]
	if !ok {
		return m, unsupported("role %q", given.Role)
	}
	if len(given.MultiContent)+len(given.UserInputMultiContent)+len(given.AssistantGenMultiContent) > 0 {
		return m, unsupported("content of several parts")
	}
	m = zen.Message{Role: role, Content: given.Content, Name: given.Name, ToolCallID: given.ToolCallID}
	for _, c := range given.ToolCalls {
		call := zen.ToolCall{ID: c.ID, Type: "function"}
		call.Function.Name = c.Function.Name
		if call.Function.Arguments, err = json.Marshal(c.Function.Arguments); err != nil {
			return m, err
		}
		m.ToolCalls = append(m.ToolCalls, call)
	}
	return m, nil
}
