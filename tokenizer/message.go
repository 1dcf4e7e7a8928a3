// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Message is one turn of a conversation, with the JSON names of the OpenAI chat API.
type Message struct {
	Role       string     `json:"role"` // system, user, assistant or tool
	Content    string     `json:"content"`
	ToolCalls  []ToolCall `json:"tool_calls,omitempty"`   // of an assistant
	ToolCallID string     `json:"tool_call_id,omitempty"` // of a tool; no known template renders it
	Name       string     `json:"name,omitempty"`         // no known template renders it
}

// ToolCall is a call that the assistant asked for.
type ToolCall struct {
	ID       string       `json:"id,omitempty"`
	Type     string       `json:"type,omitempty"` // "function"
	Function FunctionCall `json:"function"`
}

// FunctionCall names a function and its arguments.
type FunctionCall struct {
	Name string `json:"name"`
	// Arguments is a JSON object, or a JSON string that holds one, as the OpenAI API sends it;
	// both render the same. Empty means no arguments.
	Arguments json.RawMessage `json:"arguments"`
}

// Tool is a function that the model may call.
type Tool struct {
	Type     string          `json:"type"`     // "function", which "" means too
	Function json.RawMessage `json:"function"` // {"name", "description", "parameters"}
}

// python returns the tool as Python's json.dumps writes it.
func (t Tool) python() (string, error) {
	kind := t.Type
	if kind == "" {
		kind = "function"
	}
	out := append(pythonString([]byte(`{"type": `), []byte(kind)), `, "function": `...)
	out, err := pythonJSON(out, t.Function)
	return string(append(out, '}')), err
}

// python returns the call's arguments as Python's json.dumps writes them.
func (f FunctionCall) python() (string, error) {
	raw := bytes.TrimSpace(f.Arguments)
	if len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", err
		}
		raw = []byte(strings.TrimSpace(text))
	}
	if len(raw) == 0 || string(raw) == "null" {
		return "{}", nil
	}
	out, err := pythonJSON(nil, raw)
	if err == nil && raw[0] != '{' {
		return "", fmt.Errorf("arguments: want a JSON object, found %.20q", raw)
	}
	return string(out), err
}

// pythonJSON appends the JSON text raw as json.dumps(json.loads(raw), ensure_ascii=False) of
// Python writes it: a space after ',' and ':', keys in their order, the last value of a repeated
// key, floats as repr.
func pythonJSON(dst []byte, raw json.RawMessage) ([]byte, error) {
	if !json.Valid(raw) {
		return dst, fmt.Errorf("not JSON: %.40q", raw)
	}
	r := &jsonReader{data: raw}
	dst = r.python(dst, 0)
	return dst, r.err
}

// python appends the next value; the text is known to be JSON.
func (r *jsonReader) python(dst []byte, depth int) []byte {
	if depth > maxJSONDepth {
		r.fail("nested deeper than %d", maxJSONDepth)
		return dst
	}
	switch c := r.peek(); {
	case c == '{':
		return r.pythonObject(dst, depth)
	case c == '[':
		dst = append(dst, '[')
		comma := ""
		r.array(func() {
			dst = r.python(append(dst, comma...), depth+1)
			comma = ", "
		})
		return append(dst, ']')
	case c == '"':
		return pythonString(dst, r.string())
	case c == 't' || c == 'f' || c == 'n':
		return append(dst, r.skip(0)...)
	}
	return r.pythonNumber(dst, string(r.skip(0)))
}

func (r *jsonReader) pythonObject(dst []byte, depth int) []byte {
	var members [][]byte // "key": value
	places := map[string]int{}
	r.object(func(key []byte) {
		name := string(key)
		member := r.python(append(pythonString(nil, key), ": "...), depth+1)
		if i, twice := places[name]; twice {
			members[i] = member
			return
		}
		places[name] = len(members)
		members = append(members, member)
	})
	dst = append(dst, '{')
	dst = append(dst, bytes.Join(members, []byte(", "))...)
	return append(dst, '}')
}

func pythonString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c == '\b':
			dst = append(dst, `\b`...)
		case c == '\f':
			dst = append(dst, `\f`...)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, c)
		}
	}
	return append(dst, '"')
}

func (r *jsonReader) pythonNumber(dst []byte, s string) []byte {
	const maxDigits = 4300 // Python's own limit for an int
	if !strings.ContainsAny(s, ".eE") {
		if len(strings.TrimPrefix(s, "-")) > maxDigits {
			r.fail("an integer of more than %d digits", maxDigits)
		}
		if s == "-0" {
			s = "0"
		}
		return append(dst, s...)
	}
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case err != nil:
		r.fail("number %q", s)
		return dst
	}
	return append(dst, pythonFloat(f)...)
}

// pythonFloat is repr of a float: with an exponent below 1e-4 and from 1e16 on.
func pythonFloat(f float64) string {
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
