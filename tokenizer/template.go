// SPDX-License-Identifier: Apache-2.0

package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A chat template is a Jinja program. It is not run: it is read into a canonical form, in which
// white space, quotes, the spelling of member access and the division of the output into pieces
// no longer matter, and compared with the canonical forms of the templates known here. A system
// prompt built into the template may be any text.

const (
	maxTemplate = 1 << 16 // bytes

	chatMLLoop = "{% for message in messages %}" + chatMLTurn + "{% endfor %}"
	chatMLTurn = "{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}"
	chatMLEnd  = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
	chatMLSet  = "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"

	anySystem  = "\ue000" // stands for the built-in system prompt
	systemTurn = "{{ '<|im_start|>system\n" + anySystem + "<|im_end|>\n' }}"
	qwen2Loop  = "{% for message in messages %}{% if loop.first and messages[0].role != 'system' %}" +
		systemTurn + "{% endif %}" + chatMLTurn + "{% endfor %}"
	systemFirst = "{% if messages[0].role != 'system' %}" + systemTurn + "{% endif %}"

	qwen25Template = `{%- if tools %}
{{- '<|im_start|>system\n' }}
{%- if messages[0].role == 'system' %}{{- messages[0].content }}{%- else %}{{- '` + anySystem + `' }}{%- endif %}
{{- "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>" }}
{%- for tool in tools %}{{- "\n" }}{{- tool | tojson }}{%- endfor %}
{{- "\n</tools>\n\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call><|im_end|>\n" }}
{%- else %}
{%- if messages[0].role == 'system' %}{{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- else %}{{- '<|im_start|>system\n` + anySystem + `<|im_end|>\n' }}{%- endif %}
{%- endif %}
{%- for message in messages %}
{%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
{%- elif message.role == "assistant" %}
{{- '<|im_start|>' + message.role }}
{%- if message.content %}{{- '\n' + message.content }}{%- endif %}
{%- for tool_call in message.tool_calls %}
{%- if tool_call.function is defined %}{%- set tool_call = tool_call.function %}{%- endif %}
{{- '\n<tool_call>\n{"name": "' }}{{- tool_call.name }}{{- '", "arguments": ' }}{{- tool_call.arguments | tojson }}{{- '}\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\n' }}
{%- elif message.role == "tool" %}
{%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}{{- '<|im_start|>user' }}{%- endif %}
{{- '\n<tool_response>\n' }}{{- message.content }}{{- '\n</tool_response>' }}
{%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}{{- '<|im_end|>\n' }}{%- endif %}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}`
)

// knownTemplate is a template that ParseChat recognises.
type knownTemplate struct {
	name   string
	family family
	text   string
}

func knownTemplates() []knownTemplate {
	const end = chatMLEnd
	return []knownTemplate{
		{"ChatML", familyChatML, chatMLLoop + end},
		{"ChatML", familyChatML, chatMLSet + chatMLLoop + end},
		{"ChatML with a default system prompt (Qwen2-Instruct)", familyChatML, qwen2Loop + end},
		{"ChatML with a default system prompt (Qwen2-Instruct)", familyChatML, chatMLSet + qwen2Loop + end},
		{"ChatML with a default system prompt (Qwen2-Instruct)", familyChatML, systemFirst + chatMLLoop + end},
		{"Qwen2.5-Instruct, with tools", familyQwen25, qwen25Template},
	}
}

// ParseChat recognises the chat_template of a tokenizer_config.json: ChatML, with or without a
// default system prompt (as Qwen2-Instruct's), and Qwen2.5-Instruct's with tools. Spacing, quotes
// and the default prompt's words may differ. Another template is an error that matches
// [ErrTemplate] and lists those. The text may be hostile: nothing in it is run.
func ParseChat(template string) (*Chat, error) {
	got, err := canonical(template)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; known: %s", ErrTemplate, err, knownNames())
	}
	for _, k := range knownTemplates() {
		want, err := canonical(k.text)
		if err != nil {
			return nil, err
		}
		if system, ok := matchForms(want, got); ok {
			return &Chat{k.family, system, strings.Contains(k.text, anySystem)}, nil
		}
	}
	return nil, fmt.Errorf("%w: known: %s", ErrTemplate, knownNames())
}

func knownNames() string {
	var names []string
	for _, k := range knownTemplates() {
		if len(names) == 0 || names[len(names)-1] != k.name {
			names = append(names, k.name)
		}
	}
	return strings.Join(names, "; ")
}

// templateItem is a piece of a template's canonical form.
type templateItem struct {
	kind byte   // 't' text that is output, 'e' an expression that is output, 's' a statement
	text string // the text itself, or the words joined by spaces
}

// matchForms compares two forms. The mark in want matches any text, the same in every place.
func matchForms(want, got []templateItem) (system string, ok bool) {
	if len(want) != len(got) {
		return "", false
	}
	seen := false
	for i, w := range want {
		g := got[i]
		if w.kind != g.kind {
			return "", false
		}
		before, after, marked := strings.Cut(w.text, anySystem)
		if !marked {
			if w.text != g.text {
				return "", false
			}
			continue
		}
		if len(g.text) < len(before)+len(after) || !strings.HasPrefix(g.text, before) || !strings.HasSuffix(g.text, after) {
			return "", false
		}
		text := g.text[len(before) : len(g.text)-len(after)]
		if seen && text != system || strings.Contains(text, controlStart) || strings.Contains(text, controlEnd) {
			return "", false
		}
		system, seen = text, true
	}
	return system, true
}

