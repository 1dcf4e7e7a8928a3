// SPDX-License-Identifier: Apache-2.0

package langchaingo

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/tmc/langchaingo/llms"

	"github.com/zenlm/zen"
)

// readOptions applies options. A temperature that none of them set is NaN.
func readOptions(options []llms.CallOption) *llms.CallOptions {
	opts := &llms.CallOptions{Temperature: math.NaN()}
	for _, set := range options {
		set(opts)
	}
	return opts
}

// request returns the settings of a request.
func request(o *llms.CallOptions) (req zen.Request, err error) {
	for name, given := range map[string]bool{
		"N": o.N > 1, "CandidateCount": o.CandidateCount > 1, "MinLength": o.MinLength != 0, "MaxLength": o.MaxLength != 0,
		"JSONMode": o.JSONMode, "ResponseMIMEType": o.ResponseMIMEType != "" && o.ResponseMIMEType != "text/plain",
		"Functions": len(o.Functions) > 0, "FunctionCallBehavior": o.FunctionCallBehavior != "", "Metadata": len(o.Metadata) > 0,
	} {
		if given {
			return req, fmt.Errorf("%w: langchaingo: option %s", zen.ErrUnsupported, name)
		}
	}
	req = zen.Request{
		MaxTokens:        o.MaxTokens,
		Stop:             o.StopWords,
		PresencePenalty:  o.PresencePenalty,
		FrequencyPenalty: o.FrequencyPenalty,
	}
	if !math.IsNaN(o.Temperature) {
		req.Temperature = &o.Temperature
	}
	if o.TopK != 0 {
		req.TopK = &o.TopK
	}
	if o.TopP != 0 {
		req.TopP = &o.TopP
	}
	if o.RepetitionPenalty != 0 {
		req.RepetitionPenalty = &o.RepetitionPenalty
	}
	if o.Seed != 0 {
		req.Seed = new(uint64(o.Seed))
	}
	switch choice := o.ToolChoice; choice {
	case nil, "auto":
		req.Tools, err = tools(o.Tools)
	case "none":
	default:
		err = fmt.Errorf("%w: langchaingo: option ToolChoice %v, want auto or none", zen.ErrUnsupported, choice)
	}
	return req, err
}

func tools(given []llms.Tool) (list []zen.Tool, err error) {
	for i, t := range given {
		switch {
		case t.Type != "function" || t.Function == nil:
			return nil, fmt.Errorf("%w: langchaingo: tool %d of type %q, want function", zen.ErrUnsupported, i, t.Type)
		case t.Function.Strict:
			return nil, fmt.Errorf("%w: langchaingo: tool %q is strict", zen.ErrUnsupported, t.Function.Name)
		}
		function, err := json.Marshal(t.Function)
		if err != nil {
			return nil, fmt.Errorf("langchaingo: tool %q: %w", t.Function.Name, err)
		}
		list = append(list, zen.Tool{Type: "function", Function: function})
	}
	return list, nil
}

var roles = map[llms.ChatMessageType]string{
	llms.ChatMessageTypeSystem:  "system",
	llms.ChatMessageTypeHuman:   "user",
	llms.ChatMessageTypeGeneric: "user",
	llms.ChatMessageTypeAI:      "assistant",
	llms.ChatMessageTypeTool:    "tool",
}

// conversation returns the messages. Texts of one are joined by line ends; each
// answer of a tool becomes a message of its own.
func conversation(given []llms.MessageContent) (list []zen.Message, err error) {
	for i, g := range given {
		role, ok := roles[g.Role]
		if !ok {
			return nil, fmt.Errorf("%w: langchaingo: message %d: role %q", zen.ErrUnsupported, i, g.Role)
		}
		m := zen.Message{Role: role}
		var texts []string
		answers := 0
		for _, part := range g.Parts {
			switch p := part.(type) {
			case llms.TextContent:
				texts = append(texts, p.Text)
			case llms.ToolCall:
				call, err := toolCall(p)
				if err != nil {
					return nil, fmt.Errorf("langchaingo: message %d: %w", i, err)
				}
				m.ToolCalls = append(m.ToolCalls, call)
			case llms.ToolCallResponse:
				list = append(list, zen.Message{Role: "tool", Name: p.Name, ToolCallID: p.ToolCallID, Content: p.Content})
				answers++
			default:
				return nil, fmt.Errorf("%w: langchaingo: message %d: a part of type %T", zen.ErrUnsupported, i, part)
			}
		}
		if answers > 0 && (role != "tool" || answers < len(g.Parts)) {
			return nil, fmt.Errorf("%w: langchaingo: message %d: a tool's answer beside other parts", zen.ErrUnsupported, i)
		}
		if answers == 0 {
			m.Content = strings.Join(texts, "\n")
			list = append(list, m)
		}
	}
	return list, nil
}

func toolCall(c llms.ToolCall) (zen.ToolCall, error) {
	if c.FunctionCall == nil {
		return zen.ToolCall{}, fmt.Errorf("%w: a tool call without a function", zen.ErrUnsupported)
	}
	call := zen.ToolCall{ID: c.ID, Type: "function"}
	call.Function.Name = c.FunctionCall.Name
	arguments, err := json.Marshal(c.FunctionCall.Arguments)
	call.Function.Arguments = arguments
	return call, err
}
