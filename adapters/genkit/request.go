// SPDX-License-Identifier: Apache-2.0

package zengenkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/firebase/genkit/go/ai"

	"github.com/zenlm/zen"
)

// Config is what ai.WithConfig may set. An ai.GenerationCommonConfig and a map with
// these names do as well. What is unset comes from the checkpoint.
type Config struct {
	MaxOutputTokens   int      `json:"maxOutputTokens,omitempty"`
	StopSequences     []string `json:"stopSequences,omitempty"`
	Temperature       *float64 `json:"temperature,omitempty"` // 0 is greedy
	TopK              *int     `json:"topK,omitempty"`
	TopP              *float64 `json:"topP,omitempty"`
	MinP              *float64 `json:"minP,omitempty"`
	RepetitionPenalty *float64 `json:"repetitionPenalty,omitempty"`
	PresencePenalty   float64  `json:"presencePenalty,omitempty"`
	FrequencyPenalty  float64  `json:"frequencyPenalty,omitempty"`
	Seed              *uint64  `json:"seed,omitempty"`
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: zengenkit: %s", zen.ErrUnsupported, fmt.Sprintf(format, args...))
}

// strict copies a value into another by its JSON. A field that is not there is an
// error.
func strict(from, to any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

func request(given *ai.ModelRequest) (req zen.Request, err error) {
	var c Config
	if err := strict(given.Config, &c); err != nil {
		return req, unsupported("config: %v", err)
	}
	if given.Output != nil && given.Output.Constrained {
		return req, unsupported("constrained output")
	}
	req = zen.Request{
		MaxTokens: c.MaxOutputTokens, Stop: c.StopSequences, Temperature: c.Temperature, TopK: c.TopK, TopP: c.TopP, MinP: c.MinP,
		RepetitionPenalty: c.RepetitionPenalty, PresencePenalty: c.PresencePenalty, FrequencyPenalty: c.FrequencyPenalty, Seed: c.Seed,
	}
	switch given.ToolChoice {
	case "", ai.ToolChoiceAuto:
		if req.Tools, err = tools(given.Tools); err != nil {
			return req, err
		}
	case ai.ToolChoiceNone:
	default:
		return req, unsupported("tool choice %q, want auto or none", given.ToolChoice)
	}
	for i, m := range given.Messages {
		messages, err := conversation(m)
		if err != nil {
			return req, unsupported("message %d: %v", i, err)
		}
		req.Messages = append(req.Messages, messages...)
	}
	return req, nil
}

func tools(given []*ai.ToolDefinition) (list []zen.Tool, err error) {
	for _, t := range given {
		function, err := json.Marshal(struct {
			Name        string         `json:"name"`
			Description string         `json:"description"`
			Parameters  map[string]any `json:"parameters,omitempty"`
		}{t.Name, t.Description, t.InputSchema})
		if err != nil {
			return nil, fmt.Errorf("zengenkit: tool %q: %w", t.Name, err)
		}
		list = append(list, zen.Tool{Type: "function", Function: function})
	}
	return list, nil
}

var roles = map[ai.Role]string{ai.RoleSystem: "system", ai.RoleUser: "user", ai.RoleModel: "assistant", ai.RoleTool: "tool"}

// conversation returns a message, or one for each tool's answer in it. Texts are
// joined as they are.
func conversation(given *ai.Message) (list []zen.Message, err error) {
	role, ok := roles[given.Role]
	if !ok {
		return nil, fmt.Errorf("role %q", given.Role)
	}
	m := zen.Message{Role: role}
	var texts []*ai.Part
	for _, part := range given.Content {
		switch {
		case part.IsToolRequest():
			call := zen.ToolCall{ID: part.ToolRequest.Ref, Type: "function"}
			call.Function.Name = part.ToolRequest.Name
			if call.Function.Arguments, err = json.Marshal(part.ToolRequest.Input); err != nil {
				return nil, err
			}
			m.ToolCalls = append(m.ToolCalls, call)
		case part.IsToolResponse():
			answer, err := toolAnswer(part.ToolResponse)
			if err != nil {
				return nil, err
			}
			list = append(list, answer)
		default:
			texts = append(texts, part)
		}
	}
	if m.Content, err = plain(texts); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return []zen.Message{m}, nil
	}
	if role != "tool" || len(list) < len(given.Content) {
		return nil, fmt.Errorf("a tool's answer beside other parts")
	}
	return list, nil
}

// toolAnswer returns what a tool gave: its text, or else its JSON.
func toolAnswer(r *ai.ToolResponse) (zen.Message, error) {
	m := zen.Message{Role: "tool", Name: r.Name, ToolCallID: r.Ref}
	if len(r.Content) > 0 {
		return m, fmt.Errorf("a tool's answer of several parts")
	}
	if text, ok := r.Output.(string); ok {
		m.Content = text
		return m, nil
	}
	data, err := json.Marshal(r.Output)
	m.Content = string(data)
	return m, err
}

// plain returns the text of parts that are all text.
func plain(parts []*ai.Part) (string, error) {
	var text strings.Builder
	for _, part := range parts {
		if !part.IsText() {
			return "", fmt.Errorf("a part of kind %d, content type %q, is no text", part.Kind, part.ContentType)
		}
		text.WriteString(part.Text)
	}
	return text.String(), nil
}