// canonical reads a template, with transformers' settings: trim_blocks and lstrip_blocks.
func canonical(template string) ([]templateItem, error) {
	if len(template) > maxTemplate {
		return nil, fmt.Errorf("%d bytes, at most %d", len(template), maxTemplate)
	}
	if !utf8.ValidString(template) {
		return nil, fmt.Errorf("not UTF-8")
	}
	f := &templateForm{}
	rest := strings.TrimSuffix(strings.ReplaceAll(template, "\r\n", "\n"), "\n")
	strip, trim := false, false // what the tag before the text asked for
	for {
		text, tag, after, err := nextTag(rest)
		if err != nil {
			return nil, err
		}
		if strip {
			text = strings.TrimLeft(text, " \t\n\r\f\v")
		} else if trim {
			text = strings.TrimPrefix(text, "\n")
		}
		if strings.HasPrefix(tag, "-") {
			text = strings.TrimRight(text, " \t\n\r\f\v")
		} else if after.kind != '{' && tag != "" {
			text = stripLine(text, len(rest) == len(template))
		}
		f.text(text)
		if after.kind == 0 {
			return f.items, nil
		}
		strip, trim = strings.HasSuffix(tag, "-"), after.kind != '{'
		if err := f.tag(after.kind, strings.Trim(tag, "-+")); err != nil {
			return nil, err
		}
		rest = after.rest
	}
}

// stripLine removes the spaces between the last line break and a block tag.
func stripLine(text string, atStart bool) string {
	cut := strings.TrimRight(text, " \t")
	if cut == "" || cut[len(cut)-1] == '\n' {
		return cut
	}
	_ = atStart
	return text
}

// afterTag is what follows the text before a tag.
type afterTag struct {
	kind byte // '{' output, '%' statement, '#' comment, 0 at the end
	rest string
}

// nextTag returns the text up to the next tag and the tag's inside.
func nextTag(s string) (text, tag string, after afterTag, err error) {
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '{' || s[i+1] != '{' && s[i+1] != '%' && s[i+1] != '#' {
			continue
		}
		end := tagEnd(s[i+2:], s[i+1])
		if end < 0 {
			return "", "", after, fmt.Errorf("an unfinished {%c", s[i+1])
		}
		return s[:i], s[i+2 : i+2+end], afterTag{s[i+1], s[i+2+end+2:]}, nil
	}
	return s, "", after, nil
}

// tagEnd returns where the tag's closing pair is, outside of quotes, or -1.
func tagEnd(s string, kind byte) int {
	closing := kind
	if kind == '{' {
		closing = '}'
	}
	quote := byte(0)
	for i := 0; i+1 < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case kind != '#' && (c == '\'' || c == '"'):
			quote = c
		case c == closing && s[i+1] == '}':
			return i
		}
	}
	return -1
}

// templateForm builds a canonical form.
type templateForm struct {
	items   []templateItem
	loopVar string // what the program calls a message
}

func (f *templateForm) text(s string) {
	if s == "" {
		return
	}
	if n := len(f.items); n > 0 && f.items[n-1].kind == 't' {
		f.items[n-1].text += s
		return
	}
	f.items = append(f.items, templateItem{'t', s})
}

func (f *templateForm) tag(kind byte, inside string) error {
	if kind == '#' {
		return nil
	}
	words, err := templateWords(inside)
	if err != nil {
		return err
	}
	if kind == '%' {
		if len(words) == 4 && words[0].text == "for" && words[2].text == "in" && words[3].text == "messages" {
			f.loopVar = words[1].text
		}
		f.items = append(f.items, templateItem{'s', f.join(words)})
		return nil
	}
	for _, part := range summands(words) {
		if len(part) == 1 && part[0].quoted {
			f.text(part[0].text)
		} else {
			f.items = append(f.items, templateItem{'e', f.join(part)})
		}
	}
	return nil
}

// templateWord is a name, a number, an operator or a quoted text.
type templateWord struct {
	text   string
	quoted bool
}

// join writes words in one spelling: x['y'] as x.y, the loop's variable as message.
func (f *templateForm) join(words []templateWord) string {
	var out strings.Builder
	for i, w := range words {
		switch {
		case w.quoted:
			fmt.Fprintf(&out, "%q ", w.text)
		case w.text == f.loopVar && (i == 0 || words[i-1].text != "."):
			out.WriteString("message ")
		default:
			out.WriteString(w.text + " ")
		}
	}
	return out.String()
}

// summands cuts an output expression at + and ~ outside of brackets. A conditional is left whole.
func summands(words []templateWord) [][]templateWord {
	var out [][]templateWord
	depth, start := 0, 0
	for i, w := range words {
		if w.quoted {
			continue
		}
		switch w.text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		case "if", "and", "or", "not", "in", "is":
			return [][]templateWord{words}
		case "+", "~":
			if depth == 0 {
				out = append(out, words[start:i])
				start = i + 1
			}
		}
	}
	return append(out, words[start:])
}
